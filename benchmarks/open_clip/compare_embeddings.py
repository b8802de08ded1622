"""Compares the embeddings of OpenCLIP 3.3.0 and coca for nine configurations of different kinds.

compare_embeddings.py BUILD_FOLDER [--threads 2] [--only NAME ...]

Same random weights (OpenCLIP's own, with noise on all biases and norms), two pictures, three texts, f32. Large towers are
cut to fewer layers. Prints a Markdown table of the largest differences between elements of the embeddings, which have
norm 1, and fails if one is above 1e-5.
"""

import argparse
import copy
import json
import os
import subprocess
import sys
import tempfile

TOLERANCE = 1e-5
TEXTS = ["a brown slug .", "two cows on a green meadow", "a red circle above, and to the left of, the letter K!"]

# Name of a configuration: layers of each tower (None: all), and what else is changed.
CASES = {
    "ViT-B-32-plus-256": (None, {}),
    "ViT-L-14-336": (4, {}),
    "ViT-M-16-alt": (None, {}),
    "ViT-B-16-quickgelu": (None, {}),
    "ViT-H-14": (4, {}),
    "ViT-bigG-14": (2, {}),
    "coca_base": (4, {"text_cfg": {"vocab_size": 49408}, "multimodal_cfg": {"vocab_size": 49408}}),
    "ViT-L-14-CLIPA": (2, {"text_cfg": {"vocab_size": 49408, "hf_tokenizer_name": None, "tokenizer_kwargs": None}}),
    "custom": (None, {}),
}
CUSTOM = {
    "embed_dim": 192,
    "vision_cfg": {"image_size": 112, "patch_size": 16, "width": 256, "head_width": 32, "layers": 4, "mlp_ratio": 3.5,
                   "no_ln_pre": True, "pool_type": "avg", "norm_kwargs": {"eps": 1e-6},
                   "act_kwargs": {"approximate": "tanh"}, "ls_init_value": 0.1},
    "text_cfg": {"context_length": 24, "width": 192, "heads": 6, "layers": 3, "no_causal_mask": True,
                 "pool_type": "eos", "eos_id": 49407, "proj_bias": True, "norm_kwargs": {"eps": 1e-6},
                 "act_kwargs": {"approximate": "tanh"}},
}


def configuration(name):
    """The configuration as it is computed with, and what was changed, in words."""
    import open_clip

    if name == "custom":
        return CUSTOM, "whole"
    layers, changes = CASES[name]
    config = copy.deepcopy(open_clip.get_model_config(name))
    for part, values in changes.items():
        config[part].update(values)
    for part in ("vision_cfg", "text_cfg", "multimodal_cfg"):
        if layers and part in config:
            config[part]["layers"] = layers
    words = [f"{layers} layers per tower"] if layers else []
    return config, ", ".join(words + (["CLIP's vocabulary"] if changes else [])) or "whole"


def make_model(config):
    import open_clip
    import torch

    torch.manual_seed(1)
    kind = open_clip.coca_model.CoCa if "multimodal_cfg" in config else open_clip.model.CLIP
    model = kind(**{key: value for key, value in config.items() if key != "custom_text"}).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.add_(0.1 * torch.randn_like(parameter))
        if "multimodal_cfg" in config:  # the release leaves it as raw memory
            model.text_decoder.text_projection.normal_(std=0.02)
    return model


def draw_pictures(folder):
    import torch
    from PIL import Image

    paths = []
    for number, size in enumerate([(320, 240), (200, 333)]):
        small = torch.randint(0, 256, (9, 12, 3), generator=torch.Generator().manual_seed(number), dtype=torch.uint8)
        paths.append(os.path.join(folder, f"{number}.png"))
        Image.fromarray(small.numpy()).resize(size, Image.BICUBIC).save(paths[-1])
    return paths


def open_clip_embeddings(model, config, pictures):
    import open_clip
    import torch
    from PIL import Image

    transform = open_clip.image_transform(config["vision_cfg"]["image_size"], is_train=False)
    tokenizer = open_clip.SimpleTokenizer(context_length=config["text_cfg"]["context_length"])
    with torch.inference_mode():
        pixels = torch.stack([transform(Image.open(picture)) for picture in pictures])
        return (model.encode_image(pixels, normalize=True).numpy(),
                model.encode_text(tokenizer(TEXTS), normalize=True).numpy())


def our_embeddings(model, config, pictures, folder, arguments):
    import numpy
    import safetensors.torch

    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    safetensors.torch.save_file(tensors, os.path.join(folder, "open_clip_model.safetensors"))
    with open(os.path.join(folder, "open_clip_config.json"), "w") as file:
        json.dump({"model_cfg": config, "preprocess_cfg": {}}, file)
    rows = os.path.join(folder, "rows.npy")
    program = os.path.join(arguments.build, "examples", "embed")
    command = [program, "--model", folder, "--open-clip-preprocessing", "--threads", str(arguments.threads),
               "--npy", rows, *pictures, *[f"--text={text}" for text in TEXTS]]
    subprocess.run(command, check=True, capture_output=True, text=True)
    values = numpy.load(rows)
    return values[:len(pictures)], values[len(pictures):]


def compare(name, arguments):
    import numpy

    config, changes = configuration(name)
    model = make_model(config)
    with tempfile.TemporaryDirectory() as folder:
        pictures = draw_pictures(folder)
        theirs = open_clip_embeddings(model, config, pictures)
        ours = our_embeddings(model, config, pictures, folder, arguments)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    differences = [numpy.abs(a - b).max() for a, b in zip(theirs, ours)]
    return changes, parameters, differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", default=list(CASES))
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(arguments.threads)
    print("| configuration | size | parameters | images | texts | within 1e-5 |\n|---|---|---|---|---|---|")
    failed = False
    for name in arguments.only:
        changes, parameters, differences = compare(name, arguments)
        good = all(difference <= TOLERANCE for difference in differences)  # false for NaN
        failed = failed or not good
        print(f"| {name} | {changes} | {parameters / 1e6:.0f}M | {differences[0]:.1e} | {differences[1]:.1e} "
              f"| {'yes' if good else 'NO'} |", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
