"""Writes rand_augment.safetensors: torchvision's RandAugment operations on a small picture, at
magnitude 20 with either sign. Samples 0 to 255 as floats, [height, width, 3].
python3 make_rand_augment.py"""

from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from torchvision.transforms import InterpolationMode, RandAugment
from torchvision.transforms.autoaugment import _apply_op

HERE = Path(__file__).parent
WIDTH, HEIGHT, MAGNITUDE = 14, 11, 20


def picture():
    random = numpy.random.default_rng(7)
    y, x = numpy.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = numpy.stack([x * 16, y * 20, (x + y) * 9], axis=-1)
    return Image.fromarray((smooth + random.integers(0, 40, smooth.shape)).clip(20, 240).astype("uint8"))


def floats(image):
    return torch.from_numpy(numpy.array(image)).float().contiguous()


image = picture()
tensors = {"input": floats(image)}
space = RandAugment()._augmentation_space(31, (HEIGHT, WIDTH))
for name, (magnitudes, signed) in space.items():
    magnitude = float(magnitudes[MAGNITUDE].item()) if magnitudes.ndim > 0 else 0.0
    for sign in ((1, -1) if signed else (1,)):
        changed = _apply_op(image, name, sign * magnitude, interpolation=InterpolationMode.NEAREST, fill=None)
        tensors[f"{name}.{sign}"] = floats(changed)
save_file(tensors, HERE / "rand_augment.safetensors")
