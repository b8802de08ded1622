#!/bin/sh
# Installs what is missing, builds the examples and captions pictures with the model that comes along.
# run.sh [PICTURE...]   without pictures: the 16 of examples/models/stamps_coca/images
set -eu
cd "$(dirname "$0")/.."
sh cmake/install_dependencies.sh
cmake --preset release -DCOCA_BUILD_TESTS=OFF >/dev/null
cmake --build --preset release -j "${COCA_JOBS:-$(nproc)}"
[ $# -gt 0 ] || set -- examples/models/stamps_coca/images/*.png
./build/examples/caption "$@"
