"""Times a training step of OpenCLIP 3.3.0 and of coca in one run: same weights, same batch, same threads.

compare_training.py BUILD_FOLDER [--models coca_ViT-B-32] [--batch 8] [--threads 2] [--runs 2] [--rounds 3]

A step is forward, both losses (weights 1 and 2), backward and AdamW, in f32. Captions are 76 random words long,
so that no padding is skipped. The losses of the first step must agree, or the script fails. Runs are interleaved;
the figures, including ratios, are medians over the rounds. Prints a Markdown table.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

from compare import median_of, processor


def train_open_clip(name, folder, arguments):
    """Runs in a separate process, so that its peak memory is its own. -> a JSON object on standard output"""
    import resource
    import statistics
    import time

    import open_clip
    import safetensors.torch
    import torch

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(1)
    model = open_clip.create_model(name)
    with torch.no_grad():  # the release leaves it as raw memory
        model.text_decoder.text_projection.normal_(std=model.text_decoder.text_projection.shape[0] ** -0.5)
    state = {key: value.contiguous() for key, value in model.state_dict().items()}
    safetensors.torch.save_file(state, os.path.join(folder, "weights.safetensors"))
    del state
    size = model.visual.image_size[0] if isinstance(model.visual.image_size, tuple) else model.visual.image_size
    context, vocabulary = 76, model.text_decoder.text_projection.shape[1]
    generator = torch.Generator().manual_seed(2)
    pixels = torch.randn(arguments.batch, 3, size, size, generator=generator)
    tokens = torch.randint(1, vocabulary - 2, (arguments.batch, context), generator=generator)
    safetensors.torch.save_file({"pixels": pixels, "tokens": tokens}, os.path.join(folder, "batch.safetensors"))

    loss_function = open_clip.CoCaLoss(caption_loss_weight=2.0, clip_loss_weight=1.0)
    decayed = [value for value in model.parameters() if value.ndim >= 2]
    others = [value for value in model.parameters() if value.ndim < 2]
    optimizer = torch.optim.AdamW([{"params": decayed, "weight_decay": 0.2}, {"params": others, "weight_decay": 0.0}],
                                  lr=1e-4, betas=(0.9, 0.98), eps=1e-6)
    model.train()
    seconds, losses = [], []
    for _ in range(arguments.runs + 1):
        start = time.perf_counter()
        optimizer.zero_grad()
        contrastive, captioning = loss_function(**model(pixels, tokens))
        (contrastive + captioning).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - start)
        losses.append([contrastive.item(), captioning.item()])
    print(json.dumps({"first_losses": losses[0], "last_losses": losses[-1],
                      "step_seconds": statistics.median(seconds[1:]),
                      "peak_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


def run(command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--models", nargs="+", default=["coca_ViT-B-32"])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--open-clip-in", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.open_clip_in:
        return train_open_clip(arguments.models[0], arguments.open_clip_in, arguments)

    print(f"Processor: {processor()}; {arguments.threads} threads; batch {arguments.batch}\n")
    print("| model | OpenCLIP 3.3.0 | peak | coca f32 | ratio | peak | coca bf16 | ratio | peak | same losses |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    failed = False
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            program = os.path.join(arguments.build, "benchmarks", "train_benchmark_" + name.lower().replace("-", "_"))
            files = [os.path.join(folder, "batch.safetensors"), os.path.join(folder, "weights.safetensors")]
            rounds = []
            for _ in range(arguments.rounds):  # one after the other, as the machine is now slower, now faster
                entry = {"open_clip": run([sys.executable, os.path.abspath(__file__), arguments.build,
                                           "--models", name, "--batch", str(arguments.batch),
                                           "--threads", str(arguments.threads), "--runs", str(arguments.runs),
                                           "--open-clip-in", folder])}
                for precision in ("f32", "bf16"):
                    entry[precision] = run([program, *files, precision, str(arguments.threads), str(arguments.runs)])
                    entry[precision]["ratio"] = entry["open_clip"]["step_seconds"] / entry[precision]["step_seconds"]
                rounds.append(entry)
        same = all(abs(a - b) <= 1e-3 * max(1, abs(b)) for entry in rounds
                   for a, b in zip(entry["f32"]["first_losses"], entry["open_clip"]["first_losses"]))
        failed = failed or not same
        cells = [name]
        for side in ("open_clip", "f32", "bf16"):
            cells.append(f'{median_of(rounds, side, "step_seconds"):.2f} s')
            if side != "open_clip":
                cells.append(f'{median_of(rounds, side, "ratio"):.2f}')
            cells.append(f'{max(entry[side]["peak_megabytes"] for entry in rounds) / 1024:.1f} GB')
        print("| " + " | ".join(cells + ["yes" if same else "NO"]) + " |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
