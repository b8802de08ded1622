"""The things in the pictures: their names, other words for them, and drawings of them."""

import json
import os
from collections import Counter
from dataclasses import dataclass

from PIL import Image

from concepts import concept

EMOJI_ONE = "/usr/share/rubygems-integration/all/gems/gemojione-3.3.0"  # Debian's ruby-gemojione
DRAWINGS = 3  # of a thing that are trained on: Noto's emoji, then stamps, then clip art
OTHER_WORDS = 3
SOURCES = ("emoji", "stamps", "clipart")


class DataError(Exception):
    """What is missing, in a sentence."""


@dataclass
class Thing:
    name: str
    plural: str
    kind: str  # eight things of each kind, which are asked for together
    words: list  # what else people call it
    known: list  # files of the drawings trained on
    new: list  # files of another artist's drawings

    def a(self):
        return f"{'an' if self.name[0] in 'aeiou' else 'a'} {self.name}"


def read_json(path):
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def read_records(folder):
    """The training side of the drawings, by name."""
    path, records = f"{folder}/train.jsonl", {}
    if not os.path.exists(path):
        raise DataError(f"{folder} has no train.jsonl; examples/drawings/prepare.sh makes such a folder")
    with open(path, encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if record["source"] in SOURCES:
                records.setdefault(record["captions"][0], []).append(record)
    return records


def other_words(name, records):
    """The keywords and other names that most of the drawings have."""
    words = Counter(word for record in records for caption in record["captions"][1:] for word in caption.split(", ")
                    if concept(word) != concept(name) and " " not in word)
    return [word for word, _ in sorted(words.items(), key=lambda item: (-item[1], item[0]))[:OTHER_WORDS]]


def emoji_one():
    """{name: file} of EmojiOne's drawings."""
    path = f"{EMOJI_ONE}/config/index.json"
    if not os.path.exists(path):
        raise DataError(f"{path} does not exist: install Debian's ruby-gemojione")
    return {entry["name"]: f"{EMOJI_ONE}/assets/png/{entry['unicode']}.png" for entry in read_json(path).values()}


def read_things(folder):
    """The things of things.tsv, drawn as the folder of examples/drawings and EmojiOne do."""
    records, others, things = read_records(folder), emoji_one(), []
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "things.tsv"), encoding="utf-8") as lines:
        for name, plural, kind in (line.rstrip("\n").split("\t") for line in lines):
            drawn = sorted(records.get(name, []), key=lambda record: (SOURCES.index(record["source"]), record["image"]))
            if len(drawn) < DRAWINGS or name not in others:
                raise DataError(f'"{name}" has {len(drawn)} drawings in {folder}, expected {DRAWINGS} and one of EmojiOne')
            known = [f"{folder}/{record['image']}" for record in drawn[:DRAWINGS]]
            things.append(Thing(name, plural, kind, other_words(name, drawn), known, [others[name]]))
    return things


def read_drawing(path):
    """RGBA, cropped to what is visible."""
    image = Image.open(path).convert("RGBA")
    return image.crop(image.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox())
