#!/usr/bin/env python3
"""Makes json_tokenizers.json: small tokenizer.json files, and what the library `tokenizers` gives for texts.

    pip install tokenizers==0.23.3 sentencepiece==0.2.3
    python3 make_json_tokenizers.py
"""
import gzip
import io
import json
import os
import unicodedata

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

here = os.path.dirname(os.path.abspath(__file__))
CLIP_WORDS = r"""'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"""


def corpus():
    with open(f"{here}/open_clip_3_3_0.jsonl") as lines:
        return [json.loads(line)["text"] for line in lines]


def bytes_to_unicode():
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(hidden))]


def clip(merges, without=(), unknown="<|endoftext|>"):
    """As transformers' CLIPConverter makes it, of the first merges of a vocabulary."""
    symbols = bytes_to_unicode()
    tokens = symbols + [s + "</w>" for s in symbols]
    tokens = [t for t in tokens if t not in without]
    tokens += ["".join(pair) for pair in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, continuing_subword_prefix="",
                                     end_of_word_suffix="</w>", fuse_unk=False, unk_token=unknown))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(CLIP_WORDS), behavior="removed", invert=True),
         pre_tokenizers.ByteLevel(add_prefix_space=False)])
    tokenizer.decoder = decoders.ByteLevel()
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    tokenizer.post_processor = processors.RobertaProcessing(
        ("<|endoftext|>", end), ("<|startoftext|>", start), add_prefix_space=False, trim_offsets=False)
    tokenizer.add_special_tokens([AddedToken("<|startoftext|>", normalized=True, special=True),
                                  AddedToken("<|endoftext|>", normalized=False, special=True)])
    return tokenizer


def sentence_piece():
    """A small unigram model with a normalisation table of its own; small, so that the file is."""
    rules = [("9", "20"), ("A", "20"), ("D", "20"), ("A0", "20"), ("3000", "20"), ("2026", "2E 2E 2E"),
             ("FB01", "66 69"), ("65 301", "E9"), ("75 308", "FC"), ("BD", "31 2044 32"), ("200B", ""), ("AD", "")]
    rules += [(f"{0xFF21 + i:X}", f"{0x41 + i:X}") for i in range(26)]
    rules += [(f"{0xFF41 + i:X}", f"{0x61 + i:X}") for i in range(26)]
    table = f"{here}/rules.tsv"
    with open(table, "w") as file:
        file.writelines(f"{a}\t{b}\n" for a, b in rules)
    model = io.BytesIO()
    sentences = [line for text in corpus() for line in text.splitlines() if line.strip() and len(line) < 200]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences * 2), model_writer=model, vocab_size=700, model_type="unigram",
        normalization_rule_tsv=table, hard_vocab_limit=False, unk_id=3, bos_id=0, pad_id=1, eos_id=2,
        character_coverage=0.98, minloglevel=2)
    os.remove(table)
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())


def unigram(pieces, normalizer, pre_tokenizer):
    from sentencepiece import sentencepiece_model_pb2 as proto
    parsed = proto.ModelProto()
    parsed.ParseFromString(pieces.serialized_model_proto())
    vocabulary = [(p.piece, round(p.score, 4)) for p in parsed.pieces]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=3, byte_fallback=False))
    table = normalizers.Precompiled(parsed.normalizer_spec.precompiled_charsmap)
    tokenizer.normalizer = normalizer(table)
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in ("<s>", "<pad>", "</s>", "<unk>")])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False, special=True)])
    tokenizer.add_tokens([AddedToken("Fido The Dog", rstrip=True, normalized=True)])
    return tokenizer


def has_same_forms(text):
    """The library's tables of Unicode are older: it leaves marks of recent scripts in their places."""
    return all(form().normalize_str(text) == unicodedata.normalize(name, text)
               for form, name in ((normalizers.NFC, "NFC"), (normalizers.NFKC, "NFKC")))


def texts():
    some = [text for text in corpus() if len(text) < 160 and has_same_forms(text)]
    some = some[:: max(1, len(some) // 50)]
    return some + [
        "", " ", "a photo of a cat", "A  Photo\tOF\n\na CAT.", "it's they're I'LL we'd 'tis 'S", "abc123 4,5", "Ünïcödé Ümläut",
        "e\u0301 u\u0308 ½ ﬁne ＡＢｃ…", "ΑΣ ΣΑΣ Σ", "İstanbul", "日本語 テスト", "😀👍🏽 👨‍👩‍👧", "x\u200by\u00ad", "\u00a0a\u3000b",
        "<s>a</s> <mask> b<mask>", "  <mask>  ", "<|startoftext|>a<|endoftext|>b", "<|STARTOFTEXT|>", "<|EndOfText|>", "fido the dog   is here",
        "Fido The Dog!", "▁▁a▁ b▁", "a\r\nb\rc\n", "\u0345a", "ﬀ ǆ", "a\u0301\u0323\u0307", "\uff21\uff22\u0301", "\ufeffa\ufffd", "\u1680\u2028z",
        "<unk>", "quasi-\u2014dash\u2019s", "\x07bell\x7f", "各各各 各", "q" * 60, "!!!???...", "$100 #tag @you 50%", "cat  dog", " cat", "cat ", "\ncat"]


def main():
    with gzip.open(f"{here}/drawings_vocabulary.txt.gz", "rt") as lines:
        merges = [tuple(line.split()) for line in lines.read().splitlines()[1:401]]
    pieces = sentence_piece()
    metaspace = lambda scheme: pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme)
    sequence, replace = normalizers.Sequence, normalizers.Replace
    tokenizers = {
        "clip": clip(merges),
        "clip, some bytes unknown": clip(merges, without=("!", "!</w>", "ð"), unknown="<|startoftext|>"),
        "unigram": unigram(pieces, lambda table: table, metaspace("always")),
        "unigram, words at spaces": unigram(
            pieces, lambda table: sequence([table, replace(Regex(" {2,}"), " ")]),
            pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), metaspace("always")])),
        "unigram, lower case": unigram(
            pieces, lambda _: sequence([normalizers.Nmt(), normalizers.NFKC(), replace(Regex(" {2,}"), " "), normalizers.Strip(),
                                        normalizers.Lowercase(), replace("cat", "dog")]),
            metaspace("always")),
        "unigram, mark at the start of all": unigram(pieces, lambda table: table, metaspace("first")),
        "unigram, no mark": unigram(pieces, lambda table: table, metaspace("never")),
    }
    bases, result = {}, []
    for name, tokenizer in tokenizers.items():
        content = json.loads(tokenizer.to_str())
        base = bases.setdefault(name.split(",")[0], content)
        changed = {key: value for key, value in content.items() if value != base[key]}
        cases = []
        for text in texts():
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            cases.append({"text": text, "ids": ids})
        result.append({"name": name, "base": name.split(",")[0], "changed": changed, "cases": cases})
    with open(f"{here}/json_tokenizers.json", "w") as file:
        json.dump({"bases": bases, "tokenizers": result}, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


main()
