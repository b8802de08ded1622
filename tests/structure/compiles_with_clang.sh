#!/bin/sh
# compiles_with_clang.sh CLANG COMPILE_COMMANDS FOLDER
# Checks with clang++ the sources of tests and examples that another compiler builds, with the same warnings. The folders of
# the sanitized build are left out, as clang++ compiles them there. All share one precompiled header, made in FOLDER: most
# of the time would go into parsing and instantiating the library again.
set -eu
clang=$1 precompiled=$3/library.pch
commands=$(sed -n 's/^ *"command": "\(.*\)",$/\1/p' "$2" |
  grep -v -E '/test_(core|datasets|image|interop|io|text|link_together|video)\.dir/|/(coca_test_main|header_chains)\.dir/' | sed "s/\\\\\\(.\\)/\\1/g" |
  sed "s|^[^ ]*\( [^-][^ ]*\)* -|$clang -|; s/ --param=[^ ]*//; s/ -Wno-maybe-uninitialized//; s/ -o [^ ]* -c / -fsyntax-only /")
options=$(printf '%s\n' "$commands" | sed -n '1s/ -fsyntax-only .*//p')
printf '#include <coca/coca.hpp>\n' > "$3/library.hpp"
sh -c "$options -fpch-instantiate-templates -x c++-header '$3/library.hpp' -o '$precompiled'"
printf '%s\n' "$commands" | sed "s| -fsyntax-only | -include-pch $precompiled -fsyntax-only |" |
  xargs -P 2 -d '\n' -I {} sh -c '{} || { echo "clang++ does not compile: {}"; exit 255; }'
rm -f "$precompiled"
echo "clang++ compiles all $(printf '%s\n' "$commands" | wc -l) units"
