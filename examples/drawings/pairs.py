"""Two faces of Noto side by side: who is on the left, who on the right, and in which skin tones."""

import io
from itertools import product

from PIL import Image

from concepts import SKIN_TONE
from picture import Picture

FACES = {"man", "woman", "person"}


def side_by_side(left, right):
    """Two PNG, as one of twice the width."""
    pictures = [Image.open(io.BytesIO(content)).convert("RGBA") for content in (left, right)]
    both = Image.new("RGBA", (sum(picture.width for picture in pictures), max(picture.height for picture in pictures)))
    both.paste(pictures[0], (0, 0))
    both.paste(pictures[1], (pictures[0].width, 0))
    png = io.BytesIO()
    both.save(png, "PNG")
    return png.getvalue()


def pairs_of_faces(emoji):
    """Each of the faces with each, both with a skin tone or both without, named as Unicode names couples:
    "woman, man: dark skin tone, light skin tone", or "woman, man: dark skin tone" where both have the same."""
    faces = [(who, SKIN_TONE.findall(picture.name), picture) for picture in emoji
             for who, _, details in [picture.name.partition(": ")]
             if who in FACES and not SKIN_TONE.sub("", details)]
    for (left_who, left_tone, left), (right_who, right_tone, right) in product(faces, faces):
        if bool(left_tone) == bool(right_tone):
            tones = ", ".join(dict.fromkeys(left_tone + right_tone))
            name = f"{left_who}, {right_who}" + (f": {tones}" if tones else "")
            yield Picture("pairs", f"{left.identity}_{right.identity}", side_by_side(left.content, right.content), name)
