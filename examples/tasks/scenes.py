"""Pictures: drawings in the cells of a grid, on a coloured ground or on a part of a photograph."""

import os
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image, ImageDraw

from things import DataError, read_drawing

SIZE = 96  # pixels, the size that the included model sees
ON_A_PHOTOGRAPH = 0.25  # share of the pictures
SIZES = (0.78, 0.98)  # longer sides of the drawings as a share of the cell's shorter side
COLORS = {"white": (250, 250, 250), "gray": (140, 140, 140), "red": (210, 50, 50), "yellow": (245, 220, 80),
          "green": (80, 160, 80), "blue": (70, 110, 215), "purple": (145, 85, 185), "brown": (130, 90, 55)}
COLOR_NOISE = 12
GRIDS = {2: [(2, 2)], 3: [(2, 2)], 4: [(2, 2)], 5: [(3, 2), (2, 3)], 6: [(3, 2), (2, 3)]}  # columns, rows
PLACES = {(0, 0): "top left", (1, 0): "top right", (0, 1): "bottom left", (1, 1): "bottom right"}
CURTAIN = (120, 25, 40)
FOLD = 6  # width of a fold of the curtain in pixels


@dataclass
class Item:
    thing: object
    drawing: str  # file
    cell: tuple  # column, row
    longest: int = 0  # pixels
    corner: tuple = (0, 0)


@dataclass
class Scene:
    items: list
    grid: tuple = (2, 2)
    color: str = ""  # name of the ground's colour; "" for a photograph
    ground: tuple = ()  # the colour, or file and box of the photograph
    curtain: tuple = None  # the cell behind it

    def count(self, thing):
        return sum(item.thing is thing for item in self.items)


class Photographs:
    """Grounds, some of them only for training and the others only for tests."""

    def __init__(self, folder):
        self.files = sorted(f"{folder}/{name}" for name in os.listdir(folder) if name.endswith(".jpg")) \
            if os.path.isdir(folder) else []
        if len(self.files) < 4:
            raise DataError(f"{folder} has {len(self.files)} photographs (.jpg), expected 4 or more: install Debian's "
                            "mate-backgrounds, or give --photographs FOLDER")

    def of(self, training):
        return [file for at, file in enumerate(self.files) if (at % 4 != 3) == training]


def cell_box(grid, cell):
    """left, top, right, bottom"""
    width, height = SIZE // grid[0], SIZE // grid[1]
    return cell[0] * width, cell[1] * height, (cell[0] + 1) * width, (cell[1] + 1) * height


class Stage:
    """Makes scenes of the drawings and grounds of a split. What is random is drawn here, and not when they are drawn."""

    def __init__(self, random, photographs, known):
        self.random = random
        self.photographs = photographs
        self.known = known

    def drawing(self, thing):
        return self.random.choice(thing.known if self.known else thing.new)

    def scene(self, placed, grid=(2, 2), curtain=None):
        """Of [(thing or Item, cell, range of sizes)]."""
        items = [self.placed(thing, cell, grid, sizes) for thing, cell, sizes in placed]
        return Scene(items, grid, *self.ground(), curtain)

    def scattered(self, things):
        """With each of these, two to six, in a random cell."""
        grid = self.random.choice(GRIDS[len(things)])
        cells = [(column, row) for column in range(grid[0]) for row in range(grid[1])]
        return self.scene([(thing, cell, SIZES) for thing, cell in
                           zip(things, self.random.sample(cells, len(things)))], grid)

    def placed(self, thing, cell, grid, sizes):
        drawing = self.drawing(thing) if not isinstance(thing, tuple) else thing[1]
        thing = thing[0] if isinstance(thing, tuple) else thing
        left, top, right, bottom = cell_box(grid, cell)
        longest = round(self.random.uniform(*sizes) * min(right - left, bottom - top))
        width, height = sized(drawing, longest).size
        return Item(thing, drawing, cell, longest, (self.random.randint(left, right - width),
                                                    self.random.randint(top, bottom - height)))

    def ground(self):
        if self.random.random() < ON_A_PHOTOGRAPH:
            file = self.random.choice(self.photographs)
            image = photograph(file)
            side = self.random.randint(SIZE, min(image.size))
            left, top = (self.random.randint(0, length - side) for length in image.size)
            return "", (file, (left, top, left + side, top + side))
        name = self.random.choice(list(COLORS))
        noise = [self.random.randint(-COLOR_NOISE, COLOR_NOISE) for _ in range(3)]
        return name, tuple(min(255, max(0, value + more)) for value, more in zip(COLORS[name], noise))


@lru_cache(maxsize=None)
def photograph(file):
    """Its shorter side four times that of a picture."""
    image = Image.open(file).convert("RGB")
    scale = 4 * SIZE / min(image.size)
    return image.resize([round(side * scale) for side in image.size], Image.Resampling.BICUBIC)


@lru_cache(maxsize=None)
def sized(file, longest):
    image = read_drawing(file)
    scale = longest / max(image.size)
    return image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.LANCZOS)


def draw_curtain(image, box):
    """Folds of cloth under a rod."""
    draw = ImageDraw.Draw(image)
    left, top, right, bottom = box
    for x in range(left, right):
        light = 0.65 + 0.7 * abs((x - left) % FOLD - FOLD / 2) / FOLD
        draw.line([x, top, x, bottom - 1], fill=tuple(round(value * light) for value in CURTAIN))
    draw.line([left, top, right - 1, top], fill=(200, 170, 60), width=3)


def drawn(scene):
    """The picture of a scene."""
    if scene.color:
        image = Image.new("RGB", (SIZE, SIZE), scene.ground)
    else:
        file, box = scene.ground
        image = photograph(file).resize((SIZE, SIZE), Image.Resampling.BICUBIC, box)
    for item in scene.items:
        drawing = sized(item.drawing, item.longest)
        image.paste(drawing, item.corner, drawing)
    if scene.curtain is not None:
        draw_curtain(image, cell_box(scene.grid, scene.curtain))
    return image
