#!/bin/sh
# Installs the packages that the training pictures come from where they are missing, and makes the data set.
# prepare.sh FOLDER [OPTION...]   see prepare.py --help
set -eu
packages="python3 python3-fonttools python3-pil librsvg2-bin wamerican
  tuxpaint-stamps-default fonts-noto-color-emoji unicode-cldr-core openclipart-png openclipart-svg"
missing=""
for package in $packages; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing="$missing $package"
done
if [ -n "$missing" ]; then
  echo "Installing:$missing"
  sudo=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "these packages are missing; installing them needs root or sudo" >&2; exit 1; }
    sudo=sudo
  fi
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi
exec /usr/bin/python3 "$(dirname "$0")/prepare.py" "$@"
