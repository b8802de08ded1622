#!/bin/sh
# compile.sh COMPILER FLAGS_FILE SOURCE
# SOURCE must fail to compile with the sentence of its first line, `// expect: SENTENCE`; or compile, where that line
# is `// compiles`.
set -eu
compiler=$1 flags=$(cat "$2") source=$3
first=$(head -n 1 "$source")
if output=$(LC_ALL=C $compiler $flags "$source" 2>&1); then compiled=yes; else compiled=no; fi

if [ "$first" = "// compiles" ]; then
  [ $compiled = yes ] && exit 0
  printf '%s\nmust compile: %s\n' "$output" "$source"
  exit 1
fi
sentence=${first#// expect: }
if [ "$sentence" = "$first" ] || [ -z "$sentence" ]; then
  echo "the first line of $source says neither '// expect: ...' nor '// compiles'"
  exit 1
fi
if [ $compiled = yes ]; then
  echo "must not compile: $source"
  exit 1
fi
if ! printf '%s\n' "$output" | grep -qF -- "$sentence"; then
  printf '%s\n%s fails without the sentence: %s\n' "$output" "$source" "$sentence"
  exit 1
fi
