"""Writes this folder with other people's programs: Python's csv, json and tarfile, GNU tar, Pillow,
PyTorch and torchvision.  python3 make_datasets.py"""

import csv
import io
import json
import subprocess
import tarfile
from pathlib import Path

import torch
import torchvision.transforms.functional as F
from PIL import Image
from safetensors.torch import save_file

HERE = Path(__file__).parent
PICTURES = {"red, square.png": (200, 30, 30), "green.jpg": (20, 160, 40), "blue.webp": (10, 40, 220),
            "yellow.png": (240, 230, 20), "gray.png": (128, 128, 128), "violet.png": (140, 30, 200)}
CAPTIONS = [
    ("red, square.png", "a red square"),
    ("red, square.png", 'the "square", red\nand nothing else'),
    ("green.jpg", "ein grünes Bild"),
    ("blue.webp", "blue, very blue"),
    ("yellow.png", ""),
    ("yellow.png", "yellow\tas the sun"),
    ("gray.png", "  gray "),
    ("violet.png", "🟣 violet"),
    ("red, square.png", "a third one"),
]


def pictures():
    folder = HERE / "pictures"
    folder.mkdir(exist_ok=True)
    for name, color in PICTURES.items():
        image = Image.new("RGB", (20, 16), color)
        image.paste((255, 255, 255), (2, 2, 8, 8))
        image.save(folder / name)


def caption_files():
    for name, delimiter, columns in (("captions.csv", ",", ("split", "filepath", "title")),
                                     ("captions.tsv", "\t", ("image", "caption", "split"))):
        with open(HERE / name, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, delimiter=delimiter)
            writer.writerow(columns)
            for picture, caption in CAPTIONS:
                row = {"split": "train", "filepath": picture, "image": picture, "title": caption,
                       "caption": caption}
                writer.writerow([row[column] for column in columns])
    with open(HERE / "metadata.jsonl", "w", encoding="utf-8") as file:
        for picture in PICTURES:
            texts = [caption for name, caption in CAPTIONS if name == picture]
            value = texts[0] if len(texts) == 1 else texts
            file.write(json.dumps({"file_name": picture, "text": value, "width": 20}) + "\n")


def encoded(color, kind, size=(12, 10)):
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, kind)
    return buffer.getvalue()


def shard(name, members, form):
    with tarfile.open(HERE / name, "w", format=form) as tar:
        for member, content in members:
            info = tarfile.TarInfo(member)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def shards():
    long = "a/folder/" + "with_a_name_that_does_not_fit_into_the_hundred_bytes_of_a_plain_header_" * 3
    shard("shard-000.tar", [
        ("000000.jpg", encoded((255, 0, 0), "JPEG")), ("000000.txt", b"a red picture\n"),
        ("000000.json", json.dumps({"caption": "from the json", "url": "x"}).encode()),
        ("000001.png", encoded((0, 255, 0), "PNG")),
        ("000001.json", json.dumps({"caption": ["green", "a green picture"], "id": 1}).encode()),
        ("000002.jpeg", encoded((0, 0, 255), "JPEG")), ("000002.cls", b"7"),
    ], tarfile.PAX_FORMAT)
    shard("shard-001.tar", [
        (long + ".webp", encoded((9, 9, 9), "WEBP")), (long + ".txt", "schwärzlich".encode()),
        ("sub.dir/b.seg.png", b"not looked at"), ("sub.dir/b.PNG", encoded((1, 2, 3), "PNG")),
        ("sub.dir/b.txt", b"dark"), ("__meta__.json", b"{}"), ("lonely.txt", b"no picture"),
        ("._c.jpg", b"a Mac was here"), ("mute.png", encoded((5, 5, 5), "PNG")),
    ], tarfile.GNU_FORMAT)
    folder = HERE / "pictures"
    command = ["tar", "--sort=name", "--owner=0", "--group=0", "--mtime=2024-01-01", "-cf",
               str(HERE / "shard-002.tar"), "-C", str(HERE / "gnu"), "."]
    (HERE / "gnu").mkdir(exist_ok=True)
    for stem in ("gray", "yellow"):
        (HERE / "gnu" / f"{stem}.png").write_bytes((folder / f"{stem}.png").read_bytes())
        (HERE / "gnu" / f"{stem}.txt").write_text(f"a {stem} picture")
    subprocess.run(command, check=True)
    for file in (HERE / "gnu").iterdir():
        file.unlink()
    (HERE / "gnu").rmdir()


def python_json():
    """What Python's json module writes although JSON has no words for it; Karpathy's form."""
    rows = [
        {"image": "a.png", "caption": "one", "similarity": float("nan"), "bounds": [float("-inf"), float("inf")]},
        {"image": "b.png", "caption": "two", "\ud83d": "\udc00", "huge": 10**400},
        {"image": "c.png", "caption": "half \ud83d of a pair"},
        {"image": "d.png", "caption": "whole \U0001F600 pair"},
        {"image": "e.png", "caption": None},
        {"image": "f.png", "caption": float("nan")},
        {"image": "g.png", "caption": ["five", "six"]},
    ]
    lines = [json.dumps(row) for row in rows]
    lines.append('{"image": "h.png", "other": 1, "caption": "seven", "other": 2}')
    lines.append('{"image": "i.png", "caption": "ei')
    (HERE / "kinds" / "python.jsonl").write_text("\n".join(lines))
    readable = [json.loads(lines[i]) for i in (0, 1, 3, 6, 7)]
    (HERE / "kinds" / "array.json").write_text(json.dumps(readable))
    (HERE / "kinds" / "pretty.json").write_text(json.dumps(readable, indent=2))
    karpathy = {"images": [
        {"filepath": "val2014", "filename": f"{split}.jpg", "split": split, "cocoid": i, "sentids": [2 * i, 2 * i + 1],
         "sentences": [{"tokens": ["a", split], "raw": f"A {split} {j}.", "imgid": i, "sentid": 2 * i + j}
                       for j in range(2)]}
        for i, split in enumerate(["train", "restval", "val", "test", "train"])], "dataset": "coco"}
    karpathy["images"][4]["filename"] = "more.jpg"
    (HERE / "kinds" / "karpathy.json").write_text(json.dumps(karpathy))


def packed():
    """The same bytes as gzip, bzip2, xz, zstd and lz4 pack them."""
    for program, ending in {"gzip": "gz", "bzip2": "bz2", "xz": "xz", "zstd": "zst", "lz4": "lz4"}.items():
        for name in ("captions.csv", "shard-000.tar"):
            packed = subprocess.run([program, "-c", str(HERE / name)], check=True, capture_output=True).stdout
            (HERE / "kinds" / f"{name}.{ending}").write_bytes(packed)


def augmentations():
    torch.manual_seed(5)
    noise = torch.rand(3, 6, 8)
    image = torch.nn.functional.interpolate(noise[None], (24, 32), mode="bicubic")[0].clamp(0, 1)
    image[:, :3, :4] = 0.5
    out = {"input": image}
    for factor in (0.6, 1.4):
        out[f"brightness.{factor}"] = F.adjust_brightness(image, factor)
        out[f"contrast.{factor}"] = F.adjust_contrast(image, factor)
        out[f"saturation.{factor}"] = F.adjust_saturation(image, factor)
    for shift in (-0.4, 0.1, 0.5):
        out[f"hue.{shift}"] = F.adjust_hue(image, shift)
    out["grayscale"] = F.rgb_to_grayscale(image, 3)
    out["blur"] = F.gaussian_blur(image, [7, 7], [1.3, 1.3])
    bilinear = F.InterpolationMode.BILINEAR
    for name, motion in {"rotation": (30.0, [0, 0], 1.0, [0.0, 0.0]),
                         "translation": (0.0, [5, -3], 1.0, [0.0, 0.0]),
                         "scale": (0.0, [0, 0], 0.7, [0.0, 0.0]),
                         "all": (-12.0, [2, 4], 1.3, [10.0, -5.0])}.items():
        out["affine." + name] = F.affine(image, *motion, interpolation=bilinear)
    picture = Image.fromarray((image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())
    out["picture"] = torch.tensor(list(picture.getdata()), dtype=torch.uint8).view(24, 32, 3)
    crop = F.resized_crop(picture, 3, 5, 17, 22, [16, 12], F.InterpolationMode.BICUBIC)
    out["crop"] = torch.tensor(list(crop.getdata()), dtype=torch.uint8).view(16, 12, 3)
    save_file({name: value.contiguous() for name, value in out.items()},
              HERE / "augmentations.safetensors")


pictures()
caption_files()
shards()
python_json()
packed()
augmentations()
