#!/bin/sh
# compile_time.sh   seconds of g++ -O2 on one core: only the include, captioning with one preset, with two, and with eleven.
# The environment variable FLAGS: the compile options of coca::coca on this machine.
set -eu
cd "$(dirname "$0")/.."
build=${BUILD:-build}
flags=${FLAGS:-"-std=c++20 -O2 -fopenmp -Iinclude -I$build/include -isystem /usr/include/eigen3"}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
program() {
  echo '#include <coca/coca.hpp>'
  for preset in "$@"; do
    cat <<CPP
std::string caption_$(echo "$preset" | tr '()' '__')(const char* weights, const char* picture) {
  using namespace coca::presets;
  constexpr auto config = $preset;
  const auto model = coca::load<coca::CoCa<config, coca::Cpu<>>>(weights);
  const auto pixels = coca::preprocess<config.vision>(coca::read_image(picture));
  return coca::caption(model, pixels, {.beams = 6}).front().text;
}
CPP
  done
}
measure() {
  name=$1
  shift
  program "$@" > "$folder/$name.cpp"
  /usr/bin/time -f "%U s user, %M KB: $name" ${CXX:-g++} $flags -c "$folder/$name.cpp" -o "$folder/$name.o"
}
measure include_alone
measure caption_with_vit_b_32 coca_vit_b_32
measure caption_with_vit_b_32_and_l_14 coca_vit_b_32 coca_vit_l_14
measure caption_with_eleven coca_vit_b_32 coca_vit_l_14 coca_base paper_coca_base paper_coca_large paper_coca \
  'quick_gelu(coca_vit_b_32)' 'quick_gelu(coca_vit_l_14)' 'quick_gelu(coca_base)' \
  'quick_gelu(paper_coca_base)' 'quick_gelu(paper_coca_large)'
for header in nlohmann/json.hpp Eigen/Core dnnl.hpp sentencepiece_processor.h png.h jpeglib.h; do
  printf '#include <cstdio>\n#include <%s>\n' "$header" > "$folder/header.cpp"
  /usr/bin/time -f "%U s user: <$header>" ${CXX:-g++} $flags -fsyntax-only "$folder/header.cpp"
done
