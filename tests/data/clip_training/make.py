"""Makes gradients.safetensors and ten_steps.json: what OpenCLIP 3.3.0 and PyTorch compute in training a small CLIP.

    python make.py          # needs torch, open_clip_torch and safetensors; the build needs none of them

The model, four pictures and four texts are those of ../variants/clip_vit.safetensors. For CLIP's softmax and for SigLIP's
sigmoid (with a logit_bias of -10): the loss, the norm of each gradient with its first values, and the losses of ten steps
of AdamW (learning rate 1e-3, betas 0.9 and 0.98, epsilon 1e-6, weight decay 0.2 of matrices that are no positions;
logit_scale within [0, ln 100] after each step), with the norm of each parameter after them.
"""
import json
import math
import pathlib

import open_clip
import torch
from safetensors.torch import load_file, save_file

folder = pathlib.Path(__file__).parent
kept_values = 64
file = load_file(folder / "../variants/clip_vit.safetensors")
config = json.loads((folder / "../variants/configs.json").read_text())["clip_vit"]


def make_model(sigmoid):
    model = open_clip.model.CLIP(**config, output_dict=True)
    model.load_state_dict({k[2:]: v for k, v in file.items() if k.startswith("w.")}, strict=False)
    if sigmoid:
        model.logit_bias = torch.nn.Parameter(torch.tensor(-10.0))
    return model.train()


def loss_of(model, sigmoid):
    outputs = model(file["x.image"], file["x.text"].long())
    loss = open_clip.loss.SigLipLoss() if sigmoid else open_clip.loss.ClipLoss()
    return loss(**outputs)


def groups(model):
    decayed, others = [], []
    for name, parameter in model.named_parameters():
        matrix = parameter.ndim >= 2 and not name.endswith("positional_embedding")
        (decayed if matrix else others).append(parameter)
    return [{"params": decayed, "weight_decay": 0.2}, {"params": others, "weight_decay": 0.0}]


def train(sigmoid, tensors):
    kind = "sigmoid" if sigmoid else "softmax"
    model = make_model(sigmoid)
    loss_of(model, sigmoid).backward()
    for name, parameter in model.named_parameters():
        gradient = parameter.grad.flatten()
        tensors[f"{kind}.grad.{name}"] = gradient[:kept_values].clone()
        tensors[f"{kind}.norm.{name}"] = gradient.norm().reshape(1)
    optimizer = torch.optim.AdamW(groups(model), lr=1e-3, betas=(0.9, 0.98), eps=1e-6)
    losses = []
    for _ in range(10):
        optimizer.zero_grad()
        loss = loss_of(model, sigmoid)
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
    norms = {name: parameter.norm().item() for name, parameter in model.named_parameters()}
    return {"losses": losses, "norms": norms}


torch.manual_seed(0)
torch.set_num_threads(1)
tensors = {}
steps = {"softmax": train(False, tensors), "sigmoid": train(True, tensors)}
save_file(tensors, folder / "gradients.safetensors")
(folder / "ten_steps.json").write_text(json.dumps(steps, indent=1) + "\n")
