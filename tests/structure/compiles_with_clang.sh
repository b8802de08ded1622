#!/bin/sh
# compiles_with_clang.sh CLANG COMPILE_COMMANDS
# Checks with clang++ the sources of tests and examples that another compiler builds, with the same warnings. The folders of
# the sanitized build are left out, as clang++ compiles them there.
set -eu
clang=$1
commands=$(sed -n 's/^ *"command": "\(.*\)",$/\1/p' "$2" |
  grep -v -E '/test_(core|datasets|image|interop|io|text|link_together)\.dir/|/coca_test_main\.dir/' | sed "s/\\\\\\(.\\)/\\1/g" |
  sed "s|^[^ ]*\( [^-][^ ]*\)* -|$clang -|; s/ --param=[^ ]*//; s/ -o [^ ]* -c / -fsyntax-only /")
printf '%s\n' "$commands" | xargs -P 2 -d '\n' -I {} sh -c '{} || { echo "clang++ does not compile: {}"; exit 255; }'
echo "clang++ compiles all $(printf '%s\n' "$commands" | wc -l) units"
