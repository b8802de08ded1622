"""Captions of the pictures that are trained on, as lists of facts: "top left: cat, left of the dog: cat, pigs: 0". A fact is a
question and its answer, so that a caption teaches as much as several questions; and it is the captioner that learns."""

from scenes import PLACES

FACTS = 3  # of a caption: most fit into the included model's 24 tokens
CAPTIONS = 3  # of a picture


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
        yield {"image": f"{folder}/{name}", "captions": [caption(known, random) for _ in range(CAPTIONS)]}
