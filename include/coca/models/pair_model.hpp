#pragma once
/// @file
/// Whether a sentence is true of two pictures (arXiv 2205.01917, appendix B: NLVR2): a captioner
/// reads the sentence about each of them, and a head classifies both results side by side.

#include <cstddef>
#include <utility>

#include "coca/models/fused_model.hpp"
#include "coca/nn/pair_head.hpp"

namespace coca {

/// The head of a PairModel.
struct PairModelOptions {
  PairHeadKind kind = PairHeadKind::linear;
  std::size_t heads = 8;  ///< of the query's attention; the decoder's width is a multiple
};

/// Any CoCaModel with a head over its multimodal decoder's outputs for two pictures. Class 1: the
/// sentence is true.
template <class Captioner>
class PairModel : public FusedModel<Captioner> {
 public:
  using typename FusedModel<Captioner>::B;
  static constexpr std::size_t pictures = 2;  ///< of a sample, left and right
  static constexpr std::size_t answers = 2;

  /// A model without weights of the head: load them, or call initialize.
  /// @throws ArgumentError for a width that the heads do not divide.
  explicit PairModel(Captioner made, const PairModelOptions& options = {})
      : FusedModel<Captioner>(std::move(made)),
        head_("pair_head", head_options(this->multimodal_decoder().width, options)) {}

  const PairHead<B>& head() const noexcept { return head_; }

  /// What read() has made of sentences about two pictures each -> logits [batch, 2]
  /// @param fused         [2 * batch, length, width]
  /// @param probabilities [2 * batch, heads, 1, length], which words count, written when present
  Array<B> answer(Context<B>& context, const Array<B>& fused, const VisibleTexts& sentences,
                  const Array<B>& probabilities = {}) const {
    return head_(context, fused, hidden_tokens(context, sentences, pictures), probabilities);
  }

  /// Pictures [2 * batch, 3, image_size, image_size], left and right of each sample one after the
  /// other, and a sentence about each two -> logits [batch, 2]
  Array<B> operator()(Context<B>& context, const Array<B>& pixels,
                      const VisibleTexts& sentences) const {
    const Array<B> image = this->encode_image(context, pixels).tokens;
    return answer(context, this->read(context, image, sentences.tokens, pictures), sentences);
  }

  /// Calls visit(parameter) for each parameter: the captioner's, then the head's.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    FusedModel<Captioner>::for_each_parameter(self, visit);
    PairHead<B>::for_each_parameter(self.head_, visit);
  }

 private:
  static typename PairHead<B>::Options head_options(std::size_t width,
                                                    const PairModelOptions& options) {
    return {.width = width,
            .key_width = width,
            .heads = detail::checked_heads(options.heads, width),
            .outputs = answers,
            .kind = options.kind};
  }

  PairHead<B> head_;
};

}  // namespace coca
