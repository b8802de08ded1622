"""Which captions refer to the same concept, and which concepts are held out.

The base form of a caption leaves out what does not change the thing: case, articles, punctuation,
skin tone, gender, plural, "icon", "cartoon". One tenth of the base forms, chosen by their hash, is
held out: no caption of the training set has one of them.
"""

import hashlib
import re
import unicodedata

SKIN_TONE = re.compile(r"\b(?:medium-light|medium-dark|light|medium|dark) skin tone\b")
PEOPLE = {
    "man", "men", "woman", "women", "person", "people", "persons", "boy", "boys", "girl", "girls",
    "child", "children", "kid", "male", "female", "lady", "adult", "guy", "mx", "mr", "mrs",
}
COLORS = {
    "red", "orange", "yellow", "green", "blue", "purple", "brown", "black", "white", "gray", "grey", "pink", "gold",
    "golden", "silver", "violet", "indigo", "magenta", "cyan", "turquoise", "beige", "tan", "colour", "color", "colored",
    "rainbow", "flag", "flags", "blond", "blonde", "haired",
}
SIDED = {
    "left", "right", "leftwards", "rightwards", "clockwise", "counterclockwise", "anticlockwise", "clock", "oclock",
    "thirty", "letter", "letters", "number", "keycap", "button", "sign", "word", "flag", "flags", "map", "note", "notes",
    "score", "couple", "kiss", "holding", "family", "quotation", "question", "parenthesis", "bracket", "slash", "east",
    "west", "back", "forward", "crescent", "quarter",
}
IGNORED = {"a", "an", "the", "some", "another", "and", "s", "icon", "icons", "cartoon", "clipart"}
SAME_WORD = {
    "princess": "prince", "mermaid": "merperson", "merman": "merperson", "grey": "gray",
    "colour": "color", "colored": "color", "coloured": "color", "older": "old", "fireman": "firefighter",
    "policeman": "police", "policewoman": "police", "claus": "santa", "grandma": "grandparent",
    "grandpa": "grandparent", "aeroplane": "airplane", "plane": "airplane", "donut": "doughnut",
    "leaves": "leaf", "mice": "mouse", "feet": "foot", "knives": "knife", "wolves": "wolf",
    "geese": "goose", "teeth": "tooth", "loaves": "loaf", "shelves": "shelf", "scarves": "scarf",
    "halves": "half", "colours": "color", "xmas": "christmas", "tv": "television",
}


def ascii_text(text):
    """Text without accents and typographic quotes."""
    for fancy, plain in (("’", "'"), ("‘", "'"), ("“", '"'), ("”", '"'), ("–", " - "), ("—", " - "), ("ß", "ss"),
                         ("ø", "o"), ("Ø", "O"), ("æ", "ae"), ("Æ", "AE"), ("œ", "oe"), ("ł", "l"), ("ı", "i")):
        text = text.replace(fancy, plain)
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def has_word(caption, words):
    return any(word in words for word in re.findall("[a-z]+", caption))


def tidy(text):
    """A caption as it is stored: ASCII, lower case, single spaces, no quotes, no full stop."""
    return re.sub(r"\s+", " ", ascii_text(text).lower().replace('"', "")).strip(" .,;:!?-_/")


def without_skin_tone(caption):
    """"person: dark skin tone, curly hair" becomes "person: curly hair"."""
    who, colon, details = SKIN_TONE.sub("", caption).partition(":")
    details = ", ".join(part.strip() for part in details.split(",") if part.strip())
    return f"{who}: {details}" if details else who.strip()


def people_and_skin_tones(caption):
    """"woman judge: dark skin tone" becomes "woman: dark skin tone"; "" if either is missing."""
    people = [word for word in re.findall("[a-z]+", caption) if word in PEOPLE]
    tones = SKIN_TONE.findall(caption)
    return f"{', '.join(people)}: {', '.join(tones)}" if people and tones else ""


def is_sided(caption):
    """Whether a mirrored picture would show another thing, or an impossible one: arrows, clocks, letters, flags, and two
    people of whom the caption names the left one, or their skin tone, first."""
    words = set(re.findall("[a-z]+|[0-9]", caption)) - {"a", "i", "s"}
    several = len(SKIN_TONE.findall(caption)) > 1 or len(PEOPLE.intersection(caption.partition(":")[0].split(", "))) > 1
    return several or any(word in SIDED or len(word) == 1 for word in words)


def color_strength(captions):
    """How much a picture's colours may change, 0 to 1, before it would show another thing. Neighbouring skin tones are
    soon indistinguishable."""
    if any(map(SKIN_TONE.search, captions)):
        return 0.1
    return 0.3 if any(has_word(caption, COLORS) for caption in captions) else 1


def look_alikes(caption):
    """Equal for people who do the same and have the same skin tones, and differ only in gender (or order);
    "" if no person is mentioned."""
    if not SKIN_TONE.search(caption) and not has_word(caption, PEOPLE):
        return ""
    return ", ".join([base_form(caption), *sorted(set(SKIN_TONE.findall(caption)))])


def singular(word):
    """A light stemmer: the same for singular and plural, not always a word."""
    word = SAME_WORD.get(word, word)
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes", "oes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


def base_form(caption):
    """The words of a caption that say what it is."""
    text = without_skin_tone(tidy(caption)).replace("'s ", " ")
    words = re.findall(r"[a-z]+|[0-9]+", text)
    kept = [singular(word) for word in words if word not in PEOPLE and word not in IGNORED]
    if len(kept) > 1 and kept[0] == "color":
        kept = kept[1:]
    if not kept:
        kept = ["person"] if any(word in PEOPLE for word in words) else words
    return " ".join(kept)


def concept(caption):
    """The base form without spaces, so that "bow tie" and "bowtie" are one thing."""
    return base_form(caption).replace(" ", "")


def is_held_out(caption):
    """Whether a caption, only by its base form, belongs to the tenth that is never trained on."""
    return int(hashlib.sha256(concept(caption).encode()).hexdigest()[:8], 16) % 10 == 0


def mentions_held_out(caption):
    """Whether a caption, or a part between its commas, is held out. What follows a colon only
    describes: "family: woman, girl" does not say "girl"."""
    parts = [] if ":" in caption else caption.split(", ")
    return any(is_held_out(text) for text in (caption, *parts))
