"""Two faces of Noto side by side: who is on the left, who on the right, and in which skin tones."""

import io
from itertools import product

from PIL import Image

from concepts import SKIN_TONE, without_skin_tone
from picture import Picture

FACES = {"man", "woman", "person"}


def side_by_side(left, right):
    """Two PNG, as one."""
    left, right = (Image.open(io.BytesIO(content)).convert("RGBA") for content in (left, right))
    both = Image.new("RGBA", (left.width + right.width, max(left.height, right.height)))
    both.paste(left, (0, 0))
    both.paste(right, (left.width, 0))
    png = io.BytesIO()
    both.save(png, "PNG")
    return png.getvalue()


def pairs_of_faces(emoji):
    """Each of the faces with each, both with a skin tone or both without, named in Unicode's style of couples:
    "woman, man: dark skin tone, light skin tone", or "woman, man: dark skin tone" if both have the same."""
    faces = [picture for picture in emoji if without_skin_tone(picture.name) in FACES]
    for left, right in product(faces, faces):
        tones = [SKIN_TONE.findall(face.name) for face in (left, right)]
        if len(tones[0]) == len(tones[1]):
            name = ", ".join(without_skin_tone(face.name) for face in (left, right))
            details = ", ".join(dict.fromkeys(tones[0] + tones[1]))
            yield Picture("pairs", f"{left.identity}_{right.identity}", side_by_side(left.content, right.content),
                          f"{name}: {details}" if details else name)
