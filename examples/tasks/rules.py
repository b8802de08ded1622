"""How right one can be without looking at the picture, or without reading the sentence. A row is (sentence, picture,
kind, {answer: how right it is, 0 to 1}, the truth)."""

from collections import Counter, defaultdict


def vqa_scores(answers):
    """{answer: VQA's accuracy}: of ten people, leaving out one at a time, a third for each of the first three who agree."""
    return {answer: sum(min(1, (count - (other == answer)) / 3) for other in answers) / len(answers)
            for answer, count in Counter(answers).items()}


def best_rule(rows, key):
    """{key: the answer that is most right on average}"""
    totals = defaultdict(Counter)
    for row in rows:
        totals[row[key]].update(row[3])
    return {value: max(sorted(scores), key=scores.get) for value, scores in totals.items()}


def score(rows, rule, key):
    return sum(row[3].get(rule.get(row[key]), 0) for row in rows) / len(rows)


def chance(rows):
    """Of guessing among the answers of a sentence."""
    answers = defaultdict(set)
    for row in rows:
        answers[row[0]].add(row[4])
    return sum(1 / len(answers[row[0]]) for row in rows) / len(rows)


def unbalanced(rows):
    """The first sentence that does not have each of its answers equally often, or None."""
    counts = defaultdict(Counter)
    for row in rows:
        counts[row[0]][row[4]] += 1
    return next((f'"{sentence}" {dict(answers)}' for sentence, answers in counts.items()
                 if len(answers) < 2 or len(set(answers.values())) > 1), None)


def report(name, training, rows):
    """Prints the best rules: from text, as the training split teaches it and as one would choose it knowing these rows;
    from the picture alone, knowing these rows. Returns how far text alone is above chance."""
    guess = chance(rows)
    learnt, known = score(rows, best_rule(training, 0), 0), score(rows, best_rule(rows, 0), 0)
    picture = score(rows, best_rule(rows, 1), 1)
    print(f"{name:34}{len(rows):7}{len({row[1] for row in rows}):9}{100 * guess:8.1f}{100 * learnt:8.1f}{100 * known:10.1f}"
          f"{100 * picture:9.1f}")
    return max(learnt, known) - guess
