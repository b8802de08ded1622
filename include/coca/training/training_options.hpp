#pragma once
/// @file
/// All options of a training run, in one struct and one list of names: flags, JSON
/// files and checkpoints all go through for_each_option.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/training/augmentation_option_list.hpp"
#include "coca/training/feature_cache_options.hpp"
#include "coca/training/head_choice.hpp"
#include "coca/training/option_info.hpp"
#include "coca/training/training_data_options.hpp"
#include "coca/training/training_step_options.hpp"

namespace coca {

/// The precision of matrix products.
enum class TrainingPrecision : std::uint8_t {
  float32,
  bfloat16,  ///< products with bfloat16 operands, everything else in float
};

/// What the linear layer of a classifier begins as.
enum class HeadStart : std::uint8_t {
  random,
  text,  ///< the embeddings of the classes' names: the predictions of zero-shot classification
};

/// A whole run.
struct TrainingOptions {
  std::string model{};      ///< a name that the program knows the model by
  std::string task{};       ///< name of the task; empty: the program chooses by the model
  std::string tokenizer{};  ///< vocabulary file; empty: CLIP's
  HeadChoice head = HeadChoice::linear;      ///< of a classifier, or of pairs of pictures
  HeadStart head_start = HeadStart::random;  ///< the weights of a classifier's linear layer
  std::size_t frames = 16;                   ///< of each clip that a classifier of videos sees
  bool temporal_positions = false;           ///< whether the order of these has an effect
  TrainingData data{};
  FeatureCacheOptions features{};  ///< of a frozen image encoder
  TrainingSteps step{};
  TrainingPrecision precision = TrainingPrecision::float32;
  std::string gemm = "fixed";              ///< which kernels multiply, as the backend calls them
  std::string output{};                    ///< the run's folder
  std::string init_from{};                 ///< initial weights; empty: random
  std::uint64_t seed = 0;                  ///< of everything random
  int threads = 0;                         ///< of the backend; 0: one per processor
  std::size_t log_steps = 1;               ///< steps from one line of the log to the next
  std::size_t validation_steps = 0;        ///< steps from one validation to the next; 0: an epoch's
  double checkpoint_minutes = 10;          ///< between checkpoints
  std::size_t checkpoint_steps = 0;        ///< steps between checkpoints; 0: only by minutes
  std::size_t validation_pictures = 5000;  ///< at most; 0: all
  std::vector<std::string> pictures{};     ///< pictures captioned at each validation
  std::size_t picture_count = 8;           ///< without `pictures`: the first so many for validation
  std::size_t beams = 1;                   ///< of these captions
  bool half_precision = false;             ///< the model is saved as F16
  bool keep_best = false;  ///< the model of the best validation is saved too, see quality_of
};

namespace detail {

inline constexpr NamedChoice<TrainingPrecision> precision_choices[] = {
    {"f32", TrainingPrecision::float32}, {"bf16", TrainingPrecision::bfloat16}};
inline constexpr NamedChoice<HeadChoice> head_choices[] = {
    {"linear", HeadChoice::linear}, {"pooler", HeadChoice::pooler}, {"mlp", HeadChoice::mlp}};
inline constexpr NamedChoice<HeadStart> head_start_choices[] = {{"random", HeadStart::random},
                                                                {"text", HeadStart::text}};

}  // namespace detail

/// Calls visit(info, value) for each option, or visit(info, value, choices) if the value is an
/// enum. A value is a bool, an int, std::size_t or std::uint64_t, a double, a Range, a std::string
/// or a std::vector<std::string>.
/// @param options TrainingOptions, const or not
template <class Options, class Visitor>
void for_each_option(Options& options, Visitor&& visit) {
  visit({"model", "name of a configuration, a folder or an OpenCLIP configuration file", "Model"},
        options.model);
  visit(
      {"task",
       "what is trained: coca, clip (contrastive loss only), caption (captions only), classify, "
       "video, vqa (questions), entailment or pairs (of pictures) (default: what the model is for)",
       "Model"},
      options.task);
  visit({"tokenizer", "vocabulary file (default: the model's, or else CLIP's)", "Model"},
        options.tokenizer);
  visit({"init_from", "initial weights in OpenCLIP's format, a file or a folder", "Model"},
        options.init_from);
  visit(
      {"head",
       "of task classify: linear reads what the model's embeddings are made of, pooler is a new "
       "attentional pooler with one query, then linear (CoCa's frozen and finetuned evaluation); "
       "of task pairs: linear is the paper's, mlp has a hidden layer, for what is no sum over both "
       "pictures",
       "Model"},
      options.head, detail::head_choices);
  visit({"head_start",
         "weights that head linear begins with: random, or text: embeddings of the classes' names "
         "in the prompts of templates, by the text tower of init_from",
         "Model"},
        options.head_start, detail::head_start_choices);
  visit({"frames", "of task video: frames of each clip, one in each of as many segments", "Model"},
        options.frames);
  visit({"temporal_positions",
         "of task video: a learnt vector for each frame, zero at first, without which the order of "
         "frames has no effect",
         "Model"},
        options.temporal_positions);
  detail::for_each_data_option(options.data, visit);
  visit({"augment", "augment pictures; false: prepare them as in evaluation", "Augmentation"},
        options.data.augment);
  detail::for_each_augmentation_option(options.data.augmentation, visit);
  detail::for_each_feature_option(options.features, visit);
  detail::for_each_step_option(options.step, visit);
  const char* group = "Run";
  visit({"output", "folder that the run writes to", group}, options.output);
  visit({"precision", "precision of matrix products", group}, options.precision,
        detail::precision_choices);
  visit({"gemm",
         "kernels of matrix products: fixed (the same bits in each run), automatic (measured to be "
         "fastest), packed, eigen or onednn",
         group},
        options.gemm);
  visit({"seed", "random seed of weights, order and augmentation", group}, options.seed);
  visit({"threads", "number of threads; 0: one per processor", group}, options.threads);
  visit({"log_steps", "steps between lines of the log", group}, options.log_steps);
  visit({"validation_steps", "steps between validations; 0: one validation per epoch", group},
        options.validation_steps);
  visit({"validation_pictures", "maximum number of pictures to validate on; 0: all", group},
        options.validation_pictures);
  visit({"checkpoint_minutes", "minutes between checkpoints", group}, options.checkpoint_minutes);
  visit({"checkpoint_steps", "steps between checkpoints; 0: only by minutes", group},
        options.checkpoint_steps);
  visit({"pictures", "pictures to caption at each validation", group}, options.pictures);
  visit({"picture_count", "without pictures: how many of the validation data to caption", group},
        options.picture_count);
  visit({"beams", "beams of these captions; 1 is greedy search", group}, options.beams);
  visit({"half_precision", "save the model in F16", group}, options.half_precision);
  visit(
      {"keep_best",
       "save the model of the best validation too, in best.safetensors: by accuracy, by recall of "
       "texts, or by the loss of tasks without scores",
       group},
      options.keep_best);
}

}  // namespace coca
