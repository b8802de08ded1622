#!/bin/sh
# Installs what is missing, builds the examples, captions and classifies pictures with the model that comes along.
# run.sh [PICTURE...]   without pictures: those that come with the model (those in new/ show what it was not trained on)
set -eu
for picture; do  # as seen from here
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
