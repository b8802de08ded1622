"""Open Clip Art (Debian: openclipart-png, openclipart-svg): the pictures of one package with the
titles and keywords of the other. Many titles name the author, a whole collection, or are not
English; see clip_art_titles.tsv (translations) and clip_art_words.tsv (corrected words)."""

import html
import os
import re
from collections import Counter, defaultdict

from concepts import concept, singular, tidy
from picture import Picture

FOLDER = "/usr/share/openclipart"
DICTIONARY = "/usr/share/dict/american-english"
AT_MOST = 16  # pictures of one name; there are 1,375 stars
MOST_WORDS = 8

NOT_PICTURES = ("special/", "computer/icons/bb_", "computer/icons/70a")
COLORS = "red|green|blue|yellow|orange|purple|pink|brown|black|white|gr[ae]y|cyan|violet|gold|silver|seagreen"
UNWELCOME = {"stripper", "sexy", "nude", "nazi", "swastika", "pantyhose", "rape"}
NOISE = {
    "clip", "clipart", "clipartby", "svg", "png", "collection", "submission", "sibmission", "theme", "iconset",
    "openclipart", "gramastar", "various", "cliparts", "ganson", "geral", "aj", "md", "version", "jr", "ver", "png",
    "untitled", "unnamed", "image", "picture", "item", "test", "simple", "rev", "bwh", "unsorted",
    "hash", "geko", "ani", "rpg", "elements", "element", "aa", "sm", "part", "gnome", "fs", "mime", "gtk", "stock", "kde", "linux", "emblem", "historic", "transparent",
}
VAGUE = {  # keywords that say little
    "computer", "icons", "icon", "theme", "action", "symbol", "sign", "application", "shape", "shapes", "special",
    "recreation", "menu", "unsorted", "geography", "transport", "transportation", "office", "tool", "work", "tools",
    "simple", "education", "device", "hardware", "equipment", "entertainment", "activities", "map", "people", "food",
    "webpage", "party", "festive", "magick", "geometry", "filesystem", "container", "decoration", "study", "symbols",
    "ornamental", "bordered", "white", "technology", "clothing", "signs", "mimetypes", "play", "game", "games",
    "historic", "historical", "nature", "open", "logo", "black", "stock", "religion", "science", "cartoon",
    "desktop", "internet", "network", "subnational", "united nations member", "text", "windows", "link", "vector",
    "drawing", "art", "image", "color", "colour", "clipart", "clip art", "openclipart", "architettura", "software",
}
SUITS = {"c": "clubs", "d": "diamonds", "h": "hearts", "s": "spades"}
RANKS = {"a": "ace", "j": "jack", "q": "queen", "k": "king", "2": "two", "3": "three", "4": "four", "5": "five",
         "6": "six", "7": "seven", "8": "eight", "9": "nine", "10": "ten"}


def read_table(name):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
    with open(path, encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split("\t") for line in lines if line.strip())


class Titles:
    """Recognises words, and turns a raw title or file name into a caption."""

    def __init__(self, english):
        self.common = english
        with open(DICTIONARY, encoding="utf-8") as lines:
            self.words = {line.strip().lower() for line in lines} | english
        self.translations = read_table("clip_art_titles.tsv")
        self.corrections = read_table("clip_art_words.tsv")

    def is_english(self, word):
        return word in self.words or singular(word) in self.words

    def plain(self, text):
        """Only words: no numbers, no camel case, no noise, no brackets."""
        text = html.unescape(html.unescape(text))
        text = re.sub(r"(?i)^clip ?art by [\w .]+? - ", "", text)
        text = re.sub(r"\.(svg|png)$", "", text)
        text = re.sub(r"(?i)[-_ ]*\b(rpg map elements?|body part|clothing|logo)$", "", re.sub(r"_", " ", text))
        text = re.sub(rf"(?i)^(.*)\(({COLORS})\)", r"\2 \1", text)
        text = re.sub(r"[(\[{][^)\]}]*[)\]}]?", " ", text)
        text = re.sub(r"(?i)^hotel icon (has )?(in room )?", "", text)
        text = re.sub(r"([a-z])([A-Z])", r"\1 \2", text)
        text = re.sub(r"(?i)\b(b|black) ?(&|and|n|amp) ?w(hite)?\b", " ", tidy(text))
        text = re.sub(r"\bt-shirt", "tshirt", text)
        words = [re.sub(r"^\d+|\d+[a-z]?$", "", word) for word in re.findall(r"[a-z0-9']+", text)]
        words = [self.corrections.get(word, word) for word in words]
        words = [word for word in words if word and word not in NOISE and word not in ("bw", "r", "v")]
        while words and (len(words[-1]) == 1 and words[-2:-1] not in (["flag"], ["letter"], ["x"])
                         or len(words[-1]) == 2 and words[-1] not in self.common):
            words.pop()
        while len(words) > 1 and (len(words[0]) == 1 or words[0] in ("an", "the")):
            words.pop(0)
        text = " ".join(words).replace("tshirt", "t-shirt").strip("' ")
        return re.sub(rf"^(\D+) ({COLORS})$", r"\2 \1", text)

    def caption(self, text):
        """English words for what is shown, or "" if the text does not say it."""
        plain = self.plain(text)
        if plain in self.translations:
            return self.translations[plain]
        words = [word for word in plain.split() if re.search("[a-z]", word)]
        known = [word for word in words if self.is_english(word)]
        if not any(len(word) > 2 for word in known) or 3 * len(known) < 2 * len(words):
            return ""
        return " ".join(words[:MOST_WORDS])


def metadata(path):
    with open(path, "rb") as file:
        found = re.search(rb"<metadata.*?</metadata>", file.read(), re.S)
    text = found.group(0).decode("utf-8", "replace") if found else ""
    creators = re.findall(r"<dc:creator>.*?<dc:title>(.*?)</dc:title>", text, re.S)
    titles = re.findall(r"<dc:title>(.*?)</dc:title>", text, re.S)
    words = [html.unescape(html.unescape(w)).replace("_", " ") for w in re.findall(r"<rdf:li>(.*?)</rdf:li>", text)]
    title = re.sub(r"\s+", " ", titles[0]).strip() if titles else ""
    return title, (creators or [""])[0], [tidy(word) for word in words]


def without_author(stem, author):
    """File names end in a number and, often cut off, the author's name."""
    stem = re.sub(r"_+\d*[a-z]?$|_$", "", stem)
    slug = re.sub(r"\W+", "_", tidy(author))
    names = [word for word in slug.split("_") if len(word) > 2]
    parts = stem.split("_")
    parts = [part for at, part in enumerate(parts) if at == 0 or part.lower() not in names]
    stem = "_".join(parts)
    for cut in range(1, len(parts)):
        if slug.startswith("_".join(parts[cut:]).lower()):
            return "_".join(parts[:cut])
    return stem


def playing_card(stem):
    found = re.fullmatch(r"[a-z]+_([cdhs])_(10|[2-9ajqk])", stem)
    return f"{RANKS[found.group(2)]} of {SUITS[found.group(1)]}" if found else ""


def flag_name(caption, folder):
    """In Unicode's style of flags: "flag: france"."""
    if "/flags/" not in folder + "/" or re.search("semaphore|signal|umbrella|map", caption + folder):
        return caption
    place = re.sub(r"\b(national|the|flying|waving|state|(republic|kingdom) of)\b", "", caption)
    place = re.sub(r"^\s*flags? (of )?|\s+flags?\b.*$", "", place).strip()
    return f"flag: {re.sub(r' +', ' ', place)}" if place else "flag"


class ClipArt:
    """All pictures of the package, read once to find out which titles belong to collections."""

    def __init__(self, english):
        self.entries = []
        for folder, folders, files in os.walk(FOLDER + "/svg"):
            folders.sort()
            for file in sorted(files):
                path = os.path.relpath(os.path.join(folder, file), FOLDER + "/svg")[: -len(".svg")]
                picture = f"{FOLDER}/png/{path}.png"
                if file.endswith(".svg") and os.path.exists(picture) and not path.startswith(NOT_PICTURES):
                    self.entries.append((path, picture, *metadata(os.path.join(folder, file))))
        self.keyword_counts = Counter(word for entry in self.entries for word in set(entry[4]))
        self.common = english
        self.titles = Titles(english)
        self.collections = self.find_collections()

    def find_collections(self):
        """Titles shared by files of three or more different names."""
        names = defaultdict(set)
        for path, _, title, author, _ in self.entries:
            names[title].add(concept(self.titles.plain(without_author(os.path.basename(path), author))))
        return {title for title, stems in names.items() if len(stems) >= 3 or title.startswith("Clipart by") or not title}

    def usable_keywords(self, words, author):
        good = []
        for word in words:
            if not word or word.startswith(("hash", "0x")) or word in VAGUE or tidy(author) in word:
                continue
            if re.search("theme|mime|symbols?$|icons?$|openclipart", word):
                continue
            if len(word) > 2 and all(self.titles.is_english(part) for part in re.findall("[a-z]+", word)):
                good.append(word)
        return sorted(set(good), key=lambda word: (-self.keyword_counts[word], word))

    def is_abstract(self, folder, caption):
        """Of program icons, only those that depict objects: not "apply", "align left"."""
        shown = all(word in self.common or singular(word) in self.common for word in caption.split())
        return folder.startswith("computer/icons") and (not shown or "-theme" in folder and " " in caption)

    def name(self, path, title, author, keywords):
        stem = os.path.basename(path)
        folder = os.path.dirname(path)
        if "/cards" in folder and playing_card(stem):
            return playing_card(stem)
        if folder == "shapes/stars" and stem.startswith("star_"):
            return f"star with {int(stem[5:7])} points"
        file_name = self.titles.caption(without_author(stem, author))
        if "/flags" in folder and " - " in title:  # "France - Bearn", "Clipart by ... - vanuatu"
            caption = self.titles.caption(title.split(" - ")[-1]) or file_name
        else:
            caption = file_name if title in self.collections else self.titles.caption(title) or file_name
        if caption and self.is_abstract(folder, caption):
            return ""
        if caption:
            return flag_name(caption, folder)
        rare = [word for word in reversed(keywords) if self.keyword_counts[word] >= 3]
        return rare[0] if rare else ""

    def pictures(self):
        counts = Counter()
        for path, picture, title, author, words in self.entries:
            keywords = self.usable_keywords(words, author)
            name = self.name(path, title, author, keywords)
            if not name or UNWELCOME & set(name.split()):
                continue
            kind = "star" if name.startswith("star with") else concept(name)
            counts[kind] += 1
            if counts[kind] > AT_MOST and kind != "star" or kind == "star" and counts[kind] % 40:
                continue
            yield Picture("clipart", re.sub(r"\W+", "_", path), picture, name, [], keywords)
