#!/bin/sh
# Installs missing packages needed to build coca on Debian (or Ubuntu): compilers, libraries, test tools.
# install_dependencies.sh [test]   with "test", also what the test suite needs
set -eu
packages="g++ cmake ninja-build pkg-config libeigen3-dev libdnnl-dev nlohmann-json3-dev libjpeg62-turbo-dev
  libpng-dev libwebp-dev libzip-dev zlib1g-dev libutf8proc-dev libsentencepiece-dev libarchive-dev liblbfgs-dev
  libavformat-dev libavcodec-dev libswscale-dev libavutil-dev
  libopenmpi-dev openmpi-bin libcli11-dev"
if [ "${1:-}" = test ]; then
  packages="$packages catch2 libxtensor-dev clang libomp-dev doxygen libbenchmark-dev"
fi
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
echo "Installing:$missing"
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "these packages are missing; installing them needs root or sudo" >&2; exit 1; }
  sudo=sudo
fi
$sudo apt-get update -qq
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
