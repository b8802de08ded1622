"""Runs embed, classify and caption with random weights for every configuration that OpenCLIP has.

run_configurations.py BUILD_FOLDER [--configurations FOLDER] [--most 1500] [--least 0] [--timeout 600] [--threads 2]

The configurations are those of the package open_clip_torch, or of --configurations. One whose key is not supported counts
as refused, if the program says so in one sentence; those above --most million parameters are skipped. One program runs at
a time. Embeddings must have norm 1, probabilities must sum to 1, and a CoCa must give a caption. Prints a Markdown table,
and fails if a configuration that parses does not run.
"""

import argparse
import json
import math
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import time
import zlib

CLIP_WORDS = 49408


def tower_parameters(width, layers, ratio):
    return layers * (4 * width * width + 2 * width * int(width * ratio))


def parameters(config):
    """Millions of parameters, from the matrices alone; an estimate within 2 %."""
    vision, text = config["vision_cfg"], config["text_cfg"]
    if not isinstance(vision.get("layers", 12), int) or "timm_model_name" in vision or "hf_model_name" in text:
        return 0.0  # refused
    width, words = vision.get("width", 768), text.get("vocab_size", CLIP_WORDS)
    text_width = text.get("width", 512)
    count = tower_parameters(width, vision.get("layers", 12), vision.get("mlp_ratio", 4))
    count += tower_parameters(text_width, text.get("layers", 12), text.get("mlp_ratio", 4)) + words * text_width
    if "multimodal_cfg" in config:
        decoder = config["multimodal_cfg"]
        count += 2 * tower_parameters(decoder.get("width", 512), decoder.get("layers", 12), 4)
        count += words * decoder.get("width", 512)
    return count / 1e6


def write_picture(path):
    """A PNG file of 48 by 40 pixels."""
    rows = b"".join(b"\0" + bytes((x * 5 % 256, y * 6 % 256, (x + y) % 256)[i] for x in range(48) for i in range(3))
                    for y in range(40))
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 48, 40, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    body = b"".join(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                    for kind, data in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)


def write_tokenizer(path):
    """A tokenizer.json of single letters, for the models that have another vocabulary than CLIP's."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    letters = ["\u2581"] + [chr(code) for code in range(ord("a"), ord("z") + 1)]
    path.write_text(json.dumps({
        "added_tokens": [{"id": number, "content": token, "special": True} for number, token in enumerate(special)],
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
        "model": {"type": "Unigram", "unk_id": 3,
                  "vocab": [[token, 0] for token in special] + [[letter, -1] for letter in letters]}}))


class Failure(Exception):
    pass


class Runner:
    def __init__(self, arguments, folder):
        self.build, self.timeout, self.threads = arguments.build, arguments.timeout, arguments.threads
        self.picture, self.tokenizer = folder / "picture.png", folder / "tokenizer.json"
        write_picture(self.picture)
        write_tokenizer(self.tokenizer)

    def run(self, program, path, config, *options):
        """The rows that a program prints as JSON, and what it wrote to standard error where it failed."""
        command = [os.path.join(self.build, "examples", program), "--model", str(path), "--weights", "random",
                   "--json", "--threads", str(self.threads), str(self.picture), *options]
        if config["text_cfg"].get("vocab_size", CLIP_WORDS) != CLIP_WORDS:
            command += ["--tokenizer", str(self.tokenizer)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"{program} took more than {self.timeout} s")
        if done.returncode != 0:
            return None, done.stderr.strip()
        return [json.loads(line) for line in done.stdout.splitlines()], ""

    def expect(self, program, path, config, *options):
        rows, message = self.run(program, path, config, *options)
        if rows is None:
            raise Failure(f"{program}: {message}")
        return rows


def check_embeddings(rows, config):
    for row in rows:
        values = row["embedding"]
        if len(values) != config["embed_dim"] or not abs(math.hypot(*values) - 1) <= 1e-4:
            raise Failure(f"embed: {len(values)} numbers of norm {math.hypot(*values)}")


def numbers_in(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "probability":
                yield inner
            else:
                yield from numbers_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_in(inner)


def examine(runner, path, config):
    """What a row of the table says of a configuration: whether it ran, and what was seen."""
    rows, message = runner.run("embed", path, config, "--text=a cow")
    if rows is None:
        sentence = message.split(f"{path}: ")[-1]
        if "\n" not in message and str(path) in message:
            return "refused", sentence
        raise Failure(message)
    check_embeddings(rows, config)
    total = sum(numbers_in(runner.expect("classify", path, config, "--labels", "cow,slug,tree")))
    if not abs(total - 1) <= 1e-4:
        raise Failure(f"classify: probabilities sum to {total}")
    if "multimodal_cfg" not in config:
        return "runs", "embed, classify"
    captions = runner.expect("caption", path, config, "--max-length", "12")
    if len(captions) != 1:
        raise Failure(f"caption: {len(captions)} rows")
    return "runs", "embed, classify, caption"


def configurations(arguments):
    folder = arguments.configurations
    if folder is None:
        import importlib.util
        folder = pathlib.Path(importlib.util.find_spec("open_clip").origin).parent / "model_configs"
    paths = sorted(pathlib.Path(folder).glob("*.json"))
    found = [(path, json.loads(path.read_text())) for path in paths]
    return sorted(found, key=lambda entry: parameters(entry[1]))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--configurations")
    parser.add_argument("--most", type=float, default=1500)
    parser.add_argument("--least", type=float, default=0)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    counts = {"runs": 0, "refused": 0, "skipped": 0, "FAILED": 0}
    print("| configuration | parameters | result | seconds | what |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(arguments, pathlib.Path(folder))
        for path, config in configurations(arguments):
            size, start = parameters(config), time.monotonic()
            if size > arguments.most or size < arguments.least:
                result, what = "skipped", ""
            else:
                try:
                    result, what = examine(runner, path, config)
                except Failure as failure:
                    result, what = "FAILED", str(failure)
            counts[result] += 1
            print(f"| {path.stem} | {size:.0f}M | {result} | {time.monotonic() - start:.1f} | {what} |", flush=True)
    print("\n" + ", ".join(f"{count} {result}" for result, count in counts.items()))
    sys.exit(1 if counts["FAILED"] else 0)


if __name__ == "__main__":
    main()
