#pragma once
/// @file
/// CLIP tokenizers in the files of Hugging Face: `merges.txt`, and `vocab.json` to check it with.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/text/bpe_vocabulary.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/gzip_text.hpp"

namespace coca {

namespace detail {

/// A token as the files write it.
inline std::string written_token(const std::string& bytes) {
  std::string written;
  for (const char byte : bytes)
    append_utf8(written, symbol_of_byte(static_cast<unsigned char>(byte)));
  return written;
}

inline nlohmann::json parse_vocabulary_json(std::string_view text, const std::string& path) {
  nlohmann::json vocabulary = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!vocabulary.is_object()) throw FileError(path, "expected a JSON object from token to id");
  return vocabulary;
}

/// Where the token stands in the object; the special tokens may also have OpenAI's names.
inline nlohmann::json::const_iterator find_token(const nlohmann::json& object,
                                                 const BpeVocabulary& vocabulary, std::int32_t id) {
  const auto found = object.find(written_token(vocabulary.token(id)));
  if (found != object.end()) return found;
  if (id == vocabulary.start_id()) return object.find("<|startoftext|>");
  if (id == vocabulary.end_id()) return object.find("<|endoftext|>");
  return found;
}

/// @param text of the file at `path`
inline void check_vocabulary_json(const BpeVocabulary& vocabulary, std::string_view text,
                                  const std::string& path) {
  const nlohmann::json object = parse_vocabulary_json(text, path);
  for (std::int32_t id = 0; id < vocabulary.size(); ++id) {
    const auto found = find_token(object, vocabulary, id);
    const std::string token = "the token \"" + written_token(vocabulary.token(id)) + "\"";
    if (found == object.end())
      throw FileError(path,
                      token + " of the merges, with id " + std::to_string(id) + ", is missing");
    if (!found->is_number_integer() || *found != id)
      throw FileError(path, token + " has id " + found->dump() + ", but the merges give it " +
                                std::to_string(id));
  }
  if (object.size() != static_cast<std::size_t>(vocabulary.size()))
    throw FileError(path, there_are(object.size(), "token") + ", but the merges make " +
                              std::to_string(vocabulary.size()));
}

}  // namespace detail

/// A tokenizer from a CLIP model's files on Hugging Face. The order of ids is CLIP's: bytes, bytes
/// at the end of a word, merges, start, end. In texts the special tokens are still written
/// `<start_of_text>` and `<end_of_text>`, as OpenCLIP does.
/// @param merges_path `merges.txt`: "#version" in its first line, then all merges
/// @param vocab_path  `vocab.json`, whose ids must be the same; empty: not checked
/// @throws FileError when a file is missing or damaged, or the two contradict each other
inline ClipTokenizer read_hugging_face_tokenizer(const std::string& merges_path,
                                                 const std::string& vocab_path = {}) {
  const std::string text = read_text_or_gzip(merges_path, max_vocabulary_bytes);
  if (!text.empty() && !std::string_view(text).starts_with("#version"))
    throw FileError(merges_path, "line 1: expected \"#version\", as in every merges.txt");
  auto vocabulary = std::make_shared<const BpeVocabulary>(parse_bpe_vocabulary(text, merges_path));
  if (!vocab_path.empty())
    detail::check_vocabulary_json(*vocabulary, read_text_or_gzip(vocab_path, max_vocabulary_bytes),
                                  vocab_path);
  return ClipTokenizer(std::move(vocabulary));
}

}  // namespace coca
