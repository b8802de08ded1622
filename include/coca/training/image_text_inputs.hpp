#pragma once
/// @file
/// The inputs of tasks on pictures and their texts.

#include <cstddef>
#include <utility>

#include "coca/nn/token_embedding.hpp"
#include "coca/training/image_text_options.hpp"
#include "coca/training/retrieval_scorer.hpp"
#include "coca/training/switchout.hpp"
#include "coca/training/task_defaults.hpp"
#include "coca/training/training_texts.hpp"

namespace coca {

/// Pictures and a text for each.
template <Backend B>
struct ImageTextInputs {
  Array<B> pixels;      ///< [batch, 3, image_size, image_size]
  TrainingTexts texts;  ///< [batch, length], or Tokens, where what is read is to be predicted

  /// @throws ShapeError for another number of texts; ArgumentError for tokens beyond vocab_size.
  void check(std::size_t vocab_size) const {
    expect_one_each<B>(pixels, texts.read.batch, "text");
    expect_known_tokens(texts.read, vocab_size);
    expect_known_tokens(texts.predicted, vocab_size);
  }
};

/// The texts of a part of a batch.
inline Tokens rows_of_part(const Tokens& tokens, const BatchPart& part) {
  const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(part.first * tokens.length);
  return {{begin, begin + static_cast<std::ptrdiff_t>(part.count * tokens.length)},
          part.count,
          tokens.length};
}

/// The texts of a part as they are read, with the words that the step replaces.
inline Tokens read_texts(const Tokens& tokens, const BatchPart& part,
                         const ImageTextOptions& options, std::size_t vocab_size) {
  Tokens some = rows_of_part(tokens, part);
  if (options.switchout == 0 || !part.samples) return some;
  return switch_out(std::move(some), *part.samples, options.loss.captioning.pad_id, vocab_size,
                    options.switchout);
}

/// Measures retrieval in validation.
template <Backend B>
class ImageTextScorer {
 public:
  template <class Inputs, class Outputs>
  void add(Context<B>& context, const Inputs& inputs, const Outputs& outputs) {
    retrieval_.add(context, outputs.image.embedding, outputs.text.embedding, inputs.texts.read);
  }
  NamedNumbers scores() const { return retrieval_.scores(); }

 private:
  RetrievalScorer retrieval_;
};

}  // namespace coca
