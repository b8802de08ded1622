"""Recolours clothes. Noto's men wear teal and its women purple; a model that only ever sees that does not look at the
hair, and fails when no shirt is visible."""

import hashlib

from PIL import Image, ImageChops

from concepts import SKIN_TONE

SKIN_AND_HAIR = 36  # hues of 0 to this of 255, red to yellow
GRAY = 40  # saturation below which there is no colour to change
BRIGHT = 200  # saturation above which it is neither a skin tone nor hair, whatever the hue


def recolored(image, turn):
    """Shifts the hue of everything except skin and hair by `turn` of 256."""
    hue, saturation, value = image.convert("RGB").convert("HSV").split()
    other_hue = hue.point(lambda h: 255 if h > SKIN_AND_HAIR else 0)
    some_color = saturation.point(lambda s: 255 if s > GRAY else 0)
    bright = saturation.point(lambda s: 255 if s > BRIGHT else 0)
    clothes = ImageChops.lighter(ImageChops.darker(other_hue, some_color), bright)
    turned = Image.composite(hue.point(lambda h: (h + turn) % 256), hue, clothes)
    result = Image.merge("HSV", (turned, saturation, value)).convert("RGB").convert("RGBA")
    result.putalpha(image.getchannel("A"))
    return result


def in_other_clothes(picture, image):
    """Every second emoji with a skin tone, chosen by a hash, with clothes of a random other colour."""
    half, turn = hashlib.sha256(picture.identity.encode()).digest()[:2]
    chosen = picture.source == "emoji" and SKIN_TONE.search(picture.name) and half % 2
    return recolored(image, 32 + turn % 192) if chosen else image
