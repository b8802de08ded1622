#!/usr/bin/env python3
"""Makes questions (VQAv2's format), sentences about one picture (SNLI-VE's) and about two (NLVR2's), over pictures of drawings:

make.py DRAWINGS FOLDER            DRAWINGS is a folder that examples/drawings/prepare.sh has made
make.py DRAWINGS FOLDER --check    counts again what is in such a folder

Each sentence has each of its answers equally often in every split. The splits are train; validation and layouts, new pictures
of the same drawings; and drawings, pictures of another artist's drawings that nothing was trained on. Needs python3-pil,
and Debian's ruby-gemojione and mate-backgrounds for drawings and photographs.
"""

import sys

sys.dont_write_bytecode = True  # no __pycache__ next to the sources

import argparse
import json
import os
from random import Random

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "drawings"))

from captions import caption_rows
from entailment import LABELS, sentences, snli_ve_rows
from questions import answer_list, questions, vqa_files
from rules import report, unbalanced, vqa_scores
from scenes import Photographs, Stage, drawn
from things import DataError, read_json, read_things
from two_pictures import ADDITIVE, OTHER, nlvr2_rows, pair_sets

SPLITS = ("train", "validation", "layouts", "drawings")
ROUNDS = {"questions": 20, "entailment": 60, "pairs": 10}  # of training
TEST_SHARE = 0.05  # of as many rounds in a test
TABLES = {"additive": ADDITIVE, "other": OTHER}
ANSWERED_BY = 9  # questions, at least: what people said becomes an answer to choose from
ALLOWED = 0.02  # how far the best rule from text alone may be above chance


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Example: make.py drawings tasks --scale 0.5")
    parser.add_argument("drawings", help="folder of examples/drawings/prepare.sh")
    parser.add_argument("folder", help="folder to write")
    parser.add_argument("--scale", type=float, default=1, help="factor of the amount of training data (default: 1)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    parser.add_argument("--photographs", default="/usr/share/backgrounds/mate/nature", help="folder of grounds (.jpg)")
    parser.add_argument("--check", action="store_true", help="only check an existing folder")
    return parser.parse_args()


def rounds_of(task, split, scale):
    rounds = ROUNDS[task] * (scale if split == "train" else TEST_SHARE)
    return max(1, round(rounds))


class Maker:
    def __init__(self, arguments):
        self.folder, self.seed, self.scale = arguments.folder, arguments.seed, arguments.scale
        self.things = read_things(arguments.drawings)
        self.photographs = Photographs(arguments.photographs)
        self.captions = []

    def random(self, task, split):
        return Random(f"{self.seed} {task} {split}")

    def stage(self, task, split):
        return Stage(self.random(task, split), self.photographs.of(split == "train"), split != "drawings")

    def questions(self, split):
        asked = questions(self.stage("questions", split), self.things, rounds_of("questions", split, self.scale))
        questioned, annotated, pictures = vqa_files(asked, split, self.random("annotators", split))
        self.write_json(f"questions/{split}_questions.json", questioned)
        self.write_json(f"questions/{split}_annotations.json", annotated)
        if split == "train":
            answers = answer_list(annotated["annotations"], ANSWERED_BY)
            self.write("questions/answers.txt", "".join(f"{answer}\n" for answer in answers))
        self.write_pictures("questions", pictures)
        self.add_captions("questions", split, pictures)

    def entailment(self, split):
        asked = sentences(self.stage("entailment", split), self.things, rounds_of("entailment", split, self.scale))
        rows, pictures = snli_ve_rows(asked, split, self.random("labels", split))
        self.write_lines(f"entailment/snli_ve_{split}.jsonl", rows)
        self.write_pictures("entailment", pictures)

    def pairs(self, split):
        """A file for each kind of statement; one of both to train and to validate on."""
        stage, all_rows, number = self.stage("pairs", split), [], 0
        for table, statements in TABLES.items():
            sets = list(pair_sets(stage, self.things, rounds_of("pairs", split, self.scale), statements))
            rows, pictures = nlvr2_rows(sets, split, number)
            number += len(sets)
            all_rows += rows
            self.write_lines(f"pairs/{split}_{table}.json", rows)
            self.write_pictures("pairs", pictures)
            self.add_captions("pairs", split, pictures)
        self.write_lines(f"pairs/{split}.json", all_rows)

    def add_captions(self, task, split, pictures):
        if split == "train":
            random = self.random("captions", f"{task} {len(self.captions)}")
            self.captions += caption_rows(f"{task}/images", pictures, self.things, random)

    def write(self, name, text):
        path = f"{self.folder}/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def write_json(self, name, value):
        self.write(name, json.dumps(value) + "\n")

    def write_lines(self, name, rows):
        self.write(name, "".join(json.dumps(row) + "\n" for row in rows))

    def write_pictures(self, task, pictures):
        """All splits in one folder, since training and validation have one; the names say which."""
        os.makedirs(f"{self.folder}/{task}/images", exist_ok=True)
        for name, scene in pictures:
            options = {"quality": 95, "subsampling": 0} if name.endswith(".jpg") else {}
            drawn(scene).save(f"{self.folder}/{task}/images/{name}", **options)


def read_lines(path):
    try:
        with open(path, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error


def question_rows(folder, split):
    """Rows as rules.py has them, from the files; so do the next two."""
    asked = read_json(f"{folder}/questions/{split}_questions.json")["questions"]
    annotated = read_json(f"{folder}/questions/{split}_annotations.json")["annotations"]
    answers = {each["question_id"]: each for each in annotated}
    for question in asked:
        each = answers[question["question_id"]]
        yield (question["question"], f"COCO_{split}_{question['image_id']:012}.jpg", each["question_type"],
               vqa_scores([answer["answer"] for answer in each["answers"]]), each["multiple_choice_answer"])


def entailment_rows(folder, split):
    for row in read_lines(f"{folder}/entailment/snli_ve_{split}.jsonl"):
        if max(LABELS, key=row["annotator_labels"].count) != row["gold_label"]:
            raise DataError(f"{row['pairID']}: the label is not that of most annotators")
        yield row["sentence2"], row["Flickr30K_ID"] + ".jpg", "", {row["gold_label"]: 1}, row["gold_label"]


def pair_rows(folder, split, table):
    for row in read_lines(f"{folder}/pairs/{split}_{table}.json"):
        pair = row["identifier"].rpartition("-")[0]
        yield row["sentence"], f"{pair}-img0.png", row["synset"], {row["label"]: 1}, row["label"]


def checked(folder, task, name, rows_of):
    """Prints the rules of each split. @return whether text alone says no more than it may"""
    training, good = list(rows_of("train")), True
    for split in SPLITS:
        rows = list(rows_of(split))
        wrong = unbalanced(rows)
        if wrong:
            raise DataError(f"{name}, {split}: not equally often: {wrong}")
        missing = next((row[1] for row in rows if not os.path.exists(f"{folder}/{task}/images/{row[1]}")), None)
        if missing:
            raise DataError(f"{folder}/{task}/images/{missing} does not exist")
        good &= report(f"{name}, {split}", training, rows) <= ALLOWED
        if task == "questions" and split == "layouts":
            for kind in sorted({row[2] for row in rows}):
                report(f"  {kind}", training, [row for row in rows if row[2] == kind])
    return good


def check(folder):
    """Exits if a sentence has not each of its answers equally often, or text alone says more than it may."""
    print(f"{'':34}{'rows':>7}{'pictures':>9}{'chance':>8}{'text':>8}{'(knowing)':>10}{'picture':>9}")
    good = checked(folder, "questions", "questions", lambda split: question_rows(folder, split))
    good &= checked(folder, "entailment", "entailment", lambda split: entailment_rows(folder, split))
    for table in TABLES:
        good &= checked(folder, "pairs", f"pairs, {table}", lambda split: pair_rows(folder, split, table))
    if not good:
        sys.exit("the best rule from text alone is more than 2 points above chance")
    print("Each sentence has each of its answers equally often.")


def main():
    arguments = parse_arguments()
    try:
        if not arguments.check:
            maker = Maker(arguments)
            for split in SPLITS:
                for task in (maker.questions, maker.entailment, maker.pairs):
                    task(split)
            maker.write_lines("captions.jsonl", maker.captions)
        check(arguments.folder)
    except DataError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
