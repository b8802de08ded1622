"""Writes expected.json: what pycocoevalcap 1.2 finds for captions.json, with its PTB tokenizer (Java)."""
import json
import os

from pycocoevalcap.bleu.bleu import Bleu
from pycocoevalcap.cider.cider import Cider
from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))


def words(captions):
    return PTBTokenizer().tokenize({i: [{"caption": text} for text in texts] for i, texts in enumerate(captions)})


def judge(captions):
    references = words([c["references"] for c in captions])
    candidates = words([[c["candidate"]] for c in captions])
    bleu, _ = Bleu(4).compute_score(references, candidates, verbose=0)
    mean, each = Cider().compute_score(references, candidates)
    return {"bleu": bleu, "cider": float(mean), "cider_each": [float(score) for score in each],
            "words": [candidates[i][0] for i in candidates]}


with open(f"{HERE}/captions.json", encoding="utf-8") as file:
    corpora = json.load(file)
with open(f"{HERE}/expected.json", "w", encoding="utf-8") as file:
    json.dump({name: judge(captions) for name, captions in corpora.items()}, file, indent=1)
    file.write("\n")
