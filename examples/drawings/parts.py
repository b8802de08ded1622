"""Parts of the names of training pictures: "lantern" of "old red lantern". A model that has read them separately knows which of the
words, even of a new name, is the thing."""

from compositions import name_of_thing
from concepts import mentions_held_out

BEFORE_DETAILS = {"with", "of", "in", "on", "for", "and", "from", "at", "as", "by", "to", "under", "over"}
SHORTEST = 3  # letters


def parts_of_name(name):
    """What precedes the details, whole and without its first words: "red lantern" and "lantern" of "old red
    lantern", "jar" of "jar of jam"."""
    words = name.split()
    details = next((at for at, word in enumerate(words) if word in BEFORE_DETAILS), len(words))
    parts = (" ".join(words[first:details]) for first in range(details))
    return [part for part in parts if part != name and len(part) >= SHORTEST]


def parts(train):
    """The records of `train` with parts of their names as captions, none of them held out."""
    for record in train:
        captions = [part for part in parts_of_name(name_of_thing(record)) if not mentions_held_out(part)]
        if captions:
            yield record | {"captions": captions}
