#pragma once
/// @file
/// The task of a VqaModel: answers to questions about pictures, and, in the same pass, the
/// captioning loss of the question and its answer (arXiv 2205.01917, appendix B).

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coca/evaluation/vqa_answers.hpp"
#include "coca/losses/captioning.hpp"
#include "coca/training/answer_scorer.hpp"
#include "coca/training/fusion_task.hpp"
#include "coca/training/question_data.hpp"

namespace coca {

/// Pictures, a question about each, and how right answers are.
template <Backend B>
struct QuestionInputs {
  Array<B> pixels;                     ///< [batch, 3, image_size, image_size]
  VisibleTexts texts;                  ///< the question is visible, its answer may follow
  std::vector<AnswerTargets> targets;  ///< one per question; none right: a question of no answer
};

/// Trains a head over answers with a captioner.
template <class Model>
class VqaTask : public FusionTask<Model> {
  using Base = FusionTask<Model>;

 public:
  using typename Base::B;
  using typename Base::Outputs;
  using Inputs = QuestionInputs<B>;
  static constexpr std::string_view name = "vqa";

  using Base::Base;
  /// @throws ArgumentError also for another number of answers than the model has.
  VqaTask(const Model& model, const TrainingSubject& subject, const TrainingOptions& options)
      : Base(model, subject, options), answers_(subject.answers) {
    if (answers_.size() != model.answers)
      throw ArgumentError("the list has " + std::to_string(answers_.size()) +
                          " answers, the model's head " + std::to_string(model.answers));
  }

  std::vector<std::string> fields() const { return {"question", "answers"}; }
  std::vector<std::string> part_losses() const {
    if (captions()) return {"answer_loss", "captioning_loss"};
    return {"answer_loss"};
  }

  Inputs inputs(Context<B>& context, const Batch& batch, const std::optional<StepSamples>&) const {
    const std::vector<std::string> questions = this->field_of(batch, "question");
    const std::size_t length = this->model().context_length;
    return {to_device(context, batch.pixels),
            captions() ? answered_texts(this->tokenizer(), questions,
                                        this->field_of(batch, "answer"), length)
                       : visible_texts(this->tokenizer(), questions, length),
            targets_of(batch)};
  }
  Inputs largest_inputs(Context<B>& context, std::size_t batch) const {
    return {empty_pictures(context, this->model(), batch), this->largest_texts(batch),
            std::vector<AnswerTargets>(batch, AnswerTargets{{0, 1.0}})};
  }

  /// @throws ShapeError for another number of targets; ArgumentError for those of unknown answers.
  void check(const Inputs& inputs) const {
    this->check_texts(inputs);
    expect_targets(inputs.targets, inputs.texts.tokens.batch, this->model().answers);
  }

  /// Questions, and words that are predicted.
  std::vector<double> counts(const Inputs& inputs) const {
    std::vector<double> counts{static_cast<double>(inputs.targets.size())};
    if (captions())
      counts.push_back(static_cast<double>(
          count_labels(next_token_labels(inputs.texts.tokens, this->options().captioning.pad_id))));
    return counts;
  }

  void add_part_losses(Context<B>& context, const Inputs& inputs, const Outputs& outputs,
                       const BatchPart& part, const LossSums<B>& sums) const {
    const auto targets = std::span(inputs.targets).subspan(part.first, part.count);
    answer_loss(context, outputs.logits, targets, {this->options().answer_loss, sums.counts[0]},
                sums.part_losses[0]);
    if (!captions()) return;
    CaptioningOptions options = this->options().captioning;
    options.labels = static_cast<std::size_t>(sums.counts[1]);
    captioning_loss(context, outputs.fused, this->model().multimodal_decoder().projection(),
                    inputs.texts.rows(part.first, part.count).tokens, options, sums.part_losses[1]);
  }

  AnswerScorer scorer() const { return {}; }

  std::vector<ModelFile> files(const PreprocessConfig& preprocess) const {
    std::vector<ModelFile> files = Base::files(preprocess);
    files.push_back(answers_file(answers_.names()));
    return files;
  }

 private:
  bool captions() const { return this->options().captioning.weight != 0; }

  std::vector<AnswerTargets> targets_of(const Batch& batch) const {
    std::vector<AnswerTargets> targets;
    for (const std::string& people : this->field_of(batch, "answers"))
      targets.push_back(answers_.targets(texts_of_list(people)));
    return targets;
  }

  VqaAnswers answers_;
};

}  // namespace coca
