#!/bin/sh
# headers_alone.sh COMPILER FLAGS_FILE INCLUDE_FOLDER HEADER_CHAINS
# Compiles every header of the library on its own, included twice. Headers of which each includes the one before it share
# a unit: see header_chains.cpp. xtensor's is skipped if xtensor is missing.
set -eu
compiler=$1 flags=$(cat "$2") chains=$("$4" "$3")
if ! printf '#include <xtensor/xtensor.hpp>\n' | "$compiler" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null; then
  chains=$(printf '%s\n' "$chains" | sed 's| *coca/xtensor.hpp$||' | grep .)
fi
count=$(printf '%s\n' $chains | wc -l)
if [ "$count" -lt 20 ]; then
  echo "only $count headers found in $3"
  exit 1
fi
export compiler flags
printf '%s\n' "$chains" | xargs -P 2 -d '\n' -I {} sh -c '
  for header in {}; do printf "#include \"%s\"\n#include \"%s\"\n" "$header" "$header"; done |
    $compiler $flags -x c++ - || { echo "do not compile on their own, the first or one that includes it: {}"; exit 255; }'
echo "$count headers compile on their own"
