"""Two training pictures in one, named after both: "frog, minibus". A model that has seen a thing with many others knows which of
the words, and which part of the picture, refers to it (as MixGen, arXiv 2206.08358, mixes pairs)."""

from collections import defaultdict
from random import Random

from PIL import Image

from concepts import (PEOPLE, SKIN_TONE, base_form, color_strength, has_word, mentions_held_out,
                      people_and_skin_tones)

MOST_WORDS = 3  # of the name of a thing: two of them must fit into a text
LONGEST = 88  # sides of one picture of the two, in pixels
SHORTEST = 66


def resized(image, random):
    scale = random.uniform(SHORTEST, LONGEST) / max(image.size)
    return image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BICUBIC)


def one_after_the_other(length, other, overlap):
    """The length of both together, and where the second begins, which covers that part of the first."""
    start = round(length * (1 - overlap))
    return max(length, start + other), start


def composed(first, second, way, random):
    """The first next to the second, above it, or with a corner under it (diagonal)."""
    overlap = random.uniform(0.15, 0.4) if way == "diagonal" else 0
    size, corner = [0, 0], [0, 0]
    for axis, along in enumerate((way != "above", way != "beside")):
        sides = first.size[axis], second.size[axis]
        if along:
            size[axis], corner[axis] = one_after_the_other(*sides, overlap)
        else:
            size[axis] = max(sides)
            corner[axis] = random.randint(0, size[axis] - sides[1])
    both = Image.new("RGBA", size)
    both.alpha_composite(first, (0, 0))
    both.alpha_composite(second, tuple(corner))
    return both


def numbered(source, drawn, longest):
    """(record, image) of each drawn (captions, more fields of the record, image), the longer side at most `longest`."""
    for number, (captions, fields, image) in enumerate(drawn):
        image.thumbnail((longest, longest), Image.Resampling.BICUBIC)
        path = f"images/{source}/{number}.png"
        yield {"image": path, "captions": captions, "source": source, "base": base_form(captions[0]),
               "group": path} | fields, image


def name_of_thing(record):
    """Its name if that is a few words without punctuation, which stay distinguishable when joined; otherwise ""."""
    name = record["captions"][0]
    simple = not SKIN_TONE.search(name) and not set(name) & set(",:") and len(name.split()) <= MOST_WORDS
    return name if simple else ""


def shuffled_without_end(names, random):
    """All of the names once before any is repeated."""
    while True:
        random.shuffle(names)
        yield from names


def things(train):
    """(captions, more of the record, image) of `train`, (record, image), in twos, without end: the same at every call,
    and no caption of them held out."""
    by_name = defaultdict(list)
    for record, image in train:
        by_name[name_of_thing(record)].append((record, image))
    by_name.pop("", None)
    random = Random(1)
    names = shuffled_without_end(sorted(by_name), random)
    while True:
        pair = [next(names), next(names)]
        captions = [f"{pair[0]}, {pair[1]}", f"{pair[1]}, {pair[0]}", f"{pair[0]} and {pair[1]}"]
        (first, image), (second, other) = (random.choice(by_name[name]) for name in pair)
        if pair[0] == pair[1] or any(map(mentions_held_out, captions)):
            continue
        both = composed(resized(image, random), resized(other, random),
                        random.choice(["beside", "beside", "above", "diagonal"]), random)
        yield captions, {"flip": first["flip"] and second["flip"], "color": min(first["color"], second["color"])}, both


def name_and_skin_tone(record):
    """("woman teacher", "dark skin tone") of "woman teacher: dark skin tone"; None of a name with none or several."""
    name, _, tone = record["captions"][0].partition(": ")
    return (name, tone) if SKIN_TONE.fullmatch(tone) and has_word(name, PEOPLE) and "," not in name else None


def people(train):
    """Two of Noto's people side by side, as `pairs` has their faces: "woman teacher, man running: dark skin tone, light
    skin tone". Like `things` otherwise."""
    known = [(record, image) for record, image in train if record["source"] == "emoji" and name_and_skin_tone(record)]
    random = Random(2)
    while True:
        pair = random.sample(known, 2)
        names, tones = zip(*(name_and_skin_tone(record) for record, _ in pair))
        name = f"{', '.join(names)}: {', '.join(dict.fromkeys(tones))}"
        captions = [name, people_and_skin_tones(name)]
        if not any(map(mentions_held_out, captions)):
            both = composed(*(resized(image, random) for _, image in pair), "beside", random)
            yield captions, {"flip": False, "color": color_strength(captions)}, both
