"""Times OpenCLIP 3.3.0 and coca in one run: same random weights, same picture, same threads, f32.

compare.py BUILD_FOLDER [--models coca_ViT-B-32 coca_ViT-L-14] [--threads 2] [--runs 3] [--encoders]

Captions: 6 beams in 3 groups, total length 30, minimum 29; the token ids must be equal. With --encoders the image
encoder of each model is also timed with PyTorch, ONNX Runtime and OpenVINO. Runs are interleaved; the
figures, including ratios, are medians over the rounds. Prints a Markdown table.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time


def processor():
    with open("/proc/cpuinfo") as lines:
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
    fields = {key.strip(): value.strip() for key, value in fields.items()}
    flags = fields["flags"].split()
    sets = [name for name in ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16") if name in flags]
    return f'{fields["model name"]}, family {fields["cpu family"]}, model {fields["model"]} ({", ".join(sets)})'


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def median_seconds(function, runs):
    function()
    return statistics.median(seconds_of(function) for _ in range(runs))


def make_model(name):
    import open_clip
    import torch

    torch.manual_seed(1)
    model, _, transform = open_clip.create_model_and_transforms(name)
    with torch.no_grad():  # the release leaves it as raw memory
        model.text_decoder.text_projection.normal_(std=model.text_decoder.text_projection.shape[0] ** -0.5)
    return model.eval(), transform


def make_encoders(model, pixels, folder, threads):
    """The image encoder in each library, as functions that run it once."""
    import onnxruntime
    import openvino
    import torch

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.visual = model.visual

        def forward(self, x):
            return self.visual(x)

    def run_pytorch():
        with torch.inference_mode():
            model.visual(pixels)

    path = os.path.join(folder, "encoder.onnx")
    torch.onnx.export(Encoder().eval(), (pixels,), path, dynamo=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: pixels.numpy()}
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": threads,
                                                           "INFERENCE_PRECISION_HINT": "f32"})
    request = compiled.create_infer_request()
    return {"PyTorch " + torch.__version__: run_pytorch,
            "ONNX Runtime " + onnxruntime.__version__: lambda: session.run(None, feed),
            "OpenVINO " + openvino.__version__.split("-")[0]: lambda: request.infer([pixels.numpy()])}


def median_of(rounds, *keys):
    """Of the rounds, the median of what is found under these keys."""
    values = []
    for entry in rounds:
        for key in keys:
            entry = entry[key]
        values.append(entry)
    return statistics.median(values)


def compare(name, arguments, folder):
    import safetensors.torch
    import torch
    from PIL import Image

    model, transform = make_model(name)
    weights = os.path.join(folder, "weights.safetensors")
    safetensors.torch.save_file({key: value.contiguous() for key, value in model.state_dict().items()}, weights)
    picture = os.path.join(folder, "picture.png")
    generator = torch.Generator().manual_seed(2)
    small = torch.randint(0, 256, (9, 12, 3), generator=generator, dtype=torch.uint8)
    Image.fromarray(small.numpy()).resize((320, 240), Image.BICUBIC).save(picture)
    pixels = transform(Image.open(picture)).unsqueeze(0)
    program = [os.path.join(arguments.build, "benchmarks", "caption_benchmark"), name.lower().replace("-", "_")]
    captions = []

    def generate():
        with torch.inference_mode():
            captions.append(model.generate(pixels, num_beams=6, num_beam_groups=3, seq_len=30, min_seq_len=29))

    def ours(precision):
        command = [*program, picture, weights, precision, str(arguments.threads), "3"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    generate()
    encoders = make_encoders(model, pixels, folder, arguments.threads) if arguments.encoders else {}
    rounds = []
    for _ in range(arguments.runs):  # one after the other, as the machine is now slower, now faster
        entry = {"open_clip": seconds_of(generate), "f32": ours("f32")}
        entry["encoders"] = {library: median_seconds(function, 3) for library, function in encoders.items()}
        entry["bf16"] = ours("bf16")
        entry["ratio"] = entry["open_clip"] / entry["f32"]["caption_seconds"]
        entry["encoder_ratios"] = {library: seconds / entry["f32"]["encode_seconds"]
                                   for library, seconds in entry["encoders"].items()}
        rounds.append(entry)
    return {"rounds": rounds, "same": all(entry["f32"]["ids"] == captions[-1][0].tolist() for entry in rounds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build")
    parser.add_argument("--models", nargs="+", default=["coca_ViT-B-32", "coca_ViT-L-14"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--encoders", action="store_true")
    arguments = parser.parse_args()

    import torch

    torch.set_num_threads(arguments.threads)
    print(f"Processor: {processor()}; {arguments.threads} threads; PyTorch {torch.__version__}\n")
    print("| model | OpenCLIP 3.3.0 | coca f32 | ratio | same ids | encode | step | of read bandwidth | coca bf16 |")
    print("|---|---|---|---|---|---|---|---|---|")
    failed = False
    lines = []
    for name in arguments.models:
        with tempfile.TemporaryDirectory() as folder:
            result = compare(name, arguments, folder)
        rounds = result["rounds"]
        failed = failed or not result["same"]
        print(f'| {name} | {median_of(rounds, "open_clip"):.2f} s | {median_of(rounds, "f32", "caption_seconds"):.2f} s '
              f'| {median_of(rounds, "ratio"):.1f} | {"yes" if result["same"] else "NO"} '
              f'| {median_of(rounds, "f32", "encode_seconds"):.3f} s '
              f'| {1000 * median_of(rounds, "f32", "step_seconds"):.1f} ms, '
              f'{median_of(rounds, "f32", "step_gb_per_second"):.1f} GB/s '
              f'| {100 * median_of(rounds, "f32", "fraction_of_bandwidth"):.0f} % of '
              f'{median_of(rounds, "f32", "read_gb_per_second"):.1f} GB/s '
              f'| {median_of(rounds, "bf16", "caption_seconds"):.2f} s |', flush=True)
        for library in rounds[0]["encoders"]:
            lines.append(f'| {name} | {library} | {median_of(rounds, "encoders", library):.3f} s '
                         f'| {median_of(rounds, "encoder_ratios", library):.2f} |')
    if lines:
        print("\n| encoding one image, f32 | library | time | relative to coca |\n|---|---|---|---|")
        print("\n".join(lines))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
