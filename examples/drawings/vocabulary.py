"""Learns a byte-pair vocabulary in the format of CLIP's bpe_simple_vocab_16e6.txt.gz."""

import gzip
import re
from collections import Counter, defaultdict

WORD = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[a-z]+|[0-9]|[^\sa-z0-9]+")
SPECIAL = 512 + 2  # bytes, bytes that end a word; <start_of_text>, <end_of_text>


def learn_merges(captions, count):
    """Up to `count` pairs, the most frequent first; ties in alphabetical order. A pair that
    occurs in one word only once is not worth an entry."""
    frequency = Counter(word for caption in captions for word in WORD.findall(caption))
    words = [[*word[:-1], word[-1] + "</w>"] for word in sorted(frequency)]
    weights = [frequency[word] for word in sorted(frequency)]
    pairs, places = Counter(), defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            pairs[pair] += weights[index]
            places[pair].add(index)
    merges = []
    while len(merges) < count and pairs:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] < 2:
            break
        merges.append(best)
        for index in sorted(places.pop(best)):
            old = words[index]
            new = merge(old, best)
            for pair in zip(old, old[1:]):
                pairs[pair] -= weights[index]
                places[pair].discard(index)
                if pairs[pair] <= 0:
                    del pairs[pair]
            for pair in zip(new, new[1:]):
                pairs[pair] += weights[index]
                places[pair].add(index)
            words[index] = new
    return merges


def merge(word, pair):
    result, at = [], 0
    while at < len(word):
        together = tuple(word[at : at + 2]) == pair
        result.append(word[at] + word[at + 1] if together else word[at])
        at += 2 if together else 1
    return result


def write_vocabulary(path, merges):
    """Without a line feed at the end: OpenCLIP would make a token of the empty line after it."""
    text = "\n".join(["#version: coca drawings", *(f"{left} {right}" for left, right in merges)])
    with open(path, "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(text.encode())


def tokenize(caption, ranks):
    """The tokens of a caption, as in CLIP."""
    tokens = []
    for text in WORD.findall(caption):
        word = [*text[:-1], text[-1] + "</w>"]
        while True:
            pair = min(zip(word, word[1:]), key=lambda pair: ranks.get(pair, len(ranks)), default=None)
            if pair not in ranks:
                break
            word = merge(word, pair)
        tokens += word
    return tokens
