"""Families of Noto's faces: one or two adults with one or two children, in colours or, mostly, in silhouette, where
only outlines show who is there, and how many."""

from itertools import cycle, product
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from concepts import SKIN_TONE, color_strength, mentions_held_out

IN_COLOR = 5  # one in this many of each family is in colours
ON_A_SIGN = 0.67  # share of the silhouettes
FACES = {"man", "woman", "boy", "girl"}
GROWN_UPS = [("man",), ("woman",), ("man", "woman"), ("man", "man"), ("woman", "woman")]
CHILDREN = [("boy",), ("girl",), ("girl", "boy"), ("boy", "boy"), ("girl", "girl")]
GROWN_UP = (40, 54)  # widths of a head in pixels
CHILD = (26, 40)
CANVAS = 256  # room for the largest, before cropping
GROUND = 150  # where the adults stand on it
MIDDLE = 100


def faces_by_tone(train):
    """{skin tone: {"man": image, ...}}, "" for none."""
    faces = {}
    for record, image in train:
        name, _, tone = record["captions"][0].partition(": ")
        if record["source"] == "emoji" and name in FACES and (not tone or SKIN_TONE.fullmatch(tone)):
            faces.setdefault(tone, {})[name] = image
    return {tone: of_tone for tone, of_tone in faces.items() if len(of_tone) == len(FACES)}


def silhouette(head, ink, random):
    """The outline of a head, in one colour, with shoulders below."""
    width, height = round(head.width * random.uniform(1, 1.3)), round(head.height * random.uniform(0.4, 1.1))
    neck = head.height + random.randint(0, 3)
    outline = Image.new("L", (width, neck + height))
    box = [0, neck, width - 1, outline.height + width]  # its lower corners, which are round too, lie outside
    ImageDraw.Draw(outline).rounded_rectangle(box, radius=width * random.uniform(0.25, 0.45), fill=255)
    outline.paste(head.getchannel("A"), ((width - head.width) // 2, 0))
    shape = Image.new("RGBA", outline.size, ink)
    shape.putalpha(outline)
    return shape


def put_in_front(canvas, image, corner, gap):
    """Puts the image on the canvas, whose content ends `gap` pixels from the image's outline."""
    if gap:
        outline = Image.new("L", canvas.size)
        outline.paste(image.getchannel("A"), corner)
        near = outline.filter(ImageFilter.MaxFilter(2 * gap + 1))
        canvas.putalpha(ImageChops.multiply(canvas.getchannel("A"), ImageChops.invert(near)))
    canvas.alpha_composite(image, corner)


def put_in_a_row(canvas, people, bottom, middle, gap, random):
    """Returns the right end of the row."""
    between = random.randint(-2, 5)
    left = middle - (sum(image.width for image in people) + between * (len(people) - 1)) // 2
    for image in people:
        put_in_front(canvas, image, (left, bottom - image.height), gap)
        left += image.width + between
    return left


def arranged(grown_ups, children, gap, random):
    """The children in front of the adults, lower; one child may stand next to one adult."""
    canvas = Image.new("RGBA", (CANVAS, CANVAS))
    right = put_in_a_row(canvas, grown_ups, GROUND, MIDDLE, gap, random)
    if len(grown_ups) == len(children) == 1 and random.random() < 0.5:
        put_in_a_row(canvas, children, GROUND, right + children[0].width // 2 + random.randint(0, 4), gap, random)
    else:
        tallest = max(image.height for image in children)
        lower = random.randint(tallest // 3, tallest * 2 // 3)
        put_in_a_row(canvas, children, GROUND + lower, MIDDLE + random.randint(-4, 4), gap, random)
    return canvas.crop(canvas.getbbox())


def on_a_sign(image, random):
    """On a light square with round corners."""
    margin, gray = random.randint(6, 18), random.randint(200, 255)
    side = max(image.size) + 2 * margin
    sign = Image.new("RGBA", (side, side))
    ImageDraw.Draw(sign).rounded_rectangle([0, 0, side - 1, side - 1], radius=random.randint(0, side // 6),
                                           fill=(gray, gray, gray, 255))
    sign.alpha_composite(image, ((side - image.width) // 2, (side - image.height) // 2))
    return sign


def drawn(grown_ups, children, in_color, random):
    """The family of these faces."""
    ink = tuple(random.randint(0, 60) for _ in range(3))

    def person(face, widths):
        width = random.randint(*widths)
        head = face.resize((width, round(face.height * width / face.width)), Image.Resampling.BICUBIC)
        return head if in_color else silhouette(head, ink, random)

    grown_ups, children = ([person(face, widths) for face in faces]
                           for faces, widths in ((grown_ups, GROWN_UP), (children, CHILD)))
    family = arranged(grown_ups, children, 0 if in_color else random.randint(1, 3), random)
    return family if in_color or random.random() >= ON_A_SIGN else on_a_sign(family, random)


def families(train):
    """(captions, more of the record, image) made of the faces of `train`, (record, image), without end: the same at
    every call, and no caption of them held out."""
    faces = faces_by_tone(train)
    random = Random(3)
    for in_color in cycle([True] + (IN_COLOR - 1) * [False]):
        for grown_ups, children in product(GROWN_UPS, CHILDREN):
            tone = random.choice(list(faces))
            names = ", ".join(grown_ups + children)
            captions = [f"{names}: {tone}" if in_color and tone else names]
            if not any(map(mentions_held_out, captions)):
                groups = ([faces[tone][who] for who in group] for group in (grown_ups, children))
                family = drawn(*groups, in_color, random)
                yield captions, {"flip": True, "color": color_strength(captions)}, family
