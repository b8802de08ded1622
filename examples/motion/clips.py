"""Clips of a drawing that moves over a part of a photograph."""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

SIZE = 128  # of a clip in pixels
OPPOSITES = {"still": "still", "left": "right", "right": "left", "up": "down", "down": "up", "growing": "shrinking",
             "shrinking": "growing", "turning_left": "turning_right", "turning_right": "turning_left"}
MOTIONS = sorted(OPPOSITES)
FORMATS = (".mp4", ".gif", ".mp4", ".mp4", ".webm", ".mp4", ".gif", ".mp4", ".mp4", ".mp4")  # one after the other
# Without loss, so that a frame does not depend on those before it.
ENCODERS = {".mp4": ["-c:v", "libx264", "-preset", "veryfast", "-qp", "0", "-pix_fmt", "yuv444p"],
            ".webm": ["-c:v", "libvpx-vp9", "-lossless", "1", "-cpu-used", "8", "-pix_fmt", "yuv444p"],
            ".gif": ["-vf", "scale=sws_dither=bayer", "-pix_fmt", "bgr8"]}  # else errors are diffused into later frames
# Of the clip's side: how far a drawing moves; how large it is, and at most while it grows; half of the angle by which it turns.
TRAVEL = (0.35, 0.55)
SCALE = (0.3, 0.4)
GROWTH = (1.6, 2.1)
HALF_TURN = (35, 50)


class Photographs:
    """Grounds, some of them only for training and the others only for tests."""

    def __init__(self, folder):
        self.files = sorted(f"{folder}/{name}" for name in os.listdir(folder) if name.endswith(".jpg")) \
            if os.path.isdir(folder) else []
        if len(self.files) < 4:
            sys.exit(f"{folder} has {len(self.files)} photographs (.jpg), expected 4 or more: install Debian's "
                     "mate-backgrounds, or give --photographs FOLDER")

    def of(self, training):
        return [file for at, file in enumerate(self.files) if (at % 4 != 3) == training]


@dataclass(frozen=True)
class Pose:
    """Where the middle of a drawing is, in pixels, how large its longer side is, and how far it is turned to the left, in degrees."""
    x: float
    y: float
    side: float
    angle: float = 0


@dataclass(frozen=True)
class Plan:
    drawing: str
    ground: str
    box: tuple  # of the photograph
    first: Pose
    last: Pose


def plan_clip(random, motion, drawing, photographs):
    ground = random.choice(photographs)
    width, height = photograph(ground).size
    side = random.uniform(0.3, 0.9) * min(width, height)
    left, top = random.uniform(0, width - side), random.uniform(0, height - side)
    return Plan(drawing, ground, (left, top, left + side, top + side), *poses(random, motion))


def poses(random, motion):
    """The first and the last pose. Of a motion and its opposite each is as likely as the other."""
    side, travel = random.uniform(*SCALE) * SIZE, random.uniform(*TRAVEL) * SIZE
    x, y = random.uniform(0.4, 0.6) * SIZE, random.uniform(0.4, 0.6) * SIZE
    if motion in ("left", "right"):
        ends = Pose(x + travel / 2, y, side), Pose(x - travel / 2, y, side)
    elif motion in ("up", "down"):
        ends = Pose(x, y + travel / 2, side), Pose(x, y - travel / 2, side)
    elif motion in ("growing", "shrinking"):
        ends = Pose(x, y, side), Pose(x, y, side * random.uniform(*GROWTH))
    elif motion in ("turning_left", "turning_right"):
        half, large = random.uniform(*HALF_TURN), 1.4 * side
        ends = Pose(x, y, large, -half), Pose(x, y, large, half)
    else:
        ends = Pose(x, y, side), Pose(x, y, side)
    return ends[::-1] if motion in ("right", "down", "shrinking", "turning_right") else ends


@lru_cache(maxsize=32)
def photograph(file):
    return Image.open(file).convert("RGB")


def draw_clip(plan, count):
    ground = photograph(plan.ground).resize((SIZE, SIZE), Image.Resampling.BICUBIC, plan.box)
    drawing = Image.open(plan.drawing).convert("RGBA")
    return [draw_frame(ground, drawing, between(plan.first, plan.last, at / (count - 1))) for at in range(count)]


def between(first, last, share):
    return Pose(*(getattr(first, name) * (1 - share) + getattr(last, name) * share for name in ("x", "y", "side", "angle")))


def draw_frame(ground, drawing, pose):
    scale = pose.side / max(drawing.size)
    size = [max(1, round(length * scale)) for length in drawing.size]
    turned = drawing.resize(size, Image.Resampling.LANCZOS).rotate(pose.angle, Image.Resampling.BICUBIC, expand=True)
    frame = ground.copy()
    frame.paste(turned, (round(pose.x - turned.width / 2), round(pose.y - turned.height / 2)), turned)
    return frame


def encode(frames, path):
    ending = os.path.splitext(path)[1]
    command = ["ffmpeg", "-v", "error", "-y", "-threads", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{SIZE}x{SIZE}",
               "-r", "8", "-i", "-", *ENCODERS[ending], "-threads", "1", path]
    subprocess.run(command, input=b"".join(frame.tobytes() for frame in frames), check=True)
