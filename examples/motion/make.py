#!/usr/bin/env python3
"""Makes clips of drawings that move over photographs, one folder per motion:

make.py DRAWINGS FOLDER            DRAWINGS is a folder that examples/drawings/prepare.sh has made
make.py DRAWINGS FOLDER --check    compares the frames of all pairs in such a folder

Each clip is there twice: as it is, and in reverse, which is the opposite motion, in the same split. Both have the same set of
frames, bit for bit, since they are encoded without loss: what order they come in is all that tells them apart. The
drawings and photographs of the split test are not in train. FOLDER/named has clips of drawings whose names named.json tells, in the
format of MSR-VTT. Needs ffmpeg, python3-pil and Debian's mate-backgrounds.
"""

import sys

sys.dont_write_bytecode = True  # no __pycache__ next to the sources

import argparse
import hashlib
import json
import os
import subprocess
from random import Random

from clips import FORMATS, MOTIONS, OPPOSITES, SIZE, Photographs, draw_clip, encode, plan_clip

NAMED = 200


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="Example: make.py drawings motion --train 240 --test 60")
    parser.add_argument("drawings", help="folder of examples/drawings/prepare.sh")
    parser.add_argument("folder", help="folder to write")
    parser.add_argument("--train", type=int, default=240, help="clips of each motion to train on (default: 240)")
    parser.add_argument("--test", type=int, default=60, help="clips of each motion to test on (default: 60)")
    parser.add_argument("--frames", type=int, default=16, help="frames of a clip (default: 16)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    parser.add_argument("--photographs", default="/usr/share/backgrounds/mate/nature", help="folder of grounds (.jpg)")
    parser.add_argument("--check", action="store_true", help="only check an existing folder")
    arguments = parser.parse_args()
    for name in ("train", "test", "frames"):
        if getattr(arguments, name) < 2 or getattr(arguments, name) % 2:
            parser.error(f"--{name} is {getattr(arguments, name)}, expected an even number from 2")
    return arguments


def read_drawings(folder, list_name):
    """[(path, name)], each picture once."""
    drawings = {}
    with open(f"{folder}/{list_name}", encoding="utf-8") as lines:
        for line in map(json.loads, lines):
            if line["source"] != "pairs":
                drawings.setdefault(f"{folder}/{line['image']}", line["captions"][0])
    return list(drawings.items())


def make_split(arguments, split, drawings, photographs):
    """As many pairs of each motion and its opposite as make the wanted number of clips."""
    random = Random(f"{arguments.seed} {split}")
    drawings = random.sample(drawings, len(drawings))
    number = 0
    for motion in MOTIONS:
        os.makedirs(f"{arguments.folder}/{split}/{motion}", exist_ok=True)
    for motion in MOTIONS:
        for _ in range(getattr(arguments, split) // 2):
            plan = plan_clip(random, motion, drawings[number % len(drawings)][0], photographs.of(split == "train"))
            frames = draw_clip(plan, arguments.frames)
            ending = FORMATS[number % len(FORMATS)]
            encode(frames, f"{arguments.folder}/{split}/{motion}/{number:05}{ending}")
            encode(frames[::-1], f"{arguments.folder}/{split}/{OPPOSITES[motion]}/{number:05}-reversed{ending}")
            number += 1
            if number % 100 == 0:
                print(f"{split}: {2 * number} clips", flush=True)


def make_named(arguments, drawings, photographs):
    """One clip of each of some drawings of different names, for retrieval."""
    random = Random(f"{arguments.seed} named")
    os.makedirs(f"{arguments.folder}/named", exist_ok=True)
    by_name = {name: path for path, name in drawings}
    videos, sentences = [], []
    for number, name in enumerate(random.sample(sorted(by_name), min(NAMED, len(by_name)))):
        plan = plan_clip(random, random.choice(MOTIONS), by_name[name], photographs.of(False))
        encode(draw_clip(plan, arguments.frames), f"{arguments.folder}/named/video{number}.mp4")
        videos.append({"video_id": f"video{number}", "split": "test", "id": number})
        sentences.append({"caption": name, "video_id": f"video{number}", "sen_id": number})
    with open(f"{arguments.folder}/named.json", "w", encoding="utf-8") as file:
        json.dump({"videos": videos, "sentences": sentences}, file)


def frame_digests(path):
    """What each decoded frame holds."""
    command = ["ffmpeg", "-v", "error", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    pixels = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    step = 3 * SIZE * SIZE
    return [hashlib.sha1(pixels[at:at + step]).hexdigest() for at in range(0, len(pixels), step)]


def check(folder):
    """Whether every reversed clip has the frames of its original, in reverse."""
    pairs = wrong = 0
    for split in ("train", "test"):
        for motion in MOTIONS:
            for file in sorted(os.listdir(f"{folder}/{split}/{motion}")):
                if "-reversed" in file:
                    continue
                stem, ending = os.path.splitext(file)
                back = f"{folder}/{split}/{OPPOSITES[motion]}/{stem}-reversed{ending}"
                same = frame_digests(f"{folder}/{split}/{motion}/{file}") == frame_digests(back)[::-1]
                if not same:
                    print(f"{back}: its frames are not those of {split}/{motion}/{file} in reverse")
                pairs, wrong = pairs + 1, wrong + (not same)
    print(f"{pairs - wrong} of {pairs} pairs have the same frames in opposite orders")
    return wrong == 0 and pairs != 0


def main():
    arguments = parse_arguments()
    if arguments.check:
        sys.exit(0 if check(arguments.folder) else 1)
    photographs = Photographs(arguments.photographs)
    known = read_drawings(arguments.drawings, "train.jsonl")
    make_split(arguments, "train", known, photographs)
    make_split(arguments, "test", read_drawings(arguments.drawings, "held_out.jsonl"), photographs)
    make_named(arguments, known, photographs)


if __name__ == "__main__":
    main()
