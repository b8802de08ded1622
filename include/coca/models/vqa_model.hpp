#pragma once
/// @file
/// Answers to questions about pictures (arXiv 2205.01917, section 3.3 and appendix B): a captioner
/// reads the question, and a head over the outputs of its multimodal decoder picks an answer from a
/// list. Entailment is the same with three answers.

#include <cstddef>
#include <string>
#include <utility>

#include "coca/models/fused_model.hpp"
#include "coca/nn/task_head.hpp"

namespace coca {

/// The head of a VqaModel.
struct AnswerHeadOptions {
  std::size_t answers = 0;
  std::size_t heads = 8;          ///< of the query's attention; the decoder's width is a multiple
  std::string path = "vqa_head";  ///< beginning of the names of its parameters
};

/// Any CoCaModel with a head over its multimodal decoder.
template <class Captioner>
class VqaModel : public FusedModel<Captioner> {
 public:
  using typename FusedModel<Captioner>::B;
  static constexpr std::size_t pictures = 1;  ///< of a sample

  /// A model without weights of the head: load them, or call initialize.
  /// @throws ArgumentError for fewer than two answers, or a width that the heads do not divide.
  VqaModel(Captioner made, const AnswerHeadOptions& options)
      : FusedModel<Captioner>(std::move(made)),
        answers(detail::checked_outputs(options.answers)),
        head_(options.path, head_options(this->multimodal_decoder().width, options)) {}

  std::size_t answers = 0;

  const TaskHead<B>& head() const noexcept { return head_; }

  /// What read() has made of questions -> logits [batch, answers]
  /// @param fused         [batch, length, width]
  /// @param probabilities [batch, heads, 1, length], which words count, written when present
  Array<B> answer(Context<B>& context, const Array<B>& fused, const VisibleTexts& questions,
                  const Array<B>& probabilities = {}) const {
    return head_(context, fused, hidden_tokens(context, questions), probabilities);
  }

  /// Pictures [batch, 3, image_size, image_size] and a question about each
  /// -> logits [batch, answers]
  Array<B> operator()(Context<B>& context, const Array<B>& pixels,
                      const VisibleTexts& questions) const {
    const Array<B> image = this->encode_image(context, pixels).tokens;
    return answer(context, this->read(context, image, questions.tokens), questions);
  }

  /// Calls visit(parameter) for each parameter: the captioner's, then the head's.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    FusedModel<Captioner>::for_each_parameter(self, visit);
    TaskHead<B>::for_each_parameter(self.head_, visit);
  }

 private:
  static typename TaskHead<B>::Options head_options(std::size_t width,
                                                    const AnswerHeadOptions& options) {
    return {.width = width,
            .key_width = width,
            .heads = detail::checked_heads(options.heads, width),
            .outputs = options.answers};
  }

  TaskHead<B> head_;
};

/// Whether a picture entails a sentence, contradicts it, or neither: a VqaModel of three classes.
template <class Captioner>
class EntailmentModel : public VqaModel<Captioner> {
 public:
  /// @param heads of the query's attention @throws as VqaModel
  explicit EntailmentModel(Captioner captioner, std::size_t heads = 8)
      : VqaModel<Captioner>(std::move(captioner),
                            {.answers = 3, .heads = heads, .path = "entailment_head"}) {}
};

}  // namespace coca
