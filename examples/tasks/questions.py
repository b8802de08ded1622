"""Questions about a picture, in VQAv2's format. Each round asks every question with each of its answers equally often."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from annotators import MISTAKES, OTHER_WORDS, ten_answers
from scenes import COLORS, PLACES, SIZES

LARGE, SMALL = (0.9, 1.0), (0.42, 0.55)
NUMBERS = ({1: 3, 2: 4, 3: 1, 4: 2}, {1: 4, 2: 3, 3: 2, 4: 1})  # of one thing, and of the other one in the picture
AROUND = {False: ("left of", "right of"), True: ("above", "below")}
YES_NO = ["yes", "no"]


@dataclass
class Question:
    scene: object
    kind: str  # VQA's question_type
    text: str
    answer: str
    others: list  # what some people say instead
    doubt: float = MISTAKES  # how often they do

    def answer_type(self):
        return "yes/no" if self.answer in YES_NO else "number" if self.answer.isdigit() else "other"


def yes_or_no(scene, text, is_true):
    answer = YES_NO[not is_true]
    return Question(scene, " ".join(text.split()[:2]), text, answer, [YES_NO[is_true]])


def is_there(scene, thing):
    return yes_or_no(scene, f"is there {thing.a()}?", scene.count(thing) > 0)


def where(scene, item):
    answer = PLACES[item.cell]
    return Question(scene, "where is", f"where is the {item.thing.name}?", answer, answer.split(), OTHER_WORDS)


def how_many(scene, thing):
    answer = str(scene.count(thing))
    return Question(scene, "how many", f"how many {thing.plural} are there?", answer,
                    [number for number in "1234" if number != answer])


def around(scene, way, anchor, thing):
    return Question(scene, f"what is {way}", f"what is {way} the {anchor.name}?", thing.name, thing.words, OTHER_WORDS)


def compared(scene, word, things, answer):
    other = things[answer is things[0]]
    text = f"which is {word}, the {things[0].name} or the {things[1].name}?"
    return Question(scene, f"which is {word}", text, answer.name, [other.name])


def shuffled(values, random):
    return random.sample(values, len(values))


def places(stage, things):
    """Two to four things: where is each, and is one there?"""
    cells = shuffled(list(PLACES), stage.random)
    for shift in range(4):
        order, count = shuffled(things, stage.random), stage.random.randint(2, 4)
        for at in range(len(order)):
            roles = [order[(at + role) % len(order)] for role in range(count + 1)]
            scene = stage.scene([(thing, cells[(role + shift) % 4], SIZES) for role, thing in enumerate(roles[:-1])])
            for item in scene.items[:2]:
                yield where(scene, item)
            yield is_there(scene, roles[0])
            yield is_there(scene, roles[-1])


def row_of(things, at, offset):
    return things[at], things[(at + offset) % len(things)]


def neighbours(stage, things):
    """Two rows, or two columns, of two things of a kind each: what is left of one of them?"""
    kinds = defaultdict(list)
    for thing in things:
        kinds[thing.kind].append(thing)
    kinds = list(kinds.values())
    for upright in AROUND:
        for number, (first, second) in enumerate(zip(kinds, kinds[1:] + kinds[:1])):
            offsets = list(range(1, len(first)))
            for offset, other in zip(offsets, shuffled(offsets, stage.random)):
                turn = stage.random.randrange(len(second))
                for at in range(len(first)):
                    rows = [row_of(first, at, offset), row_of(second, (at + turn) % len(second), other)]
                    yield from asked_around(stage, shuffled(rows, stage.random), upright)


def asked_around(stage, rows, upright):
    """Of two rows, each (left, right); or of two columns."""
    def cell(row, at):
        return (row, at) if upright else (at, row)

    scene = stage.scene([(thing, cell(row, at), SIZES) for row in range(2) for at, thing in enumerate(rows[row])])
    before, after = AROUND[upright]
    for left, right in rows:
        yield around(scene, before, right, left)
        yield around(scene, after, left, right)


def numbers(stage, things):
    """One to four of one thing, and some of another: how many are there?"""
    others = stage.random.choice(NUMBERS)
    for number, other in others.items():
        order = shuffled(things, stage.random)
        for at in range(len(order)):
            first, second, absent = (order[(at + role) % len(order)] for role in range(3))
            scene = stage.scattered([first] * number + [second] * other)
            yield how_many(scene, first)
            yield how_many(scene, second)
            yield is_there(scene, first)
            yield is_there(scene, absent)


def sameness(stage, things):
    """The same drawing twice, or two things: are they the same?"""
    order = shuffled(things, stage.random)
    for first, second in zip(order, order[1:] + order[:1]):
        drawing = (first, stage.drawing(first))
        for pair, same in (((drawing, drawing), True), ((first, second), False)):
            scene = stage.scattered(list(pair))
            yield yes_or_no(scene, "are they the same?", same)
            yield yes_or_no(scene, "are they different?", not same)


def sizes(stage, things, offset):
    """Two things of a kind: which is larger?"""
    for at, thing in enumerate(things):
        start = at - at % 8
        pair = (thing, things[start + (at - start + offset) % 8])
        for larger, smaller in (pair, pair[::-1]):
            cells = stage.random.sample(list(PLACES), 2)
            scene = stage.scene([(larger, cells[0], LARGE), (smaller, cells[1], SMALL)])
            yield compared(scene, "larger", pair, larger)
            yield compared(scene, "smaller", pair, smaller)


def colors(questions, share, random):
    """The ground's colour, asked equally often of each, of about that share of the pictures."""
    by_color = defaultdict(list)
    for scene in {id(question.scene): question.scene for question in questions}.values():
        by_color[scene.color].append(scene)
    count = int(share * min(len(by_color[color]) for color in COLORS))
    for color in COLORS:
        for scene in random.sample(by_color[color], count):
            yield Question(scene, "what color", "what color is the ground?", color,
                           [other for other in COLORS if other != color])


def questions(stage, things, rounds):
    asked = []
    for number in range(rounds):
        for part in (places, neighbours, numbers, sameness):
            asked += part(stage, things)
        asked += sizes(stage, things, 1 + number % 7)
    return asked + list(colors(asked, 0.25, stage.random))


def vqa_files(asked, split, random):
    """Questions and annotations as VQAv2 has them, and [(name of the picture, scene)]."""
    head = {"info": {"description": "drawings", "version": "1"}, "license": {"name": "see examples/tasks/README.md"},
            "data_type": "drawings", "data_subtype": split}
    questions, annotations, numbers, pictures = [], [], {}, []
    for number, question in enumerate(asked):
        if id(question.scene) not in numbers:
            numbers[id(question.scene)] = len(numbers) + 1
            pictures.append((f"COCO_{split}_{len(numbers):012}.jpg", question.scene))
        ids = {"image_id": numbers[id(question.scene)], "question_id": number + 1}
        questions.append(ids | {"question": question.text})
        answers = ten_answers(question.answer, question.others, question.doubt, random)
        annotations.append(ids | {
            "question_type": question.kind, "answer_type": question.answer_type(),
            "multiple_choice_answer": question.answer,
            "answers": [{"answer": answer, "answer_confidence": "yes", "answer_id": at + 1}
                        for at, answer in enumerate(answers)]})
    return (head | {"task_type": "Open-Ended", "questions": questions}, head | {"annotations": annotations}, pictures)


def answer_list(annotations, at_least):
    """What people said of that many questions, the most frequent first."""
    counts = Counter(answer for each in annotations for answer in {a["answer"] for a in each["answers"]})
    return [answer for answer, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])) if count >= at_least]
