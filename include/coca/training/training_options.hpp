#pragma once
/// @file
/// All options of a training run, in one struct and one list of names: flags, JSON
/// files and checkpoints all go through for_each_option.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/data/augmentation.hpp"
#include "coca/data/folder_reading.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/losses/contrastive.hpp"
#include "coca/training/optimizer.hpp"
#include "coca/training/schedule.hpp"

namespace coca {

/// The precision of matrix products.
enum class TrainingPrecision : std::uint8_t {
  float32,
  bfloat16,  ///< products with bfloat16 operands, everything else in float
};

/// Where pictures and captions come from, and how they are shown.
struct TrainingData {
  std::vector<std::string> training{};    ///< caption files, shards or folders
  std::vector<std::string> validation{};  ///< the same, never trained on
  std::string image_key{};                ///< of caption files; empty: what is there
  std::string caption_key{};
  std::string label_key{};                ///< field that names the class of a picture
  std::vector<std::string> field_keys{};  ///< of caption files, see CaptionFileOptions
  std::string separator{};  ///< of tables: a character, or "tab"; empty: what their header shows
  std::vector<std::string> split{};             ///< of Karpathy's files; empty: train and restval
  std::vector<std::string> validation_split{};  ///< the same to validate on; empty: val
  FolderReading folders = FolderReading::automatic;  ///< what folders of pictures mean
  std::string image_folder{};  ///< start of their relative paths; empty: the file's folder
  std::vector<std::string> templates{"a photo of a {}."};  ///< captions of class folders
  std::string group_key{};      ///< pictures with equal values of it form a group
  std::size_t group_size = 16;  ///< most pictures of a group shown one after the other
  std::string flip_key{};       ///< pictures for which it is false are never mirrored
  std::string color_key{};      ///< for each picture, the strength of its colour changes
  double first_caption = 0;     ///< probability of the first of several captions, else any
  ResizeMode resize_mode = ResizeMode::shortest;
  std::uint64_t fill_color = 0;  ///< 0 to 255, around pictures of resize_mode longest
  bool augment = true;           ///< false: pictures are prepared as in evaluation
  AugmentationOptions augmentation{};
  bool truncated = false;           ///< the part that is there of truncated pictures is used
  std::size_t shrink_to = 0;        ///< see SampleOptions
  std::size_t cache_megabytes = 0;  ///< memory for caching decoded pictures
  std::size_t loader_threads = 2;   ///< threads that decode in the background
  std::size_t prefetch = 4;         ///< batches kept ready
};

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
  double layer_decay = 1;  ///< factor of the learning rate from a layer to the one below
  double clip_norm = 0;    ///< maximum gradient norm; 0: no clipping
  double ema_decay = 0;    ///< of the weight average; 0: none
  /// SigLIP's gives the model a logit_bias, and random weights SigLIP's temperature.
  ContrastiveKind contrastive = ContrastiveKind::softmax;
  double contrastive_weight = 1;  ///< the paper's
  double caption_weight = 2;      ///< the paper's
  double label_smoothing = 0;
  double patch_dropout = 0;              ///< share of each picture's patches that a step leaves out
  double switchout = 0;                  ///< chance of each word read to be a random one
  double word_dropout = 0;               ///< chance of rare words to be read as made-up ones
  std::size_t word_dropout_count = 100;  ///< a word seen so often has half of that chance
  std::vector<std::string> freeze{};     ///< beginnings of names of weights that stay
  bool recompute = false;                ///< recompute blocks in the backward pass, to save memory
};

/// A whole run.
struct TrainingOptions {
  std::string model{};      ///< a name that the program knows the model by
  std::string task{};       ///< name of the task; empty: the program chooses by the model
  std::string tokenizer{};  ///< vocabulary file; empty: CLIP's
  TrainingData data{};
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
};

/// An option's name (as in JSON; flags have - for _), what it means, and what it belongs to.
struct OptionInfo {
  const char* name;
  const char* description;
  const char* group;
};

/// The name of an enum's value.
template <class E>
struct NamedChoice {
  const char* name;
  E value;
};

/// The name of a value, empty if it has none.
template <class E, std::size_t n>
constexpr const char* choice_name(E value, const NamedChoice<E> (&choices)[n]) {
  for (const NamedChoice<E>& choice : choices)
    if (choice.value == value) return choice.name;
  return "";
}

namespace detail {

inline constexpr NamedChoice<ResizeMode> resize_choices[] = {{"shortest", ResizeMode::shortest},
                                                             {"longest", ResizeMode::longest},
                                                             {"squash", ResizeMode::squash}};
inline constexpr NamedChoice<FolderReading> folder_choices[] = {
    {"automatic", FolderReading::automatic},
    {"captions", FolderReading::captions},
    {"classes", FolderReading::classes}};
inline constexpr NamedChoice<AffineFill> fill_choices[] = {{"ground", AffineFill::ground},
                                                           {"edge", AffineFill::edge}};
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
inline constexpr NamedChoice<TrainingPrecision> precision_choices[] = {
    {"f32", TrainingPrecision::float32}, {"bf16", TrainingPrecision::bfloat16}};

template <class Data, class Visitor>
void for_each_data_option(Data& data, Visitor&& visit) {
  const char* group = "Data";
  visit({"data",
         "what to train on: caption files (JSON, CSV, TSV), shards (.tar), folders, IDX files",
         group},
        data.training);
  visit({"validation", "what to validate on: the same kinds of data", group}, data.validation);
  visit({"image_key", "column or key of the picture in caption files", group}, data.image_key);
  visit({"caption_key", "column or key of the caption in caption files", group}, data.caption_key);
  visit({"label_key", "column or key that names or numbers the class of a picture", group},
        data.label_key);
  visit({"group_key",
         "column or key; pictures with the same value are often in one batch, as hard negatives",
         group},
        data.group_key);
  visit({"group_size", "most pictures of a group (see group_key) shown in a row", group},
        data.group_size);
  visit(
      {"flip_key", "column or key; pictures for which it is false or 0 are never mirrored", group},
      data.flip_key);
  visit({"color_key",
         "column or key; a number from 0 to 1 that scales color_jitter and grayscale of a picture",
         group},
        data.color_key);
  visit(
      {"separator",
       "separator of a table's fields: a character such as ; or |, or tab (default: what its first "
       "line shows)",
       group},
      data.separator);
  visit({"split",
         "splits to train on, of a file with splits such as Karpathy's (default: train restval)",
         group},
        data.split);
  visit({"validation_split", "splits to validate on, of a file with splits (default: val)", group},
        data.validation_split);
  visit({"folders",
         "how a folder of pictures is read; automatic: as captions if half of the pictures have a "
         ".txt, .caption or .json next to them, otherwise one class per subfolder",
         group},
        data.folders, folder_choices);
  visit({"image_folder", "base folder of paths in caption files", group}, data.image_folder);
  visit({"templates", "captions of class folders; {} is the name of the class", group},
        data.templates);
  visit({"first_caption", "probability of using the first of several captions, else any", group},
        data.first_caption);
  visit({"resize_mode", "how pictures that are not square are resized", group}, data.resize_mode,
        resize_choices);
  visit({"fill_color", "gray level, 0 to 255, of the margins with resize_mode longest", group},
        data.fill_color);
  visit({"truncated", "use the part that is there of truncated JPEG and PNG pictures", group},
        data.truncated);
  visit({"shrink_to", "shrink pictures to this size when decoding them; 0: never", group},
        data.shrink_to);
  visit({"cache_megabytes", "memory for caching decoded pictures", group}, data.cache_megabytes);
  visit({"loader_threads", "threads that read pictures ahead", group}, data.loader_threads);
  visit({"prefetch", "batches prepared in advance", group}, data.prefetch);
}

template <class Augmentations, class Visitor>
void for_each_augmentation_option(Augmentations& options, Visitor&& visit) {
  const char* group = "Augmentation";
  visit({"random_ground", "probability of a random background for transparent pictures", group},
        options.random_ground_probability);
  visit({"crop_scale", "area of random crops as a share of the picture", group},
        options.crop.scale);
  visit({"crop_ratio", "aspect ratio (width / height) of random crops", group}, options.crop.ratio);
  visit({"flip", "probability of mirroring a picture", group}, options.flip_probability);
  visit({"affine", "probability of a random affine transform", group}, options.affine.probability);
  visit({"affine_degrees", "maximum rotation, in degrees", group}, options.affine.degrees);
  visit({"affine_translate_x", "maximum shift as a share of the width", group},
        options.affine.translate_x);
  visit({"affine_translate_y", "maximum shift as a share of the height", group},
        options.affine.translate_y);
  visit({"affine_scale", "range of the scaling factor", group}, options.affine.scale);
  visit({"affine_shear_x", "maximum shear in x, in degrees", group},
        options.affine.shear_x_degrees);
  visit({"affine_shear_y", "maximum shear in y, in degrees", group},
        options.affine.shear_y_degrees);
  visit({"affine_fill", "what fills the area that a transform uncovers", group},
        options.affine.fill, fill_choices);
  visit({"color_jitter", "probability of random colour changes", group},
        options.color_jitter.probability);
  visit({"brightness", "largest change of brightness; 0.4: by a factor of 0.6 to 1.4", group},
        options.color_jitter.brightness);
  visit({"contrast", "largest change of contrast, given like brightness", group},
        options.color_jitter.contrast);
  visit({"saturation", "largest change of saturation, given like brightness", group},
        options.color_jitter.saturation);
  visit({"hue", "largest hue shift; 0.5 is half the colour circle", group},
        options.color_jitter.hue);
  visit({"grayscale", "probability of a gray picture", group}, options.grayscale_probability);
  visit({"blur", "probability of a blurred picture", group}, options.blur.probability);
  visit({"blur_size", "side of the blur kernel in pixels, an odd number", group},
        options.blur.kernel_size);
  visit({"blur_sigma", "standard deviation of the blur, in pixels", group}, options.blur.sigma);
  visit({"erasing", "probability of erasing a rectangle", group}, options.erasing.probability);
  visit({"erasing_scale", "area of the erased rectangle as a share of the picture", group},
        options.erasing.scale);
  visit({"erasing_ratio", "aspect ratio (height / width) of the erased rectangle", group},
        options.erasing.ratio);
}

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
  visit({"final_learning_rate", "learning rate at the end of cosine and linear schedules", group},
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
  visit({"clip_norm", "maximum gradient norm; 0: no clipping", group}, step.clip_norm);
  visit({"ema_decay", "decay of the moving weight average, such as 0.999; 0: none", group},
        step.ema_decay);
  visit({"contrastive",
         "contrastive loss; softmax is CLIP's, sigmoid is SigLIP's and has a logit_bias", group},
        step.contrastive, contrastive_choices);
  visit({"contrastive_weight", "weight of the contrastive loss", group}, step.contrastive_weight);
  visit({"caption_weight", "weight of the captioning loss", group}, step.caption_weight);
  visit({"label_smoothing", "label smoothing of the captioning loss", group}, step.label_smoothing);
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

/// Calls visit(info, value) for each option, or visit(info, value, choices) if the value is an
/// enum. A value is a bool, an int, std::size_t or std::uint64_t, a double, a Range, a std::string
/// or a std::vector<std::string>.
/// @param options TrainingOptions, const or not
template <class Options, class Visitor>
void for_each_option(Options& options, Visitor&& visit) {
  visit({"model", "name of a configuration, a folder or an OpenCLIP configuration file", "Model"},
        options.model);
  visit({"task",
         "what is trained: coca, clip (contrastive loss only), caption (captions only) or classify "
         "(default: what the model is for)",
         "Model"},
        options.task);
  visit({"tokenizer", "vocabulary file (default: the model's, or else CLIP's)", "Model"},
        options.tokenizer);
  visit({"init_from", "initial weights in OpenCLIP's format, a file or a folder", "Model"},
        options.init_from);
  detail::for_each_data_option(options.data, visit);
  visit({"augment", "augment pictures; false: prepare them as in evaluation", "Augmentation"},
        options.data.augment);
  detail::for_each_augmentation_option(options.data.augmentation, visit);
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
}

}  // namespace coca
