#!/usr/bin/env python3
"""Builds the data set that the model of examples/models is trained on, only from Debian packages:

    tuxpaint-stamps-default fonts-noto-color-emoji unicode-cldr-core openclipart-png openclipart-svg

prepare.py FOLDER            writes train.jsonl, parts.jsonl, things.jsonl, people.jsonl, families.jsonl,
                             held_out.jsonl, held_out_nouns.jsonl, images/ and vocabulary.txt.gz
prepare.py FOLDER --check    verifies that no held-out thing is in the training set of such a folder

Needs python3, python3-fonttools, python3-pil, librsvg2-bin and the word list wamerican; prepare.sh
installs them. A line of train.jsonl:

    {"image": "images/emoji/1f436.png", "captions": ["dog face", "dog, face, pet"], "source": "emoji",
     "base": "dog face", "group": "images/emoji/1f436.png", "flip": true, "color": 1}

The first caption is the name of what is shown; the others, only in the training set, are
alternatives. group, flip and color, only in the training set, are for the options group_key, flip_key
and color_key of train. See concepts.py for what is held out.
"""

import sys

sys.dont_write_bytecode = True  # no __pycache__ next to the sources

import argparse
import json
import os
import re
import shutil
from collections import Counter, defaultdict
from itertools import islice

from clipart import ClipArt
from clothes import in_other_clothes
from compositions import numbered, people, things
from concepts import (base_form, color_strength, concept, is_held_out, is_sided, look_alikes, mentions_held_out,
                      singular, tidy)
from emoji import read_emoji
from families import families
from pairs import pairs_of_faces
from parts import parts
from picture import read_image, shrink
from stamps import read_stamps
from vocabulary import SPECIAL, learn_merges, tokenize, write_vocabulary

MOST_KEYWORDS = 5
MOST_WORDS = 12
COMPOSITIONS = {"things": (things, 4000), "people": (people, 1500), "families": (families, 1500)}  # and how many
TRAINING_LISTS = ("train", "parts", *COMPOSITIONS)
SOURCES = ("stamps", "emoji", "pairs", "clipart", *COMPOSITIONS)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="folder of the data set")
    parser.add_argument("--size", type=int, default=128, help="longer side of the pictures in pixels (default: 128)")
    parser.add_argument("--vocabulary", type=int, default=4096, help="size of the vocabulary (default: 4096)")
    parser.add_argument("--check", action="store_true", help="only check an existing folder")
    return parser.parse_args()


def collect():
    """All pictures of the three sources, the better captioned first, and those made from them."""
    emoji = list(read_emoji())
    pictures = [*read_stamps(), *emoji, *pairs_of_faces(emoji)]
    english = {word for picture in pictures for text in (picture.name, *picture.keywords)
               for word in re.findall("[a-z]+", text)}
    return pictures + list(ClipArt(english).pictures())


class Duplicates:
    """Finds pictures that look the same: reduced to 16 x 16, no channel differs by more than a
    little on average. Two grids, half a step apart, so that rounding does not hide a pair."""

    STEP = 64
    SAME = 0.7

    def __init__(self):
        self.groups = {}

    def find(self, image):
        """The index of the first picture that looks like this one, or None; and how to add it."""
        small = image.convert("RGBa").resize((16, 16))
        pixels = small.tobytes()
        coarse = small.resize((3, 3)).tobytes()
        shape = round(8 * image.size[0] / image.size[1])
        keys = [(shape, half, tuple((value + half) // self.STEP for value in coarse)) for half in (0, self.STEP // 2)]
        for key in keys:
            for number, other in self.groups.get(key, ()):
                if sum(abs(a - b) for a, b in zip(pixels, other)) <= self.SAME * len(pixels):
                    return number, None
        return None, lambda number: [self.groups.setdefault(key, []).append((number, pixels)) for key in keys]


def unite(pictures, longest):
    """[(picture, image)], pictures that look the same merged into the first of them."""
    kept, duplicates = [], Duplicates()
    for picture in pictures:
        image = read_image(picture.content)
        if not image or min(image.size) < 8:
            continue
        image = shrink(image, longest)
        number, add = duplicates.find(image)
        if number is None:
            add(len(kept))
            kept.append((picture, image))
        else:
            first = kept[number][0]
            first.other_names.append(picture.name)
            first.alternatives += picture.alternatives
            first.keywords += picture.keywords
    return kept


def training_captions(picture):
    """The name, other names, and keywords in one caption; nothing that is held out."""
    others = [text for text in picture.alternatives if len(text.split()) <= MOST_WORDS]
    captions = [picture.name, *picture.other_names, *others]
    keywords = [word for word in dict.fromkeys(picture.keywords) if word and not is_held_out(word)]
    keywords = [word for word in keywords if concept(word) != concept(picture.name)]
    said = set(base_form(picture.name).split())
    if len(keywords) > 1 and any(set(base_form(word).split()) - said for word in keywords):
        details = f": {picture.details}" if picture.details else ""
        captions += [", ".join(keywords[at : at + MOST_KEYWORDS]) + details
                     for at in range(0, len(keywords), MOST_KEYWORDS)]
    return [caption for caption in dict.fromkeys(map(tidy, captions)) if caption and not mentions_held_out(caption)]


def augmentation_fields(record):
    """The group of similar pictures, whether this one may be mirrored, and how much its colours may change."""
    name = record["captions"][0]
    alike = look_alikes(name) if record["source"] in ("emoji", "pairs") else ""
    return {"group": alike or record["image"], "flip": not is_sided(name),
            "color": color_strength(record["captions"])}


def split(united):
    """(training records, held-out records), each with its image."""
    train, held_out = [], []
    for picture, image in united:
        names = [name for name in [picture.name, *picture.other_names] if is_held_out(name)]
        captions = names[:1] if names else training_captions(picture)
        if not captions:
            continue
        record = {"image": f"images/{picture.source}/{picture.identity}.png", "captions": captions,
                  "source": picture.source, "base": base_form(captions[0])}
        if not names:
            record |= augmentation_fields(record)
            image = in_other_clothes(picture, image)
        (held_out if names else train).append((record, image))
    return train, held_out


def write_list(path, records):
    with open(path, "w", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def read_list(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def noun_records(records):
    """The held-out pictures whose caption has exactly one of the nouns of nouns.txt."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "nouns.txt"), encoding="utf-8") as lines:
        nouns = {singular(noun): noun for noun in lines.read().split()}
    for record in records:
        found = {nouns[word] for word in map(singular, re.findall("[a-z]+", record["captions"][0])) if word in nouns}
        if len(found) == 1:
            yield {"image": record["image"], "label": found.pop(), "captions": record["captions"],
                   "source": record["source"]}


def write_images(folder, records):
    """The records without their images, which have been written to the folder."""
    for source in SOURCES:
        os.makedirs(f"{folder}/images/{source}", exist_ok=True)
    written = []
    for record, image in records:
        image.save(f"{folder}/{record['image']}", optimize=True)
        written.append(record)
    return written


def check(folder):
    """Exits if a held-out concept is in the training set."""
    train = [record for name in TRAINING_LISTS for record in read_list(f"{folder}/{name}.jsonl")]
    held_out = read_list(f"{folder}/held_out.jsonl")
    secret = {concept(caption) for record in held_out for caption in record["captions"]}
    for record in train:
        for caption in record["captions"]:
            parts = [] if ":" in caption else caption.split(", ")
            if mentions_held_out(caption) or any(concept(text) in secret for text in (caption, *parts)):
                sys.exit(f'"{caption}" of {record["image"]} is held out, but in the training set')
    if not all(is_held_out(caption) for record in held_out for caption in record["captions"]):
        sys.exit("a held-out caption is not held out by its hash")
    if {record["image"] for record in train} & {record["image"] for record in held_out}:
        sys.exit("a picture is in both lists")
    for record in train + held_out:
        if not record["captions"] or not os.path.exists(f"{folder}/{record['image']}"):
            sys.exit(f"{record['image']} is missing or has no caption")
    report(train, held_out)
    print("Nothing that is held out is in the training set.")


def report(train, held_out):
    print(f"{'':10}{'training':>10}{'captions':>10}{'concepts':>10}{'held out':>10}{'captions':>10}{'concepts':>10}")
    for source in (*SOURCES, "all"):
        row = []
        for records in (train, held_out):
            chosen = [record for record in records if source in (record["source"], "all")]
            captions = {caption for record in chosen for caption in record["captions"]}
            pictures = {record["image"] for record in chosen}
            row += [len(pictures), len(captions), len({concept(record["base"]) for record in chosen})]
        print(f"{source:10}" + "".join(f"{number:10}" for number in row))


def make_vocabulary(folder, train, held_out, size):
    """Only from the captions of the training set; each counts once. Pairs are named in words of the others."""
    captions = {caption for record in train if record["source"] != "pairs" for caption in record["captions"]}
    merges = learn_merges(sorted(captions), size - SPECIAL)
    write_vocabulary(f"{folder}/vocabulary.txt.gz", merges)
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    print(f"Vocabulary: {len(merges) + SPECIAL} tokens.")
    for name, records in (("training", train), ("held out", held_out)):
        lengths = Counter(len(tokenize(caption, ranks)) for record in records for caption in record["captions"])
        total = sum(length * count for length, count in lengths.items())
        print(f"Tokens of a caption, {name}: {total / sum(lengths.values()):.1f} on average, {max(lengths)} at most; "
              + ", ".join(f"{sum(n for l, n in lengths.items() if l > limit)} above {limit}" for limit in (10, 14, 18, 22)))


def main():
    arguments = parse_arguments()
    if not arguments.check:
        if os.path.exists(f"{arguments.folder}/images"):
            shutil.rmtree(f"{arguments.folder}/images")
        train, held_out = split(unite(collect(), arguments.size))
        for source, (drawn, count) in COMPOSITIONS.items():
            composition = numbered(source, islice(drawn(train), count), arguments.size)
            write_list(f"{arguments.folder}/{source}.jsonl", write_images(arguments.folder, composition))
        train, held_out = write_images(arguments.folder, train), write_images(arguments.folder, held_out)
        write_list(f"{arguments.folder}/train.jsonl", train)
        write_list(f"{arguments.folder}/parts.jsonl", parts(train))
        write_list(f"{arguments.folder}/held_out.jsonl", held_out)
        write_list(f"{arguments.folder}/held_out_nouns.jsonl", noun_records(held_out))
        make_vocabulary(arguments.folder, train, held_out, arguments.vocabulary)
    check(arguments.folder)


if __name__ == "__main__":
    main()
