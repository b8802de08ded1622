#!/bin/sh
# Installs missing packages, builds everything and runs all tests: first the readers and the small models
# under clang's sanitizers with the fuzzers, then the whole suite as g++ builds it.
set -eu
cd "$(dirname "$0")/.."
sh cmake/install_dependencies.sh test
jobs=${COCA_JOBS:-$(nproc)}

cmake --preset sanitize
cmake --build --preset sanitize -j "$jobs"
ctest --preset sanitize -j "$jobs"

# With the targets of all other presets, so that every target is built somewhere.
cmake --preset release -DCOCA_BUILD_TESTS=ON -DCOCA_BUILD_BENCHMARKS=ON -DCOCA_BUILD_DOCS=ON
cmake --build --preset release -j "$jobs" --target all docs
ctest --preset release -j "$jobs"
