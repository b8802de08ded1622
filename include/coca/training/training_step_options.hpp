#pragma once
/// @file
/// Options of a training run on its steps: optimizer, schedule, losses, and what is random in them.

#include <cstddef>
#include <string>
#include <vector>

#include "coca/losses/contrastive.hpp"
#include "coca/training/answer_loss.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/option_info.hpp"
#include "coca/training/schedule.hpp"

namespace coca {

/// What is computed in a step.
struct TrainingSteps {
  std::size_t batch_size = 64;   ///< pairs per step (and process)
  std::size_t accumulation = 1;  ///< parts that a batch is split into, to save memory
  std::size_t epochs = 1;
  std::size_t steps = 0;  ///< replaces epochs unless 0
  OptimizerKind optimizer = OptimizerKind::adamw;
  double learning_rate = 5e-4;  ///< peak
  double final_learning_rate = 0;
  ScheduleKind schedule = ScheduleKind::cosine;
  std::size_t warmup_steps = 0;
  std::size_t cooldown_steps = 0;  ///< of constant_cooldown
  double beta1 = 0.9;
  double beta2 = 0.98;
  double eps = 1e-6;
  double momentum = 0.9;  ///< of SGD
  double weight_decay = 0.2;
  double layer_decay = 1;           ///< factor of the learning rate from a layer to the one below
  std::vector<std::string> rate{};  ///< "visual=0.04": factors of the learning rate by prefix
  double clip_norm = 0;             ///< maximum gradient norm; 0: no clipping
  double ema_decay = 0;             ///< of the weight average; 0: none
  /// SigLIP's gives the model a logit_bias, and random weights SigLIP's temperature.
  ContrastiveKind contrastive = ContrastiveKind::softmax;
  double contrastive_weight = 1;  ///< the paper's
  double caption_weight = 2;      ///< the paper's
  double label_smoothing = 0;
  AnswerLoss answer_loss = AnswerLoss::binary;  ///< of questions
  double mixup = 0;          ///< shape of the distribution of shares, of classification; 0: none
  double cutmix = 0;         ///< the same
  double patch_dropout = 0;  ///< share of each picture's patches that a step leaves out
  double switchout = 0;      ///< chance of each word read to be a random one
  double word_dropout = 0;   ///< chance of rare words to be read as made-up ones
  std::size_t word_dropout_count = 100;  ///< a word seen so often has half of that chance
  std::vector<std::string> freeze{};     ///< beginnings of names of weights that stay
  bool recompute = false;                ///< recompute blocks in the backward pass, to save memory
};

namespace detail {

inline constexpr NamedChoice<OptimizerKind> optimizer_choices[] = {
    {"adamw", OptimizerKind::adamw},
    {"adafactor", OptimizerKind::adafactor},
    {"sgd", OptimizerKind::sgd}};
inline constexpr NamedChoice<ScheduleKind> schedule_choices[] = {
    {"cosine", ScheduleKind::cosine},
    {"linear", ScheduleKind::linear},
    {"constant", ScheduleKind::constant},
    {"constant_cooldown", ScheduleKind::constant_cooldown}};
inline constexpr NamedChoice<ContrastiveKind> contrastive_choices[] = {
    {"softmax", ContrastiveKind::softmax}, {"sigmoid", ContrastiveKind::sigmoid}};

inline constexpr NamedChoice<AnswerLoss> answer_loss_choices[] = {{"binary", AnswerLoss::binary},
                                                                  {"softmax", AnswerLoss::softmax}};

template <class Steps, class Visitor>
void for_each_step_option(Steps& step, Visitor&& visit) {
  const char* group = "Optimisation";
  visit({"batch_size", "pairs per step, in each process", group}, step.batch_size);
  visit({"accumulation", "parts that a batch is split into, to save memory", group},
        step.accumulation);
  visit({"epochs", "passes over the training data", group}, step.epochs);
  visit({"steps", "number of steps, which replaces epochs unless 0", group}, step.steps);
  visit({"optimizer", "optimizer", group}, step.optimizer, optimizer_choices);
  visit({"learning_rate", "peak learning rate", group}, step.learning_rate);
  visit({"final_learning_rate",
         "learning rate at the end of cosine, linear and constant_cooldown schedules", group},
        step.final_learning_rate);
  visit({"schedule", "learning rate schedule after warm-up", group}, step.schedule,
        schedule_choices);
  visit({"warmup_steps", "steps of linear warm-up from 0", group}, step.warmup_steps);
  visit({"cooldown_steps", "steps of the final decay of schedule constant_cooldown", group},
        step.cooldown_steps);
  visit({"beta1", "AdamW's decay of the first moment", group}, step.beta1);
  visit({"beta2", "AdamW's decay of the second moment", group}, step.beta2);
  visit({"eps", "AdamW's epsilon", group}, step.eps);
  visit({"momentum", "momentum of SGD", group}, step.momentum);
  visit({"weight_decay",
         "weight decay, except of biases, norms, position embeddings and the logit scale", group},
        step.weight_decay);
  visit({"layer_decay", "factor of the learning rate from a layer to the one below", group},
        step.layer_decay);
  visit(
      {"rate",
       "factors of the learning rate by name prefix, such as visual=0.04; the longest prefix of a "
       "weight counts",
       group},
      step.rate);
  visit({"clip_norm", "maximum gradient norm; 0: no clipping", group}, step.clip_norm);
  visit({"ema_decay", "decay of the moving weight average, such as 0.999; 0: none", group},
        step.ema_decay);
  visit({"contrastive",
         "contrastive loss; softmax is CLIP's, sigmoid is SigLIP's and has a logit_bias", group},
        step.contrastive, contrastive_choices);
  visit({"contrastive_weight", "weight of the contrastive loss", group}, step.contrastive_weight);
  visit({"caption_weight", "weight of the captioning loss", group}, step.caption_weight);
  visit({"label_smoothing", "label smoothing of the captioning and the classification loss", group},
        step.label_smoothing);
  visit({"answer_loss",
         "loss of task vqa; binary: each answer on its own, softmax: all answers compete", group},
        step.answer_loss, answer_loss_choices);
  visit({"mixup", "mixes labelled pictures in pairs by shares of Beta(N, N), such as 0.8; 0: none",
         group},
        step.mixup);
  visit({"cutmix", "pastes boxes of pictures into each other by shares of Beta(N, N); 0: none",
         group},
        step.cutmix);
  visit({"patch_dropout", "share of each picture's patches that a step drops", group},
        step.patch_dropout);
  visit({"switchout", "probability of replacing a token of a text by a random one", group},
        step.switchout);
  visit({"word_dropout", "probability of replacing rare words by made-up ones", group},
        step.word_dropout);
  visit({"word_dropout_count", "number of captions with a word at which its word_dropout is halved",
         group},
        step.word_dropout_count);
  visit({"freeze", "name prefixes of weights that are not trained", group}, step.freeze);
  visit({"recompute", "recompute blocks in the backward pass, to save memory", group},
        step.recompute);
}

}  // namespace detail

}  // namespace coca
