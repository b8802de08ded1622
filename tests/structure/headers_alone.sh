#!/bin/sh
# headers_alone.sh COMPILER FLAGS_FILE INCLUDE_FOLDER
# Compiles every header of the library on its own, included twice in one unit. xtensor's is skipped if xtensor is missing.
set -eu
compiler=$1 flags=$(cat "$2") folder=$3
headers=$(cd "$folder" && find coca -name '*.hpp' | sort)
if ! printf '#include <xtensor/xtensor.hpp>\n' | "$compiler" -std=c++20 -fsyntax-only -x c++ - 2>/dev/null; then
  headers=$(printf '%s\n' $headers | grep -v '^coca/xtensor.hpp$')
fi
export compiler flags
printf '%s\n' $headers | xargs -P 2 -I {} sh -c '
  printf "#include \"%s\"\n#include \"%s\"\n" {} {} | $compiler $flags -x c++ - || { echo "does not compile on its own: {}"; exit 255; }'
echo "$(printf '%s\n' $headers | wc -l) headers compile on their own"
