"""Writes expected.json: what pycocoevalcap finds for captions.json.

pycocoevalcap 1.2 is given words that are separated already, as caption_words.hpp separates them, so
that its PTB tokenizer (Java) has no part in it.
"""
import json
import os
import re

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider

HERE = os.path.dirname(os.path.abspath(__file__))


def words(caption):
    lower = "".join(c.lower() if c.isascii() else c for c in caption)
    return " ".join(re.findall(r"[0-9]|[a-z\u0080-\U0010ffff]+", lower))


def judge(captions):
    references = {i: [words(text) for text in c["references"]] for i, c in enumerate(captions)}
    candidates = {i: [words(c["candidate"])] for i, c in enumerate(captions)}
    bleu, _ = Bleu(4).compute_score(references, candidates, verbose=0)
    mean, each = Cider().compute_score(references, candidates)
    return {"bleu": bleu, "cider": float(mean), "cider_each": [float(score) for score in each],
            "words": [candidates[i][0] for i in candidates]}


with open(f"{HERE}/captions.json", encoding="utf-8") as file:
    corpora = json.load(file)
with open(f"{HERE}/expected.json", "w", encoding="utf-8") as file:
    json.dump({name: judge(captions) for name, captions in corpora.items()}, file, indent=1)
    file.write("\n")
