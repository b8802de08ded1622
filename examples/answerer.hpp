#pragma once
/// @file
/// A trained model of questions, entailment or pairs of pictures, opened at run time.

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "coca/image/preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/pipelines/answer.hpp"
#include "coca/pipelines/answer_model.hpp"
#include "coca/text/tokenizer.hpp"

namespace coca_examples {

/// What the command line says about the model.
struct AnswererOptions {
  std::string weights{};    ///< a run's folder, or a checkpoint in it
  std::string tokenizer{};  ///< vocabulary file; empty: the folder's, or else CLIP's
  std::string precision = "f32";
  int threads = 0;
};

/// Everything about such a model but its weights.
struct AnswererInfo {
  coca::AnswerModelDescription description;
  std::vector<std::string> answers;  ///< by number
  coca::AnyTokenizer tokenizer;
  coca::PreprocessConfig preprocessing;
  std::size_t context_length = 0;
};

/// A model that answers. Not for several threads at once.
class Answerer {
 public:
  explicit Answerer(AnswererInfo info) : info_(std::move(info)) {}
  virtual ~Answerer() = default;
  Answerer(const Answerer&) = delete;
  Answerer& operator=(const Answerer&) = delete;

  const AnswererInfo& info() const noexcept { return info_; }

  /// Pictures and texts to the probability of each answer, see coca::answer(). [texts][answers]
  virtual std::vector<std::vector<float>> answer(std::span<const coca::Pixels> pictures,
                                                 std::span<const std::string> texts) = 0;
  /// Where it looks for that, see coca::answer_attention().
  virtual coca::AnswerAttention attention(std::span<const coca::Pixels> pictures,
                                          const std::string& text) = 0;

 private:
  AnswererInfo info_;
};

/// Opens what `train --task vqa`, `entailment` or `pairs` has written.
/// @throws coca::FileError for a folder without such a model, or files that cannot be read
std::unique_ptr<Answerer> open_answerer(const AnswererOptions& options);

}  // namespace coca_examples
