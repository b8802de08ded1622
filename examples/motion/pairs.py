#!/usr/bin/env python3
"""How often a model tells a clip of make.py from its time-reversed copy, by the results of evaluate video --results:

pairs.py RESULTS CLASSES           CLASSES is the model's classes.txt

Of each clip only its motion and the opposite one count; the clips that do not move have no opposite. The results must
have all classes: evaluate video --top 9.
"""

import json
import sys

sys.dont_write_bytecode = True  # no __pycache__ next to the sources

from clips import OPPOSITES


def main():
    if len(sys.argv) != 3 or sys.argv[1] in ("-h", "--help"):
        sys.exit(__doc__.strip())
    with open(sys.argv[2], encoding="utf-8") as lines:
        classes = [line.strip().replace(" ", "_") for line in lines]
    with open(sys.argv[1], encoding="utf-8") as lines:
        results = [row for row in map(json.loads, lines) if "top" in row]
    right = clips = 0
    for row in results:
        label = classes[row["label"]]
        opposite = classes.index(OPPOSITES[label])
        if opposite == row["label"]:
            continue
        probabilities = dict(row["top"])
        if row["label"] not in probabilities or opposite not in probabilities:
            sys.exit(f"{sys.argv[1]}: {row['video']} has no probabilities of {label} and its opposite; give --top 9")
        clips += 1
        right += probabilities[row["label"]] > probabilities[opposite]
    print(f"{100 * right / clips:.1f} % of {clips} clips are told from their reversed copies")


if __name__ == "__main__":
    main()
