#!/usr/bin/env python3
"""Writes include/coca/text/html_entities.hpp: the named character references of HTML 5.

    cmake/make_html_entities.py include/coca/text/html_entities.hpp

The names and values are those of Python's html.entities.html5: the table of the HTML standard.
"""
import html.entities
import sys

CHUNK = 60_000  # ISO C++ promises string literals of 65536 bytes only
WIDTH = 96

HEAD = '''\
#pragma once
/// @file
/// The named character references of HTML 5, with the names that are also valid without a
/// semicolon. Written by cmake/make_html_entities.py from Python's html.entities.html5; not to be
/// edited by hand.

#include <string_view>

// clang-format off
namespace coca::detail {

using namespace std::string_view_literals;

'''


def code_points(text):
    return "+".join(f"{ord(char):X}" for char in text)


def write_table(file, comment, name, entries):
    assert sum(map(len, entries)) + len(entries) < CHUNK
    file.write(f"{comment}\ninline constexpr std::string_view {name} =")
    line = ""
    for entry in entries + [None]:
        if entry is None or len(line) + len(entry) + 1 > WIDTH:
            file.write(f'\n"{line}"')
            line = ""
        if entry is not None:
            line += entry + " "
    file.write("sv;\n\n")


def main():
    table = html.entities.html5
    names = [f"{name}={code_points(value)}" for name, value in sorted(table.items())]
    upper = [f"{name}={code_points(value.upper())}" for name, value in sorted(table.items())
             if name.endswith(";") and name == name.lower() and value != value.upper()]
    with open(sys.argv[1], "w", encoding="ascii", newline="\n") as file:
        file.write(HEAD)
        write_table(file, f"/// {len(names)} entries: name=HEX+HEX, each followed by a space.",
                    "html_entity_table", names)
        write_table(file, "/// Lower-case names whose value has an upper-case form, with that form.",
                    "html_entity_upper_table", upper)
        file.write("}  // namespace coca::detail\n// clang-format on\n")


if __name__ == "__main__":
    main()
