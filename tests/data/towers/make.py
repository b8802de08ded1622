"""Makes NAME.safetensors and configs.json: what OpenCLIP 3.3.0 and timm 1.0.31 compute with small random models that have
the options of towers: norms, pooling, masks and projections of other kinds than CLIP's.

    python make.py          # needs torch, timm, open_clip_torch and safetensors; the build needs none of them

Each file holds weights w.* (16-bit values, computed with in 32 bits), inputs x.image and x.text, and outputs y.*. Weights
have this library's names, which are OpenCLIP's. The image encoders of vit_* are timm's, whose weights are renamed here
(timm_names); their text towers are OpenCLIP's.
"""
import json
import pathlib
from functools import partial

import open_clip
import timm
import torch
from open_clip.transformer import TextTransformer
from safetensors.torch import save_file
from torch.nn import functional as F

folder = pathlib.Path(__file__).parent
image_size, patch_size, width, embed_dim, vocab_size, context = 24, 8, 32, 24, 64, 9

vision = {"image_size": image_size, "layers": 2, "width": width, "head_width": 8, "patch_size": patch_size}
text = {"context_length": context, "vocab_size": vocab_size, "width": 24, "heads": 3, "layers": 2}
configs = {
    "mean_last": {  # as CLIPA
        "vision_cfg": vision | {"no_ln_pre": True, "pool_type": "avg", "final_ln_after_pool": True},
        "text_cfg": text | {"pool_type": "last", "no_causal_mask": True}},
    "mean_eos": {  # of text 1 the end token is missing
        "vision_cfg": vision | {"pool_type": "avg", "norm_kwargs": {"eps": 1e-2}, "mlp_ratio": 3},
        "text_cfg": text | {"pool_type": "eos", "eos_id": 5, "norm_kwargs": {"eps": 1e-2}}},
    "token_first": {
        "vision_cfg": vision | {"final_ln_after_pool": True, "act_kwargs": {"approximate": "tanh"}},
        "text_cfg": text | {"pool_type": "first", "no_causal_mask": True, "proj_bias": True,
                            "act_kwargs": {"approximate": "tanh"}}},
    "coca_mean": {
        "vision_cfg": vision | {"no_ln_pre": True, "pool_type": "avg", "final_ln_after_pool": True,
                                "output_tokens": True},
        "text_cfg": text | {"width": width, "heads": 4, "embed_cls": True, "output_tokens": True},
        "multimodal_cfg": text | {"width": width, "heads": 4},
        "custom_text": True}}

# As ViT-B-16-SigLIP, and a vision transformer as Dosovitskiy et al. trained it, without a norm before the mean.
timm_models = {
    "vit_map": dict(class_token=False, global_pool="map", act_layer=partial(torch.nn.GELU, approximate="tanh")),
    "vit_mean": dict(class_token=True, global_pool="avg", fc_norm=True),
    "vit_token": dict(class_token=True, global_pool="token", init_values=0.5)}
siglip_text = dict(text, output_dim=width, pool_type="last", no_causal_mask=True, proj_bias=True,
                   norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                   act_layer=partial(torch.nn.GELU, approximate="tanh"))


def shake(module):
    """Random values for everything that starts as a constant, and 16-bit values for all."""
    for name, parameter in module.named_parameters():
        noise = torch.randn_like(parameter)
        if parameter.ndim < 2 and parameter.numel() > 1:
            # layer scale, norms; biases and class tokens
            scale = name.endswith("gamma") or (name.endswith("weight") and parameter.ndim == 1)
            parameter.data = (1 if scale else 0) + 0.2 * noise
        elif "latent" in name or "pos_embed" in name or "positional_embedding" in name:
            parameter.data = 0.3 * noise
        elif parameter.ndim >= 2:
            parameter.data = parameter.data + 0.15 * noise
        parameter.data = parameter.data.half().float()
    return module.eval()


def inputs():
    ids = torch.randint(6, vocab_size - 2, (4, context))
    ids[:, 0] = vocab_size - 2
    for row, length in enumerate((4, 6, context, 3)):
        ids[row, length - 1] = vocab_size - 1
        ids[row, length:] = 0
        if row != 1:
            ids[row, length - 2] = 5  # eos_id of mean_eos, before the largest id
    return torch.randn(4, 3, image_size, image_size), ids


def timm_names(tensors):
    """This library's names and layouts for the weights of timm's vision transformer."""
    names = {"patch_embed.proj": "conv1", "cls_token": "class_embedding", "pos_embed": "positional_embedding",
             "norm_pre": "ln_pre", "fc_norm": "ln_post", "attn_pool.latent": "attn_pool.query",
             "attn_pool.proj": "attn_pool.attn.out_proj", "attn_pool.norm": "attn_pool.ln",
             "attn_pool.mlp.fc1": "attn_pool.mlp.c_fc", "attn_pool.mlp.fc2": "attn_pool.mlp.c_proj"}
    parts = {"norm1": "ln_1", "norm2": "ln_2", "attn.qkv.": "attn.in_proj_", "attn.proj": "attn.out_proj",
             "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj", "ls1": "ls_1", "ls2": "ls_2"}
    renamed = {}
    for kind in ("weight", "bias"):
        if f"attn_pool.q.{kind}" in tensors:
            both = [tensors.pop(f"attn_pool.{key}.{kind}") for key in ("q", "kv")]
            renamed[f"visual.attn_pool.attn.in_proj_{kind}"] = torch.cat(both)
    for name, value in tensors.items():
        if name.startswith("blocks."):
            for theirs, ours in parts.items():
                name = name.replace(theirs, ours)
            name = name.replace("blocks.", "transformer.resblocks.")
        else:
            for theirs, ours in names.items():
                name = ours + name[len(theirs):] if name.startswith(theirs) else name
            name = name.replace("norm.", "ln_post.") if name.startswith("norm.") else name
        if "class_embedding" in name or "positional_embedding" in name or "attn_pool.query" in name:
            value = value.reshape(-1, width).squeeze(0) if "class_embedding" in name else value[0]
        renamed["visual." + name] = value
    return renamed


def write(name, weights, outputs, image, ids):
    file = {"w." + key: value.half().contiguous() for key, value in weights.items()}
    file |= {"x.image": image, "x.text": ids} | {"y." + key: value.contiguous() for key, value in outputs.items()}
    save_file(file, folder / f"{name}.safetensors")


def write_open_clip(name, config):
    torch.manual_seed(len(name))
    kind = open_clip.coca_model.CoCa if "multimodal_cfg" in config else open_clip.model.CLIP
    model = kind(**{key: value for key, value in config.items() if key != "custom_text"})
    if "multimodal_cfg" in config:  # the release leaves it as raw memory
        model.text_decoder.text_projection.normal_(std=0.1)
    shake(model)
    image, ids = inputs()
    outputs = {"image_features": model.encode_image(image, normalize=True),
               "text_features": model.encode_text(ids, normalize=True)}
    if "multimodal_cfg" in config:
        tokens = model._encode_image(image)[1]
        outputs |= {"image_tokens": tokens, "text_tokens": model._encode_text(ids)[1],
                    "logits": model(image, ids, output_labels=False)["logits"]}
    write(name, model.state_dict(), outputs, image, ids)


def write_timm(name, options):
    torch.manual_seed(len(name))
    encoder = shake(timm.models.VisionTransformer(img_size=image_size, patch_size=patch_size, embed_dim=width, depth=2,
                                                  num_heads=4, num_classes=0, **options))
    tower = shake(TextTransformer(**siglip_text))
    image, ids = inputs()
    weights = timm_names(dict(encoder.state_dict())) | tower.state_dict()
    weights["logit_scale"] = torch.tensor(2.5)
    outputs = {"image_features": F.normalize(encoder(image), dim=-1),
               "text_features": F.normalize(tower(ids), dim=-1)}
    write(name, weights, outputs, image, ids)


configs = {name: {"embed_dim": embed_dim} | config for name, config in configs.items()}
with torch.no_grad():
    for name, config in configs.items():
        write_open_clip(name, config)
    for name, options in timm_models.items():
        write_timm(name, options)
(folder / "configs.json").write_text(json.dumps(configs, indent=1) + "\n")
