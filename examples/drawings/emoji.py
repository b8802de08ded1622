"""Noto's colour emoji (Debian: fonts-noto-color-emoji) with the names and keywords of Unicode's CLDR
(Debian: unicode-cldr-core)."""

import xml.etree.ElementTree as ElementTree
from itertools import product

from fontTools.ttLib import TTFont

from concepts import SKIN_TONE, people_and_skin_tones, tidy
from picture import Picture

FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf"
CLDR = "/usr/share/unicode/cldr/common"
INHERITED = "↑↑↑"  # instead of a name: the parent language's
VARIATION_SELECTOR = "\ufe0f"
LIGATURE = 4  # the type of such lookups in GSUB


def read_annotations():
    """{sequence of code points: [name, [other names], [keywords]]}; other names are those of other varieties of English."""
    annotations = {}
    for language, part in product(("en", "en_GB", "en_AU", "en_CA"), ("annotations", "annotationsDerived")):
        for element in ElementTree.parse(f"{CLDR}/{part}/{language}.xml").iter("annotation"):
            names, others, keywords = annotations.setdefault(element.get("cp"), ([], [], []))
            if element.get("type") != "tts":
                keywords += [word.strip() for word in element.text.split("|")]
            elif element.text != INHERITED:
                (names if language == "en" else others).append(element.text)
    return annotations


def read_ligatures(font):
    """{sequence of glyph names: glyph name}: skin tones, families, flags, keycaps."""
    ligatures = {}
    for lookup in font["GSUB"].table.LookupList.Lookup:
        if lookup.LookupType == LIGATURE:
            for table in lookup.SubTable:
                for first, rest in table.ligatures.items():
                    for ligature in rest:
                        ligatures.setdefault((first, *ligature.Component), ligature.LigGlyph)
    return ligatures


def substitute(glyphs, ligatures, longest):
    """Applies GSUB: the longest ligature at each position."""
    result, at = [], 0
    while at < len(glyphs):
        for length in range(min(longest, len(glyphs) - at), 0, -1):
            glyph = glyphs[at] if length == 1 else ligatures.get(tuple(glyphs[at : at + length]))
            if glyph:
                result.append(glyph)
                at += length
                break
    return result


def read_emoji():
    font = TTFont(FONT)
    characters, ligatures = font.getBestCmap(), read_ligatures(font)
    longest = max(map(len, ligatures))
    bitmaps = font["CBDT"].strikeData[0]
    for sequence, (names, others, keywords) in sorted(read_annotations().items()):
        glyphs = [characters.get(ord(c)) for c in sequence if c != VARIATION_SELECTOR]
        if not names or None in glyphs or len(sequence) == 1 and names[0].endswith("skin tone"):
            continue
        glyphs = substitute(glyphs, ligatures, longest)
        if len(glyphs) != 1 or glyphs[0] not in bitmaps:
            continue
        bitmap = bitmaps[glyphs[0]]
        bitmap.ensureDecompiled()
        identity = "_".join(f"{ord(c):x}" for c in sequence)
        name = tidy(names[0])
        yield Picture("emoji", identity, bytes(bitmap.imageData), name,
                      [people_and_skin_tones(name), *map(tidy, others)],
                      [tidy(word) for word in keywords if not word.endswith(("skin tone", "gender"))],
                      ", ".join(SKIN_TONE.findall(name)))
