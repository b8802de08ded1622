"""The drawings and photographs of Tux Paint's stamps (Debian: tuxpaint-stamps-default)."""

import os
import re

from concepts import singular, tidy
from picture import Picture

FOLDER = "/usr/share/tuxpaint/stamps"
NOT_A_THING = {"cartoon", "symbols", "filled", "outlined", "lowercase", "uppercase", "us", "asl", "english"}
EXPLAINS = re.compile(r"\b(is|are|can|stands|means|will|has|have|moves?|used|do|does|if)\b")


def first_sentence(text):
    """"The Earth. Our planet!" says "The Earth"."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z])", text)[0]


def short_name(text, stem):
    """The caption in a few words; if it tells a story, the words of the file name."""
    sentence = re.sub(r"\s*\([^)]*\)", "", first_sentence(text))
    sentence = re.sub(r"(\s[-–]\s|—).*", "", sentence)
    sentence = re.sub(r",.*", "", sentence) if len(sentence.split()) > 7 else sentence
    name = re.sub(r"^(?:a|an|the|some|another) ", "", tidy(sentence))
    if len(name.split()) > 3 and EXPLAINS.search(name) or len(name.split()) > 9:
        words = re.sub(r"([a-z])([A-Z])", r"\1 \2", stem)
        words = re.sub(r"[^A-Za-z]+", " ", words).lower().split()
        if words and all(len(word) > 2 for word in words):
            return " ".join(words)
    return name


def read_stamps():
    for folder, _, files in sorted(os.walk(FOLDER)):
        for file in sorted(files):
            stem, extension = os.path.splitext(file)
            if extension != ".txt":
                continue
            path = os.path.join(folder, stem)
            picture = next((path + e for e in (".png", ".svg") if os.path.exists(path + e)), None)
            with open(path + ".txt", encoding="utf-8") as lines:
                text = lines.readline().strip()
            if not picture or not text:
                continue
            parts = os.path.relpath(folder, FOLDER).split("/")
            kinds = [singular(part) for part in reversed(parts) if part not in NOT_A_THING]
            identity = re.sub(r"\W+", "_", os.path.relpath(path, FOLDER))
            sentence = tidy(first_sentence(text))
            yield Picture("stamps", identity, picture, short_name(text, stem), [sentence],
                          [kind for kind in kinds if kind.isalpha()])
