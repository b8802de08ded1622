#pragma once
/// @file
/// From the captions of a batch to the texts of a training step.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/training/step_samples.hpp"
#include "coca/training/training_subject.hpp"
#include "coca/training/training_texts.hpp"
#include "coca/training/word_dropout.hpp"

namespace coca {

/// Makes tokens of captions, in training with words dropped.
class CaptionReader {
 public:
  /// @param subject    has the tokenizer
  /// @param vocab_size of the model
  /// @param length     of the model's texts
  /// @throws ArgumentError if there is no tokenizer, or one of another vocabulary or padding.
  CaptionReader(const TrainingSubject& subject, std::size_t vocab_size, std::size_t length,
                WordDropoutOptions word_dropout = {})
      : tokenizer_(tokenizer_of(subject)),
        length_(length),
        pad_id_(pad_id_of(subject.config)),
        options_(word_dropout) {
    const auto words = static_cast<std::size_t>(tokenizer_.vocab_size());
    if (words != vocab_size)
      throw ArgumentError("the tokenizer has " + counted(words, "word") +
                          ", the model's vocab_size is " + std::to_string(vocab_size) +
                          ": they must be equal");
    if (tokenizer_.pad_id() != pad_id_)
      throw ArgumentError("the tokenizer pads with " + std::to_string(tokenizer_.pad_id()) +
                          ", the model with " + std::to_string(pad_id_));
  }

  const AnyTokenizer& tokenizer() const noexcept { return tokenizer_; }
  std::int32_t pad_id() const noexcept { return pad_id_; }

  /// Counts the words of the data, if words are to be dropped. @throws as WordDropout
  void prepare(const AnyDataset& data) {
    if (options_.chance != 0) word_dropout_.emplace(data, options_);
  }

  /// @param samples numbers for the words that are dropped; nothing: none are
  TrainingTexts operator()(const std::vector<std::string>& captions,
                           const std::optional<StepSamples>& samples = {}) const {
    if (!word_dropout_ || !samples) return tokens(captions);
    std::vector<std::string> read;
    for (std::size_t i = 0; i < captions.size(); ++i)
      read.push_back((*word_dropout_)(captions[i], samples->draws(i, "word_dropout")));
    return {tokens(read), tokens(captions), pad_id_};
  }

 private:
  static AnyTokenizer tokenizer_of(const TrainingSubject& subject) {
    if (!subject.tokenizer)
      throw ArgumentError("the task reads texts: the subject of training needs a tokenizer");
    return *subject.tokenizer;
  }

  Tokens tokens(const std::vector<std::string>& captions) const {
    return to_tokens(tokenizer_, captions, length_);
  }

  AnyTokenizer tokenizer_;
  std::size_t length_;
  std::int32_t pad_id_;
  WordDropoutOptions options_;
  std::optional<WordDropout> word_dropout_;
};

}  // namespace coca
