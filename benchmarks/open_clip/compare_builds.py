"""Times two builds of coca in one run: captioning, encoding and a training step, before and after a change.

compare_builds.py BEFORE AFTER [--pairs 10] [--threads 2] [--batch 4] [--files FOLDER]

BEFORE and AFTER are build folders with benchmarks. The programs run alternately, the order changing from pair to
pair, and each figure is the median over the pairs of after / before, so that other load affects both alike. The
captions must be equal, or the script fails. Prints a Markdown table. OpenCLIP makes the weights and the batch, once, in
FOLDER.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

from compare import processor

MODEL = "coca_ViT-B-32"
PRESET = "coca_vit_b_32"


def write_files(folder, batch):
    """Writes random weights, a batch with captions of full length, and a picture."""
    import open_clip
    import safetensors.torch
    import torch
    from PIL import Image

    torch.manual_seed(1)
    model = open_clip.create_model(MODEL)
    with torch.no_grad():  # the release leaves it as raw memory
        model.text_decoder.text_projection.normal_(std=model.text_decoder.text_projection.shape[0] ** -0.5)
    vocabulary = model.text_decoder.text_projection.shape[1]
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    safetensors.torch.save_file(state, os.path.join(folder, "weights.safetensors"))
    batch = {"pixels": torch.randn(batch, 3, 224, 224), "tokens": torch.randint(1, vocabulary - 2, (batch, 76))}
    safetensors.torch.save_file(batch, os.path.join(folder, "batch.safetensors"))
    Image.fromarray((torch.rand(224, 224, 3) * 255).byte().numpy()).save(os.path.join(folder, "picture.png"))


def measure(build, folder, threads):
    """-> figures by name, and the ids of the caption"""
    def run(program, *arguments):
        command = [os.path.join(build, "benchmarks", program), *arguments, "f32", str(threads), "2"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    files = [os.path.join(folder, name) for name in ("picture.png", "weights.safetensors", "batch.safetensors")]
    caption = run("caption_benchmark", PRESET, files[0], files[1])
    step = run(f"train_benchmark_{PRESET}", files[2], files[1])
    return {"encoding one image": caption["encode_seconds"], "one caption": caption["decode_seconds"],
            "a training step": step["step_seconds"]}, caption["ids"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--files", default="")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.files or temporary
        if not os.path.exists(os.path.join(folder, "picture.png")):
            write_files(folder, arguments.batch)
        pairs, same = [], True
        for number in range(arguments.pairs):
            builds = [arguments.before, arguments.after]
            results = {build: measure(build, folder, arguments.threads)
                       for build in (builds if number % 2 == 0 else builds[::-1])}
            before, after = (results[build] for build in builds)
            same = same and before[1] == after[1]
            pairs.append((before[0], after[0]))
            print(f"pair {number + 1}: " + ", ".join(f"{name} {after[0][name] / before[0][name]:.3f}"
                                                    for name in before[0]), file=sys.stderr, flush=True)
    print(f"Processor: {processor()}; {arguments.threads} threads, {MODEL}, f32, {arguments.pairs} pairs\n")
    print("| | before | after | median of after / before | quartiles |")
    print("|---|---|---|---|---|")
    for name in pairs[0][0]:
        ratios = sorted(after[name] / before[name] for before, after in pairs)
        quartiles = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
        print(f"| {name} | {statistics.median(before[name] for before, _ in pairs):.3f} s "
              f"| {statistics.median(after[name] for _, after in pairs):.3f} s "
              f"| {statistics.median(ratios):.3f} | {quartiles[0]:.3f} to {quartiles[2]:.3f} |")
    print("\nSame captions: " + ("yes" if same else "NO"))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
