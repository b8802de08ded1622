"""Captions of the pictures that are trained on: the ground, and what is where, or how many of what. A model learns from one of
them as much as from several questions."""

from collections import Counter

from scenes import PLACES

WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def named(thing, count):
    return f"{WORDS[count]} {thing.name if count == 1 else thing.plural}"


def caption(scene):
    """"blue: top left cat, bottom right dog" of a square, else "photograph: four cats, two dogs"."""
    if scene.grid == (2, 2):
        items = sorted(scene.items, key=lambda item: item.cell[::-1])
        parts = [f"{PLACES[item.cell]} {item.thing.name}" for item in items]
    else:
        things = {item.thing.name: item.thing for item in scene.items}
        counts = Counter(item.thing.name for item in scene.items)
        parts = [named(things[name], count) for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return f"{scene.color or 'photograph'}: {', '.join(parts)}"


def caption_rows(folder, pictures):
    """Lines for train --data, of [(name of the picture, scene)]."""
    return [{"image": f"{folder}/{name}", "caption": caption(scene)} for name, scene in pictures]
