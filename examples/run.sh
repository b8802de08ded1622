#!/bin/sh
# Installs missing packages, builds the examples, captions and classifies pictures with the included model.
# run.sh [PICTURE...]   default: the pictures bundled with the model (those in new/ show things that it was not trained on)
set -eu
for picture; do  # relative to the current folder
  shift
  case $picture in /*) ;; *) picture=$PWD/$picture ;; esac
  set -- "$@" "$picture"
done
cd "$(dirname "$0")/.."
sh cmake/install_dependencies.sh
cmake --preset release -DCOCA_BUILD_TESTS=OFF >/dev/null
cmake --build --preset release -j "${COCA_JOBS:-$(nproc)}"
images=examples/models/drawings_coca/images
[ $# -gt 0 ] || set -- "$images"/trained/*.png "$images"/new/*.png
./build/examples/caption "$@"
./build/examples/classify "$@" --labels-file examples/models/drawings_coca/labels.txt --top 3
