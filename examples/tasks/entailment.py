"""Sentences about a picture of which a cell may be behind a curtain, in SNLI-VE's format. What is seen is true; what is
nowhere is false where everything is seen, and open where the curtain may hide it."""

from dataclasses import dataclass

from annotators import five_labels
from scenes import SIZES

CELLS = [(0, 0), (1, 0), (0, 1), (1, 1)]
TRUE, OPEN, FALSE = LABELS = ("entailment", "neutral", "contradiction")


@dataclass
class Judged:
    scene: object
    text: str
    label: str


def label(least, most, wanted):
    """Whether a number that lies between the first two is at least a third one."""
    return TRUE if least >= wanted else OPEN if most >= wanted else FALSE


def opposite(answer):
    return {TRUE: FALSE, FALSE: TRUE, OPEN: OPEN}[answer]


def judged(scene, thing, kind):
    """A kind of sentence about a thing."""
    seen = scene.count(thing)
    most = seen + (scene.curtain is not None)
    if kind == "one":
        return Judged(scene, f"there is {thing.a()}.", label(seen, most, 1))
    if kind == "none":
        return Judged(scene, f"there is no {thing.name}.", opposite(label(seen, most, 1)))
    return Judged(scene, f"there are at least two {thing.plural}.", label(seen, most, 2))


def arranged(stage, things, covered):
    """The things in cells of a square, one of whose other cells may be behind a curtain."""
    cells = stage.random.sample(CELLS, 4)
    return stage.scene([(thing, cell, SIZES) for thing, cell in zip(things, cells)],
                       curtain=cells[-1] if covered else None)


def round_of(stage, things, twice_behind):
    """For each thing and each kind of sentence, every label equally often.
    @param twice_behind: whether two of a thing are seen in the pictures with a curtain, or in those without"""
    order = stage.random.sample(things, len(things))
    for at in range(len(order)):
        pair, one, absent, other = (order[(at + role) % len(order)] for role in range(4))
        covered, whole = (arranged(stage, [pair, pair, one], behind) for behind in (True, False))
        for thing, kind in ((one, "one"), (absent, "one"), (other, "one"), (one, "none"), (absent, "none"), (other, "none"),
                            (one, "two"), (pair if twice_behind else absent, "two")):
            yield judged(covered, thing, kind)
        for thing, kind in ((one, "one"), (absent, "one"), (other, "one"), (one, "none"), (absent, "none"), (other, "none"),
                            (one if twice_behind else pair, "two")):
            yield judged(whole, thing, kind)


def sentences(stage, things, rounds):
    return [each for number in range(rounds) for each in round_of(stage, things, number % 2 == 0)]


def snli_ve_rows(asked, split, random):
    """SNLI-VE's lines, and [(name of the picture, scene)]."""
    rows, numbers, pictures = [], {}, []
    for number, each in enumerate(asked):
        if id(each.scene) not in numbers:
            numbers[id(each.scene)] = f"{split}_{len(numbers) + 1:06}"
            pictures.append((f"{numbers[id(each.scene)]}.jpg", each.scene))
        picture = numbers[id(each.scene)]
        rows.append({"annotator_labels": five_labels(each.label, LABELS, random), "captionID": f"{picture}.jpg#0",
                     "gold_label": each.label, "pairID": f"{picture}.jpg#0r{number}", "Flickr30K_ID": picture,
                     "sentence1": "A picture of drawings.", "sentence2": each.text})
    return rows, pictures
