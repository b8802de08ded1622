"""Sentences about two pictures, in NLVR2's format: a set is four pairs of pictures with two sentences, each of which is
true of two of the pairs, and of each pair only one of them is true."""

from dataclasses import dataclass

WORDS = {2: "two", 3: "three", 4: "four"}
MOST = 6  # drawings in a picture
FEWEST = 2


@dataclass
class Statement:
    """What is said of a thing, and how many of it two pairs have of which it is true, and two of which it is not."""

    text: object  # of a thing
    true: tuple  # ((left, right), (left, right))
    false: tuple


ADDITIVE = {
    "both": Statement(lambda thing: f"both pictures show {thing.a()}.", ((1, 1), (2, 1)), ((1, 0), (0, 2))),
    "at least one": Statement(lambda thing: f"at least one picture shows {thing.a()}.", ((1, 0), (0, 1)), ((0, 0), (0, 0))),
    "neither": Statement(lambda thing: f"neither picture shows {thing.a()}.", ((0, 0), (0, 0)), ((1, 0), (0, 1))),
    "more on the left": Statement(lambda thing: f"there are more {thing.plural} on the left.",
                                  ((2, 1), (1, 0)), ((1, 2), (1, 1))),
    **{f"at least {WORDS[count]}": Statement(
        lambda thing, count=count: f"there are at least {WORDS[count]} {thing.plural} in total.", true, false)
       for count, true, false in ((2, ((1, 1), (2, 0)), ((1, 0), (0, 1))), (3, ((2, 1), (1, 2)), ((1, 1), (0, 2))),
                                  (4, ((2, 2), (1, 3)), ((2, 1), (1, 2))))},
}
OTHER = {
    "exactly one": Statement(lambda thing: f"exactly one picture shows {thing.a()}.", ((1, 0), (0, 1)), ((1, 1), (0, 0))),
    "the same number": Statement(lambda thing: f"both pictures show the same number of {thing.plural}.",
                                 ((1, 1), (2, 2)), ((1, 2), (2, 1))),
}


@dataclass
class PairSet:
    kinds: list  # of the two sentences
    texts: list
    scenes: list  # of four pairs: (left, right)
    labels: list  # of each sentence, of four pairs


def mirrored(counts, random):
    """The same numbers; the pictures of what is equally true either way round may change places."""
    return [pair[::-1] for pair in counts] if random.random() < 0.5 else list(counts)


def four_pairs(kind, statement, random):
    """(counts of two pairs of which it is true, of two others)"""
    true, false = (random.sample(each, 2) for each in (statement.true, statement.false))
    if kind == "more on the left":
        return true, false
    return mirrored(true, random), mirrored(false, random)


def scene(stage, counts, things):
    """That many of two things, and some others."""
    first, second, *others = things
    shown = [first] * counts[0] + [second] * counts[1]
    total = stage.random.randint(max(FEWEST, len(shown)), MOST)
    return stage.scattered(shown + [stage.random.choice(others) for _ in range(total - len(shown))])


def pair_set(stage, statements, kinds, things):
    """The first sentence is true of pairs of which the second is false."""
    true, false = four_pairs(kinds[0], statements[kinds[0]], stage.random)
    other_true, other_false = four_pairs(kinds[1], statements[kinds[1]], stage.random)
    pairs = [*zip(true, other_false, (True, True)), *zip(false, other_true, (False, False))]
    stage.random.shuffle(pairs)
    scenes = [tuple(scene(stage, (first[side], second[side]), things) for side in range(2)) for first, second, _ in pairs]
    labels = [label for _, _, label in pairs]
    return PairSet(list(kinds), [statements[kind].text(thing) for kind, thing in zip(kinds, things)], scenes,
                   [labels, [not label for label in labels]])


def pair_sets(stage, things, rounds, statements):
    """Each kind of sentence about each thing, twice a round."""
    kinds = list(statements)
    for _ in range(rounds):
        turn = stage.random.randrange(len(kinds))
        for number, kind in enumerate(kinds):
            order = stage.random.sample(things, len(things))
            other = kinds[(number + turn) % len(kinds)]
            for at in range(len(order)):
                yield pair_set(stage, statements, (kind, other), order[at:] + order[:at])


def nlvr2_rows(sets, split, first_set):
    """NLVR2's lines, and [(name of the picture, scene)]."""
    rows, pictures = [], []
    for number, each in enumerate(sets, first_set):
        for pair, scenes in enumerate(each.scenes):
            pictures += [(f"{split}-{number}-{pair}-img{side}.png", scene) for side, scene in enumerate(scenes)]
            rows += [{"identifier": f"{split}-{number}-{pair}-{sentence}", "sentence": text,
                      "label": str(each.labels[sentence][pair]), "left_url": "", "right_url": "",
                      "synset": each.kinds[sentence], "query": each.kinds[sentence]}
                     for sentence, text in enumerate(each.texts)]
    return rows, pictures
