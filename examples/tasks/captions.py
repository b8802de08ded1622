"""Captions of the pictures that are trained on: a list of what is seen, "blue: top left cat, bottom right dog", from which a model
learns to see; and facts, "left of the dog: cat, pigs: 0", each a question and its answer, so that one of these captions teaches as
much as several questions. Both teach the captioner itself."""

from collections import Counter

from scenes import PLACES

FACTS = 3  # of a caption: most fit into the included model's 24 tokens
CAPTIONS = 2  # of facts, of a picture
WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def listed(scene):
    """"blue: top left cat, bottom right dog" of a square, else "photograph: four cats, two dogs"."""
    if scene.grid == (2, 2):
        items = sorted(scene.items, key=lambda item: item.cell[::-1])
        parts = [f"{PLACES[item.cell]} {item.thing.name}" for item in items]
    else:
        things = {item.thing.name: item.thing for item in scene.items}
        counts = Counter(item.thing.name for item in scene.items)
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        parts = [f"{WORDS[count]} {name if count == 1 else things[name].plural}" for name, count in ordered]
    return f"{scene.color or 'photograph'}: {', '.join(parts)}"


def neighbour_facts(scene, at):
    """(question, answer) for a thing and what is next to it in a square."""
    column, row = at
    for other, before, after in (((1 - column, row), "left of", "right of"), ((column, 1 - row), "above", "below")):
        found = {item.cell: item.thing for item in scene.items}
        if other in found:
            yield f"{before if other < at else after} the {found[at].name}", found[other].name


def square_facts(scene):
    """What is where; places and names of things of which there is one."""
    once = [item for item in scene.items if scene.count(item.thing) == 1]
    for item in scene.items:
        yield PLACES[item.cell], item.thing.name
    for item in once:
        yield item.thing.name, PLACES[item.cell]
        yield from neighbour_facts(scene, item.cell)


def facts(scene, things, random):
    """All that is known of a scene, and how many there are of as many things that it does not show."""
    shown = list({item.thing.name: item.thing for item in scene.items}.values())
    absent = random.sample([thing for thing in things if thing not in shown], len(shown))
    known = [(thing.plural, str(scene.count(thing))) for thing in shown + absent]
    known.append(("ground", scene.color or "photograph"))
    return known + (list(square_facts(scene)) if scene.grid == (2, 2) else [])


def caption(known, random):
    return ", ".join(f"{question}: {answer}" for question, answer in random.sample(known, min(FACTS, len(known))))


def caption_rows(folder, pictures, things, random):
    """Lines for train --data, of [(name of the picture, scene)]."""
    for name, scene in pictures:
        known = facts(scene, things, random)
        yield {"image": f"{folder}/{name}", "captions": [listed(scene), *(caption(known, random) for _ in range(CAPTIONS))]}
