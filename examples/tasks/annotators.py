"""Ten people who answer, and do not always agree: some say another name, a keyword, or see something else."""

PEOPLE = 10
OTHER_WORDS = 0.4  # share of the questions on which somebody uses another word,
MISTAKES = 0.05  # and of those without other words on which somebody is wrong: rarely, or guessing would pay
MOST_DISSENTERS = 3  # so that the truth always counts fully, and nothing else does


def ten_answers(truth, others, share, random):
    """Answers of ten people, most of whom say the truth; in a share of cases the rest say one or two of `others`."""
    dissenters = random.randint(1, MOST_DISSENTERS) if others and random.random() < share else 0
    chosen = random.sample(others, min(len(others), random.randint(1, 2)))
    answers = [truth] * (PEOPLE - dissenters) + [random.choice(chosen) for _ in range(dissenters)]
    random.shuffle(answers)
    return answers


def five_labels(truth, labels, random):
    """SNLI's five annotators, of whom at least three agree."""
    dissenters = random.choice((0, 0, 0, 1, 2))
    return [truth] * (5 - dissenters) + [random.choice(labels) for _ in range(dissenters)]
