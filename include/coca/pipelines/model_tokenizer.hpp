#pragma once
/// @file
/// The tokenizer that belongs to a model.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "coca/core/error.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/io/model_config.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/missing_tokenizer.hpp"
#include "coca/text/read_json_tokenizer.hpp"
#include "coca/text/sentence_piece_tokenizer.hpp"
#include "coca/text/tokenizer.hpp"
#include "coca/text/zero_end_tokenizer.hpp"

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
                    "tokenizer.json is needed next to it, or --tokenizer FILE");
  return ClipTokenizer();
}

/// Whether a folder has any part of a vocabulary.
inline bool has_vocabulary(const std::optional<HuggingFaceFolder>& folder) {
  return folder && (folder->sentence_piece || folder->bpe_vocabulary || folder->merges ||
                    folder->tokenizer_json || folder->vocabulary);
}

/// The tokenizer of a model.
/// @param file of a vocabulary; empty: the folder's. If its configuration names a tokenizer and
///             neither has one, reading a text throws; pictures need none.
/// @throws FileError as read_tokenizer()
inline AnyTokenizer model_tokenizer(const ModelDescription& model, const std::string& file,
                                    const std::optional<HuggingFaceFolder>& folder) {
  const NamedTokenizer& named = model.tokenizer;
  const bool missing = file.empty() && !named.name.empty() && !has_vocabulary(folder);
  if (missing) {
    const int words = std::visit([](const auto& c) { return c.text.vocab_size; }, model.config);
    return MissingTokenizer(named.name, words);
  }
  AnyTokenizer tokenizer = file.empty() ? read_tokenizer(folder) : read_tokenizer(file);
  if (named.strip_sep_token) return ZeroEndTokenizer(std::move(tokenizer));
  return tokenizer;
}

}  // namespace coca
