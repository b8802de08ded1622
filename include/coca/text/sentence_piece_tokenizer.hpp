#pragma once
/// @file
/// Tokenizers from SentencePiece model files, through the library. Only this header reads
/// COCA_HAS_SENTENCEPIECE; without the library the constructor throws UnavailableError.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"
#include "coca/text/gzip_text.hpp"
#include "coca/text/tokenizer.hpp"

#if COCA_HAS_SENTENCEPIECE
#include <sentencepiece_processor.h>
#endif

namespace coca {

namespace detail {

#if COCA_HAS_SENTENCEPIECE

using SentencePieceModel = sentencepiece::SentencePieceProcessor;

inline std::shared_ptr<const SentencePieceModel> load_sentence_pieces(const std::string& path) {
  const std::string bytes = read_bytes(path, max_vocabulary_bytes);
  if (bytes.empty()) throw FileError(path, "the file is empty, expected a SentencePiece model");
  auto model = std::make_shared<SentencePieceModel>();
  if (const auto status = model->LoadFromSerializedProto(bytes); !status.ok())
    throw FileError(path, "this is not a SentencePiece model (" + status.ToString() + ")");
  if (model->bos_id() < 0)
    throw FileError(path, "the model has no start token (bos), which captions begin with");
  if (model->eos_id() < 0)
    throw FileError(path, "the model has no end token (eos), which captions end with");
  return model;
}

inline std::vector<int> encode_pieces(const SentencePieceModel& model, std::string_view text) {
  std::vector<int> ids;
  if (const auto status = model.Encode(text, &ids); !status.ok())
    throw Error("SentencePiece cannot encode a text: " + status.ToString());
  return ids;
}

inline std::string decode_pieces(const SentencePieceModel& model, const std::vector<int>& ids) {
  std::string text;
  if (const auto status = model.Decode(ids, &text); !status.ok())
    throw Error("SentencePiece cannot decode token ids: " + status.ToString());
  return text;
}

#else

/// Never made: loading throws.
struct SentencePieceModel {
  int bos_id() const { return 0; }
  int eos_id() const { return 0; }
  int pad_id() const { return 0; }
  int GetPieceSize() const { return 0; }
};

[[noreturn]] inline std::shared_ptr<const SentencePieceModel> load_sentence_pieces(
    const std::string& path) {
  throw UnavailableError(path + ": reading this model needs the library SentencePiece, " +
                         "which this build of coca does not have");
}
inline std::vector<int> encode_pieces(const SentencePieceModel&, std::string_view) { return {}; }
inline std::string decode_pieces(const SentencePieceModel&, const std::vector<int>&) { return {}; }

#endif

}  // namespace detail

/// A SentencePiece model as a Tokenizer. Texts are normalised only by the model's own rules, not
/// cleaned as for CLIP. Copies share the model; all members may be called by several threads at
/// once.
class SentencePieceTokenizer {
 public:
  /// @param path a `.model` file, at most max_vocabulary_bytes long, with a start and an end token.
  ///             The library checks a model less strictly than this project its own formats.
  /// @throws FileError        when the file is missing or damaged, or lacks one of these tokens
  /// @throws UnavailableError without the library SentencePiece
  explicit SentencePieceTokenizer(const std::string& path)
      : model_(detail::load_sentence_pieces(path)) {}

  /// The ids of a text, without start and end tokens.
  std::vector<std::int32_t> encode(std::string_view text) const {
    const std::vector<int> ids = detail::encode_pieces(*model_, text);
    return {ids.begin(), ids.end()};
  }

  /// The text of ids; control tokens (start, end, padding) are left out.
  /// @throws ArgumentError for ids that do not exist
  std::string decode(std::span<const std::int32_t> ids) const {
    for (const std::int32_t id : ids)
      if (id < 0 || id >= vocab_size())
        throw ArgumentError("token id " + std::to_string(id) + " is not in the vocabulary of " +
                            counted(vocab_size(), "token"));
    return detail::decode_pieces(*model_, {ids.begin(), ids.end()});
  }

  /// The model's bos.
  std::int32_t start_id() const { return model_->bos_id(); }

  /// The model's eos.
  std::int32_t end_id() const { return model_->eos_id(); }

  /// The model's pad; 0 if it has none (usually the unknown token).
  std::int32_t pad_id() const { return model_->pad_id() < 0 ? 0 : model_->pad_id(); }

  /// The number of pieces.
  std::int32_t vocab_size() const { return model_->GetPieceSize(); }

 private:
  std::shared_ptr<const detail::SentencePieceModel> model_;
};

static_assert(Tokenizer<SentencePieceTokenizer>);

}  // namespace coca
