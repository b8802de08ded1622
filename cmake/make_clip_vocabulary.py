#!/usr/bin/env python3
"""Writes include/coca/text/clip_vocabulary.hpp: the merges of CLIP's vocabulary as string literals.

    cmake/make_clip_vocabulary.py bpe_simple_vocab_16e6.txt.gz include/coca/text/clip_vocabulary.hpp

The input is the file of https://github.com/openai/CLIP (clip/bpe_simple_vocab_16e6.txt.gz).
"""
import gzip
import sys

FIRST, LAST = 1, 48895  # lines 2 to 48895: the merges that CLIP uses
CHUNK = 60_000          # ISO C++ promises string literals of 65536 bytes only
DELIMITER = "bpe"

HEAD = '''\
#pragma once
/// @file
/// The 48894 merges of OpenAI's CLIP vocabulary, so that a program needs no vocabulary file.
/// Written by cmake/make_clip_vocabulary.py from bpe_simple_vocab_16e6.txt.gz; not to be edited by
/// hand.
///
/// The data comes from https://github.com/openai/CLIP under this licence:
///
/// MIT License
///
/// Copyright (c) 2021 OpenAI
///
/// Permission is hereby granted, free of charge, to any person obtaining a copy of this software
/// and associated documentation files (the "Software"), to deal in the Software without
/// restriction, including without limitation the rights to use, copy, modify, merge, publish,
/// distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
/// Software is furnished to do so, subject to the following conditions:
///
/// The above copyright notice and this permission notice shall be included in all copies or
/// substantial portions of the Software.
///
/// THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING
/// BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
/// NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
/// DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
/// OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

#include <array>
#include <string_view>

// clang-format off
namespace coca::detail {

using namespace std::string_view_literals;  // no compile-time strlen of half a megabyte

/// CLIP's merges in order of rank, one "left right" per line, in chunks that end where lines end.
'''


def chunks(lines):
    chunk, size = [], 0
    for line in lines:
        length = len(line.encode()) + 1
        if size + length > CHUNK:
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += length
    yield chunk


def main():
    source, target = sys.argv[1:]
    with gzip.open(source) as file:
        merges = file.read().decode("utf-8").split("\n")[FIRST:LAST]
    assert len(merges) == LAST - FIRST and not any(f'){DELIMITER}"' in line for line in merges)
    parts = list(chunks(merges))
    with open(target, "w", encoding="utf-8", newline="\n") as file:
        file.write(HEAD)
        file.write(f"inline constexpr std::array<std::string_view, {len(parts)}> clip_merges = {{\n")
        texts = ("\n".join(part) for part in parts)
        file.write(",\n".join(f'R"{DELIMITER}({text}\n){DELIMITER}"sv' for text in texts))
        file.write("};\n\n}  // namespace coca::detail\n// clang-format on\n")


if __name__ == "__main__":
    main()
