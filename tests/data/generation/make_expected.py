"""Writes expected.json: what transformers' generate finds for tables of logits.

The tables are those of scrambled_logits in tests/generation/table_model.hpp.
Needs torch and transformers 4.49, the last release with groups of beams. The cases without groups
were computed with `_beam_search` of transformers 5.23 too, over the same tables: they are equal but
for the one in IN_TRANSFORMERS_5 (and the order of two captions of equal score).
"""
import json
import os
import sys

import torch
import transformers
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

WORDS = 12
M = 0xFFFFFFFF


def mix(x):
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & M
    x = ((x ^ (x >> 16)) * 0x45D9F3B) & M
    return x ^ (x >> 16)


def logits(table, picture, sequence):
    state = mix((table * 1000 + picture + 1) & M)
    for token in sequence:
        state = mix((state * 31 + token) & M)
    return [mix((state * 31 + w + 77) & M) % 4096 / 1024 - 2 for w in range(WORDS)]


class Table(PreTrainedModel, GenerationMixin):
    config_class = PretrainedConfig
    main_input_name = "input_ids"

    def __init__(self, table, picture):
        super().__init__(PretrainedConfig(vocab_size=WORDS, is_encoder_decoder=False))
        self.table, self.picture = table, picture
        self.nothing = torch.nn.Parameter(torch.zeros(1))

    def prepare_inputs_for_generation(self, input_ids, **kwargs):
        return {"input_ids": input_ids}

    def _supports_default_dynamic_cache(self):
        return False

    def forward(self, input_ids, **kwargs):
        rows = torch.tensor([logits(self.table, self.picture, r) for r in input_ids.tolist()])
        every = torch.zeros(*input_ids.shape, WORDS)
        every[:, -1] = rows
        return CausalLMOutput(logits=every)


SETTINGS = {
    "plain": dict(num_beams=3, max_length=10),
    "first": dict(num_beams=3, max_length=10, early_stopping=True),
    "never": dict(num_beams=3, max_length=10, early_stopping="never", length_penalty=2.0),
    "penalty_0": dict(num_beams=4, max_length=9, length_penalty=0.0),
    "penalty_2": dict(num_beams=4, max_length=9, length_penalty=2.0),
    "penalty_-1": dict(num_beams=4, max_length=9, length_penalty=-1.0),
    "several": dict(num_beams=5, max_length=8, num_return_sequences=4),
    "whole_context": dict(num_beams=2, max_length=12, min_length=12),
    "rules": dict(num_beams=3, max_length=12, min_length=6, repetition_penalty=1.4,
                  no_repeat_ngram_size=2),
    "prompt": dict(num_beams=3, max_length=10, prompt=[5, 7]),
    "groups": dict(num_beams=6, num_beam_groups=3, max_length=9, diversity_penalty=0.7),
    "groups_several": dict(num_beams=4, num_beam_groups=2, max_length=9, diversity_penalty=2.5,
                           num_return_sequences=4),
    "groups_first": dict(num_beams=6, num_beam_groups=2, max_length=9, diversity_penalty=1.0,
                         early_stopping=True, repetition_penalty=1.2),
    "greedy": dict(num_beams=1, max_length=12, repetition_penalty=1.3, no_repeat_ngram_size=3),
}

# Where 4.49 finds another.
IN_TRANSFORMERS_5 = {("first", 11, 3): ([[1, 1, 4, 9, 0, 8, 1, 6, 5, 11]], [-1.26567])}


def main():
    tables, pictures = [11, 12, 13, 14, 15, 16, 17, 18], [0, 1, 2, 3]
    cases = []
    for name, setting in SETTINGS.items():
        setting = dict(setting)
        prompt = setting.pop("prompt", [])
        for table in tables:
            for picture in pictures:
                model = Table(table, picture)
                config = GenerationConfig(bos_token_id=1, eos_token_id=2, pad_token_id=0,
                                          do_sample=False, use_cache=False, output_scores=True,
                                          return_dict_in_generate=True, **setting)
                out = model.generate(torch.tensor([[1] + prompt]), generation_config=config)
                scores = getattr(out, "sequences_scores", None)
                ids = []
                for row in out.sequences.tolist():
                    ids.append(row[:row.index(2) + 1] if 2 in row else row)
                scores = None if scores is None else [round(s, 5) for s in scores.tolist()]
                ids, scores = IN_TRANSFORMERS_5.get((name, table, picture), (ids, scores))
                cases.append([name, table, picture, ids, scores])
    text = json.dumps({"transformers": transformers.__version__}) [:-1]
    text += ',\n"settings": ' + json.dumps(SETTINGS)
    text += ',\n"cases": [\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    text += "\n]}\n"
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "expected.json"), "w") as f:
        f.write(text)


if __name__ == "__main__":
    sys.exit(main())
