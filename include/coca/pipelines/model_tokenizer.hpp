#pragma once
/// @file
/// The tokenizer that belongs to a model.

#include <filesystem>
#include <optional>
#include <string>

#include "coca/core/error.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/read_json_tokenizer.hpp"
#include "coca/text/sentence_piece_tokenizer.hpp"
#include "coca/text/tokenizer.hpp"

namespace coca {

/// A vocabulary file: SentencePiece .model, tokenizer.json, merges.txt, or CLIP's bpe_simple_vocab.
/// @throws FileError if it is missing or damaged
inline AnyTokenizer read_tokenizer(const std::string& path) {
  if (path.ends_with(".model")) return SentencePieceTokenizer(path);
  if (path.ends_with(".json")) return read_json_tokenizer(path);
  if (std::filesystem::path(path).filename() == "merges.txt")
    return read_hugging_face_tokenizer(path);
  return read_clip_tokenizer(path);
}

/// The tokenizer of a model's folder, or else CLIP's.
/// @throws FileError if its vocabulary is damaged or incomplete
inline AnyTokenizer read_tokenizer(const std::optional<HuggingFaceFolder>& folder) {
  if (!folder) return ClipTokenizer();
  if (folder->sentence_piece) return SentencePieceTokenizer(*folder->sentence_piece);
  if (folder->bpe_vocabulary) return read_clip_tokenizer(*folder->bpe_vocabulary);
  if (folder->merges)
    return read_hugging_face_tokenizer(*folder->merges, folder->vocabulary.value_or(""));
  if (folder->tokenizer_json) return read_json_tokenizer(*folder->tokenizer_json);
  if (folder->vocabulary)
    throw FileError(*folder->vocabulary,
                    "has the words of a tokenizer, but not how they are made; merges.txt or "
                    "tokenizer.json is needed beside it, or --tokenizer FILE");
  return ClipTokenizer();
}

}  // namespace coca
