#!/usr/bin/env python3
"""Makes the clips of this folder with the ffmpeg program (5.1), and expected.json: size, number and FNV-1a digests of the RGB frames that it
decodes (-fps_mode passthrough -pix_fmt rgb24). The tests do not need ffmpeg. A clip is made again only if it is missing: encoders differ.

python3 tests/data/video/make.py
"""
import json
import os
import subprocess

FOLDER = os.path.dirname(os.path.abspath(__file__))
SOURCE = ["-f", "lavfi", "-i"]
X264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]
GOP = ["-g", "10", "-bf", "2", "-x264-params", "open-gop=1:scenecut=0"]
CLIPS = {
    # Frames are reordered; key frames that are not IDR frames, with leading frames.
    "h264.mp4": SOURCE + ["mandelbrot=size=64x48:rate=25:start_scale=1.5:end_pts=60,trim=duration=1.6"] + X264 + GOP,
    "h264_444.mp4": SOURCE + ["mandelbrot=size=48x36:rate=20:start_scale=1.5:end_pts=60,trim=duration=1.2", "-c:v", "libx264", "-pix_fmt", "yuv444p", "-g", "8"],
    "old_x264.mp4": SOURCE + ["mandelbrot=size=48x36:rate=20:start_scale=1.5:end_pts=60,trim=duration=1.2", "-c:v", "libx264", "-pix_fmt", "yuv444p", "-g", "8", "-crf", "38"],
    "h264.mkv": ["-i", "h264.mp4", "-c", "copy"],
    "h264.ts": ["-i", "h264.mp4", "-c", "copy"],
    "vp9.webm": SOURCE + ["mandelbrot=size=60x44:rate=30:start_scale=1.5:end_pts=60,trim=duration=1.2,scale=61:45", "-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", "-g", "9", "-crf", "40", "-b:v", "0"],
    # Hidden frames: more packets than frames.
    "vp8.webm": SOURCE + ["mandelbrot=size=64x48:rate=30:start_scale=1.5:end_pts=60,trim=duration=1.2", "-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-b:v", "60k", "-g", "12"],
    "mpeg4.avi": SOURCE + ["mandelbrot=size=64x48:rate=25:start_scale=1.5:end_pts=60,trim=duration=1", "-c:v", "mpeg4", "-bf", "2", "-g", "8"],
    "full_range.avi": SOURCE + ["mandelbrot=size=64x48:rate=10:start_scale=1.5:end_pts=60,trim=duration=0.6", "-c:v", "mjpeg", "-pix_fmt", "yuvj420p", "-q:v", "9"],
    "bt709.mp4": SOURCE + ["mandelbrot=size=64x48:rate=10:start_scale=1.5:end_pts=60,trim=duration=0.6"] + X264 + ["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"],
    "variable_rate.mp4": SOURCE + ["mandelbrot=size=64x48:rate=25:start_scale=1.5:end_pts=60,trim=duration=1,select='not(between(n,5,9))*not(mod(n,3))'", "-fps_mode", "vfr"] + X264,
    "rotated.mp4": ["-i", "bt709.mp4", "-c", "copy", "-metadata:s:v", "rotate=90"],
    "one_frame.mp4": SOURCE + ["mandelbrot=size=64x48:rate=25:start_scale=1.5:end_pts=60,trim=duration=0.04"] + X264,
    "animation.gif": SOURCE + ["mandelbrot=size=48x36:rate=10:start_scale=1.5:end_pts=60,trim=duration=0.9", "-loop", "0"],
    "sound.mp4": SOURCE + ["sine=duration=0.2", "-c:a", "aac"],
}


def pretend_old(path):
    """x264's name is in the first packet only, and builds before 151 had a fault that decoders work around: a decoder that does not see
    that packet decodes other pixels."""
    with open(path, "rb") as file:
        data = file.read()
    with open(path, "wb") as file:
        file.write(data.replace(b"x264 - core 164", b"x264 - core 148"))


def make(name):
    path = os.path.join(FOLDER, name)
    if os.path.exists(path):
        return
    arguments = [os.path.join(FOLDER, part) if part in CLIPS else part for part in CLIPS[name]]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", *arguments, "-bitexact", path], check=True)
    if name == "old_x264.mp4":
        pretend_old(path)


def digest(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def size_of(path):
    show = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height", "-of", "csv=p=0"]
    answer = subprocess.run([*show, path], check=True, capture_output=True, text=True).stdout.split()
    return [int(part) for part in answer[0].strip(",").split(",")[:2]] if answer else None


def turned(frame, width, height):
    """A quarter turn to the left, of RGB: what "rotation=90" means in FFmpeg."""
    rows = [[frame[3 * (y * width + x) : 3 * (y * width + x) + 3] for x in range(width)] for y in range(height)]
    return b"".join(rows[x][width - 1 - y] for y in range(width) for x in range(height))


def expected(name):
    path = os.path.join(FOLDER, name)
    size = size_of(path)
    if size is None:
        return None
    width, height = size
    command = ["ffmpeg", "-v", "error", "-noautorotate", "-i", path, "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    frames = [raw[i : i + 3 * width * height] for i in range(0, len(raw), 3 * width * height)]
    if name == "rotated.mp4":
        frames = [turned(frame, width, height) for frame in frames]
        width, height = height, width
    return {"width": width, "height": height, "frames": [digest(frame) for frame in frames]}


if __name__ == "__main__":
    for clip in CLIPS:
        make(clip)
    found = {clip: expected(clip) for clip in CLIPS}
    with open(os.path.join(FOLDER, "expected.json"), "w") as file:
        json.dump({clip: value for clip, value in found.items() if value}, file, indent=1)
        file.write("\n")
