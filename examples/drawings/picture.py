"""A picture with what is known about it, and how it is read."""

import io
import subprocess
from dataclasses import dataclass, field

from PIL import Image

Image.MAX_IMAGE_PIXELS = None  # Pillow's own limit raises an exception
MOST_PIXELS = 60_000_000  # a few pictures of Open Clip Art are larger, and empty except for a corner


@dataclass
class Picture:
    source: str  # "stamps", "emoji", "pairs" or "clipart"
    identity: str  # distinct within the source; names the file
    content: object  # path of a PNG or SVG, or the bytes of a PNG
    name: str  # what it shows, in a few words
    alternatives: list = field(default_factory=list)  # other captions, only for training
    keywords: list = field(default_factory=list)  # words that go with it
    details: str = ""  # in every caption: one without it would teach the model not to look
    other_names: list = field(default_factory=list)  # of pictures that look the same


def read_image(content):
    """RGBA, cropped to the content; None if nothing is visible, or the picture is too large."""
    if isinstance(content, str) and content.endswith(".svg"):
        content = subprocess.run(["rsvg-convert", "--width=256", "--height=256", "--keep-aspect-ratio", content],
                                 check=True, stdout=subprocess.PIPE).stdout
    image = Image.open(io.BytesIO(content) if isinstance(content, bytes) else content)
    if image.size[0] * image.size[1] > MOST_PIXELS:
        return None
    image = image.convert("RGBA")
    box = image.getchannel("A").point(lambda alpha: 255 if alpha > 8 else 0).getbbox()
    return image.crop(box) if box else None


def shrink(image, longest):
    """The aspect ratio is kept; small pictures are unchanged."""
    scale = min(1.0, longest / max(image.size))
    size = tuple(max(1, round(side * scale)) for side in image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
