// Trains a model: a contrastive captioner, a CLIP, one that answers, or a classifier of pictures or
// videos.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <limits>
#include <optional>
#include <set>

#include "coca/core/counted.hpp"
#include "coca/core/nearest_names.hpp"
#include "coca/image/preprocess_config_json.hpp"
#include "coca/pipelines/find_model.hpp"
#include "coca/pipelines/model_tokenizer.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/training/finetuning_defaults.hpp"
#include "coca/training/option_effects.hpp"
#include "coca/training/question_data.hpp"
#include "coca/training/training_options_json.hpp"
#include "coca/training/video_data.hpp"
#include "command_line.hpp"
#include "picture_reading.hpp"
#include "progress_bar.hpp"
#include "training.hpp"

using namespace coca_examples;

namespace {

struct Options {
  coca::TrainingOptions training;
  std::string config;
  bool resume = false;
  bool data_changed = false;
  bool json = false;
};

/// An option's flag: --batch-size of batch_size.
std::string flag(const coca::OptionInfo& info, const std::string& dashes = "--") {
  std::string name = dashes + info.name;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

/// Makes each option a flag.
class FlagAdder {
 public:
  explicit FlagAdder(CLI::App& app) : app_(app) {}

  template <class T>
  void operator()(const coca::OptionInfo& info, T& value) const {
    auto* option = app_.add_option(flag(info), value, info.description)->group(info.group);
    if constexpr (std::is_arithmetic_v<T>) option->type_name("N")->capture_default_str();
    if constexpr (std::is_floating_point_v<T>) option->check(finite_number());
    if constexpr (std::is_integral_v<T>)
      option->check(whole_number(0, static_cast<std::uint64_t>(std::numeric_limits<T>::max())));
    if constexpr (!std::is_same_v<T, std::vector<std::string>>) option->take_last();
    if constexpr (!std::is_arithmetic_v<T>) option->type_name("TEXT");
  }

  void operator()(const coca::OptionInfo& info, bool& value) const {
    app_.add_flag(flag(info) + ",!" + flag(info, "--no-"), value, info.description)
        ->group(info.group);
  }

  void operator()(const coca::OptionInfo& info, coca::Range& value) const {
    const auto set = [&value](const std::vector<double>& ends) { value = {ends[0], ends[1]}; };
    app_.add_option_function<std::vector<double>>(flag(info), set, info.description)
        ->expected(2)
        ->check(finite_number())
        ->type_name("N")
        ->default_str(to_text(value.low, 2) + " " + to_text(value.high, 2))
        ->group(info.group);
  }

  template <class E, std::size_t n>
  void operator()(const coca::OptionInfo& info, E& value,
                  const coca::NamedChoice<E> (&choices)[n]) const {
    std::vector<std::string> names;
    std::string list;
    for (const auto& choice : choices) {
      names.push_back(choice.name);
      list += (list.empty() ? ": " : ", ") + names.back();
    }
    const auto set = [&value, &choices](const std::string& name) {
      for (const auto& choice : choices)
        if (name == choice.name) value = choice.value;
    };
    app_.add_option_function<std::string>(flag(info), set, info.description + list)
        ->check(CLI::IsMember(names))
        ->take_last()
        ->type_name("NAME")
        ->default_str(coca::choice_name(value, choices))
        ->group(info.group);
  }

 private:
  CLI::App& app_;
};

/// The names of the options that are given as flags.
class GivenFlags {
 public:
  explicit GivenFlags(const CLI::App& app) : app_(app) {}

  template <class... Rest>
  void operator()(const coca::OptionInfo& info, const Rest&...) {
    if (app_.count(flag(info)) != 0) names_.insert(info.name);
  }

  const std::set<std::string>& names() const noexcept { return names_; }

 private:
  const CLI::App& app_;
  std::set<std::string> names_;
};

/// A configuration that is trained.
struct ChosenModel {
  std::string name;
  coca::AnyConfig config;
};

/// The requested model, or the one that the weights of --init-from belong to.
ChosenModel choose_model(const coca::TrainingOptions& options) {
  const std::vector<std::string> known = bundled_folders();
  std::string path = options.model.empty() ? options.init_from : options.model;
  if (path.empty()) path = known.empty() ? "coca_vit_b_32" : known.front();
  try {
    coca::FoundModel model = coca::find_configuration(path, {.known_folders = known});
    std::error_code ignored;  // a path must be found again by --resume
    const bool is_path = model.name == path && std::filesystem::exists(path, ignored);
    return {is_path ? std::filesystem::absolute(path).string() : model.name,
            model.description.config};
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

/// The vocabulary file of the folder that a run starts from.
std::string vocabulary_of(const coca::HuggingFaceFolder& folder) {
  if (folder.sentence_piece) return *folder.sentence_piece;
  if (folder.bpe_vocabulary) return *folder.bpe_vocabulary;
  if (folder.merges) return *folder.merges;
  return folder.tokenizer_json.value_or("");
}

/// The preprocessing that the folder of --init-from describes, if it does.
std::optional<coca::PreprocessConfig> preprocess_of(const std::string& init_from) {
  const auto folder = coca::find_hugging_face_folder(init_from);
  if (!folder || folder->description.preprocess.is_null()) return {};
  return coca::parse_preprocess_config(folder->description.preprocess);
}

/// Unless options say otherwise, pictures are prepared as for the initial weights.
void begin_as(const std::string& init_from, coca::TrainingOptions& options) {
  const auto preprocess = preprocess_of(init_from);
  if (!preprocess) return;
  options.data.resize_mode = preprocess->resize_mode;
  options.data.fill_color = preprocess->fill_color[0];
}

void expect_known_task(const std::string& task) {
  if (task.empty() || coca::find_built_in_task(task) != nullptr) return;
  throw UsageError("--task " + task + " is unknown, expected " +
                   coca::alternatives(coca::built_in_task_names()));
}

/// A resumed run has the answers that it began with, even if its data has changed.
void keep_answers(coca::TrainingOptions& options, bool resume) {
  const std::string kept = coca::RunFolder(options.output).file("answers.txt");
  std::error_code ignored;
  if (resume && options.task == "vqa" && std::filesystem::exists(kept, ignored))
    options.data.answers = kept;
}

/// Those of an options file that change nothing, even if flags did not override others.
void expect_effective_file(const std::string& path, const coca::TrainingOptions& training) {
  coca::TrainingOptions file;
  coca::read_options_file(path, file);
  const coca::Json json = coca::read_json_file(path);
  for (const auto& item : json.items()) {
    const std::string problem = coca::ineffective_option(training, {item.key()});
    if (!problem.empty() && !coca::ineffective_option(file, {item.key()}).empty())
      throw UsageError(path + ": " + problem);
  }
}

/// Refuses what somebody asks for in vain. Options of the run that is resumed may be of no effect.
void expect_effective(const CLI::App& app, const Options& options) {
  const coca::TrainingOptions& training = options.training;
  GivenFlags given(app);
  coca::for_each_option(training, given);
  if (given.names().contains("epochs") && training.step.steps != 0)
    throw UsageError("--epochs changes nothing, because the run has a number of steps, " +
                     std::to_string(training.step.steps) +
                     ": give --steps instead, or --steps 0 to count epochs");
  if (options.data_changed && !options.resume)
    throw UsageError("--data-changed changes nothing without --resume");
  const std::string problem = coca::ineffective_option(training, given.names());
  if (!problem.empty()) throw UsageError(problem);
  if (!options.config.empty()) expect_effective_file(options.config, training);
}

/// A resumed run finds its vocabulary in its own folder.
std::string tokenizer_path(const coca::TrainingOptions& options, bool resume) {
  if (!resume || options.tokenizer.empty()) return options.tokenizer;
  const std::string kept = coca::RunFolder(options.output).tokenizer(options.tokenizer);
  std::error_code ignored;
  return std::filesystem::exists(kept, ignored) ? kept : options.tokenizer;
}

std::atomic<bool> stop_requested{false};

/// The first signal lets the run save and end; a second one ends it at once.
void stop_at_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = true; };
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  struct sigaction before {};
  ::sigaction(SIGHUP, nullptr, &before);  // a closed terminal; nohup has it ignored
  if (before.sa_handler != SIG_IGN) ::sigaction(SIGHUP, &action, nullptr);
}

std::string percent(double share) { return to_text(100 * share, 1) + " %"; }

/// "contrastive" of "contrastive_loss".
std::string loss_word(const std::string& name) {
  return name.ends_with("_loss") ? name.substr(0, name.size() - 5) : name;
}

/// ", contrastive 1.250, captioning 2.500"
std::string losses_text(const coca::NamedNumbers& losses) {
  std::string text;
  for (const auto& [name, value] : losses) text += ", " + loss_word(name) + " " + to_text(value, 3);
  return text;
}

/// The parts of a score's name before and after the point.
std::pair<std::string, std::string> split_score(const std::string& name) {
  const std::size_t point = name.find('.');
  if (point == std::string::npos) return {name, ""};
  return {name.substr(0, point), name.substr(point + 1)};
}

/// Scores by group: {"image_to_text": [0.1, 0.2, 0.3]}.
void add_scores(JsonLine& line, const coca::NamedNumbers& scores) {
  for (const auto& [name, value] : scores) line[split_score(name).first].push_back(value);
}

/// ", image_to_text r1 10.0 %, r5 20.0 %, r10 30.0 %"
std::string scores_text(const coca::NamedNumbers& scores) {
  std::string text, last;
  for (const auto& [name, value] : scores) {
    const auto [group, key] = split_score(name);
    text += ", " + (group == last ? "" : group + " ") + key + " " + percent(value);
    last = group;
  }
  return text;
}

void print_validation(const Options& options, const coca::TrainingValidation& validation) {
  const auto& [pictures, losses, scores] = validation.scores;
  if (pictures == 0 && validation.captions.empty()) return;
  if (options.json) {
    JsonLine line{{"step", validation.step}};
    for (const auto& [name, value] : losses) line[name] = value;
    add_scores(line, scores);
    line["captions"] = validation.captions;
    return print_line(to_line(line));
  }
  std::string line = losses_text(losses) + scores_text(scores);
  if (!validation.captions.empty()) line += ", \"" + validation.captions.front() + "\"";
  print_line("step " + std::to_string(validation.step) + ":" + line.substr(1));
}

std::string details(const coca::TrainingProgress& progress) {
  return losses_text(progress.result.losses) + ", " + to_text(progress.pictures_per_second, 0) +
         " pictures/s" +
         (progress.skipped == 0 ? "" : ", " + std::to_string(progress.skipped) + " skipped");
}

/// What a run skipped.
struct Skipped {
  std::uint64_t steps = 0;  ///< whose loss or gradient was not finite, since the first run
  std::size_t pictures = 0;
};

/// Only the first of several processes prints.
coca::TrainingEvents events(const Options& options, bool speaks, ProgressBar& bar, Failures& broken,
                            Skipped& skipped) {
  coca::TrainingEvents events;
  events.stop = &stop_requested;
  events.damaged = &picture_reading().damaged;
  events.on_broken_picture = [&broken, &skipped](const coca::SkippedPicture& picture) {
    broken.report("skipped: " + about(picture.name, picture.reason));
    ++skipped.pictures;
  };
  if (!speaks) return events;
  events.on_note = [](const std::string& sentence) { print_note("train", sentence); };
  events.on_step = [&bar, &skipped](const coca::TrainingProgress& progress) {
    skipped.steps = progress.skipped;
    bar.show(progress.step, progress.steps, progress.seconds_left, details(progress));
  };
  events.on_validation = [&options](const coca::TrainingValidation& validation) {
    try {
      print_validation(options, validation);
    } catch (
        const coca::FileError&) {  // a terminal that is closed must not keep the run from saving
      if (!stop_requested) throw;
    }
  };
  return events;
}

/// How a run starts.
struct Start {
  bool resume = false;      ///< from a checkpoint
  bool logit_bias = false;  ///< whether its model has one
  coca::Json backend{};     ///< choices that let it compute the same bits
};

/// Options in order of increasing precedence: the run's, the file's, the flags.
Start gather(CLI::App& app, int argc, char** argv, Options& options) {
  const std::string folder = options.training.output;
  const std::string config = options.config;
  const bool resume = options.resume;
  Start start;
  coca::TrainingOptions file;
  const std::string task = options.training.task;
  if (!config.empty()) coca::read_options_file(config, file);
  const std::string output = folder.empty() ? file.output : folder;
  const std::string init_from =
      options.training.init_from.empty() ? file.init_from : options.training.init_from;
  options.training = {};
  if (output.empty()) throw UsageError("--output is required: the folder that the run writes to");
  begin_as(init_from, options.training);
  options.training.task = task.empty() ? file.task : task;
  coca::set_finetuning_defaults(options.training);
  if (resume) {
    const std::string kept = coca::RunFolder(output).options();
    std::error_code ignored;
    if (auto record = coca::find_training_record(output)) {
      options.training = std::move(record->options);
      start = {true, record->logit_bias, record->backend};
    } else if (std::filesystem::exists(kept, ignored)) {  // killed before its first checkpoint
      coca::read_options_file(kept, options.training);
    }
  } else if (coca::RunFolder(output).has_checkpoint()) {
    throw UsageError(output +
                     " already contains a checkpoint: add --resume to continue from it, or "
                     "choose another folder");
  }
  if (!config.empty()) coca::read_options_file(config, options.training);
  app.parse(reversed_arguments(app, argc, argv));  // again, to override what was read
  options.training.output = output;
  coca::set_finetuning_steps(options.training);
  options.training = coca::with_absolute_paths(options.training);
  if (options.training.data.training.empty())
    throw UsageError(resume ? output + " contains no run to resume; --data would start one there"
                            : "--data is required: what to train on");
  return start;
}

void print_start(const Options& options, std::size_t weights, std::size_t pictures,
                 const coca::TrainingState& state, std::uint64_t steps) {
  if (options.json) return;
  print_line("training " + options.training.model + " (" +
             to_text(static_cast<double>(weights) / 1e6, 2) + " million weights) on " +
             coca::counted(pictures, options.training.task == "video" ? "video" : "picture") +
             ", " + (state.step == 0 ? "" : "from step " + std::to_string(state.step) + " of ") +
             coca::counted(steps, "step") + ", into " + options.training.output);
}

void print_end(const Options& options, coca::TrainingEnd end, const Skipped& skipped) {
  const bool finished = end == coca::TrainingEnd::finished;
  const std::string& folder = options.training.output;
  if (options.json)
    return print_line(to_line({{"end", finished ? "finished" : "stopped"},
                               {"output", folder},
                               {"skipped_steps", skipped.steps},
                               {"broken_pictures", skipped.pictures}}));
  if (skipped.steps != 0)
    print_line("steps skipped because their loss or gradient was not finite: " +
               std::to_string(skipped.steps));
  if (skipped.pictures != 0)
    print_line("broken pictures skipped: " + std::to_string(skipped.pictures));
  if (finished) return print_line("done: " + folder + " contains the model and report.html");
  print_line("stopped: continue with train --resume --output " + folder);
}

bool run(CLI::App& app, int argc, char** argv, Options& options) {
  const Start start = gather(app, argc, argv, options);
  coca::TrainingOptions& training = options.training;
  const ChosenModel preset = choose_model(training);
  training.model = preset.name;
  expect_known_task(training.task);
  if (training.task.empty())
    training.task = std::holds_alternative<coca::CoCaConfig>(preset.config) ? "coca" : "clip";
  expect_effective(app, options);
  keep_answers(training, start.resume);
  const bool classifies = training.task == "classify";
  const bool reads_no_texts = classifies || training.task == "video";
  if (training.tokenizer.empty())
    if (const auto folder = coca::find_hugging_face_folder(training.init_from))
      training.tokenizer = vocabulary_of(*folder);
  if (training.tokenizer.empty())
    if (const auto folder = bundled_folder(training.model))
      training.tokenizer = vocabulary_of(*folder);
  const std::string tokenizer = tokenizer_path(training, start.resume);
  ProgressBar feature_bar("pictures"), bar("steps");
  Failures broken(app.get_name());
  Skipped skipped;
  const coca::MpiCommunicator processes;
  const bool speaks = processes.rank() == 0;
  TrainingRequest request{
      .subject = {.config = preset.config,
                  .tokenizer = reads_no_texts      ? std::optional<coca::AnyTokenizer>()
                               : tokenizer.empty() ? coca::AnyTokenizer(coca::ClipTokenizer())
                                                   : coca::read_tokenizer(tokenizer),
                  .preprocess =
                      preprocess_of(training.init_from).value_or(coca::PreprocessConfig{}),
                  .tokenizer_file = reads_no_texts ? "" : tokenizer,
                  .classes = classifies ? coca::training_classes(training.data)
                                        : std::vector<std::string>()},
      .options = training,
      .events = events(options, speaks, bar, broken, skipped),
      .on_features = [&feature_bar](std::size_t done,
                                    std::size_t all) { feature_bar.show(done, all); },
      .processes = processes,
      .resume = start.resume,
      .logit_bias = start.logit_bias || training.step.contrastive == coca::ContrastiveKind::sigmoid,
      .data_changed = options.data_changed,
      .backend = start.backend,
      .on_start =
          [&options, speaks](std::size_t weights, std::size_t pictures,
                             const coca::TrainingState& state, std::uint64_t steps) {
            if (speaks) print_start(options, weights, pictures, state, steps);
          }};
  stop_at_signals();
  try {
    request.subject = coca::with_task_data(std::move(request.subject), training);
    request.subject = coca::with_video_data(std::move(request.subject), training);
    const coca::TrainingEnd end = run_training(request);
    if (speaks) print_end(options, end, skipped);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());  // of an option
  }
  return true;
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Trains a captioner or a CLIP on pictures and captions, a classifier of pictures or videos "
      "on "
      "labels,\nor a model that answers questions about pictures.",
      "train");
  app.footer(
      "Example: train --data train.jsonl --validation held_out.jsonl --output run --epochs 20 "
      "--batch-size 96\n"
      "         train --resume --output run\n"
      "         caption --weights run photo.jpg\n"
      "         train --task classify --data train/ --validation test/ --output classifier\n"
      "         train --task classify --head pooler --freeze visual --feature-cache features \\\n"
      "               --init-from model/ --data train/ --validation test/ --output frozen\n"
      "         train --task video --data clips/ --frames 16 --temporal-positions --init-from "
      "model/ "
      "--output videos\n"
      "         train --task vqa --init-from run --data questions.json --annotations "
      "annotations.json --image-folder train2014 --output answers");
  app.add_option("--config", options.config, "JSON file of options; flags override it")
      ->type_name("FILE");
  app.add_flag("--resume", options.resume,
               "resume from the folder's checkpoint, if there is one, as if never stopped");
  app.add_flag("--data-changed", options.data_changed,
               "resume even if the training data has changed since the checkpoint");
  app.add_flag("--json", options.json, "print one JSON object for each validation");
  coca::for_each_option(options.training, FlagAdder(app));
  return run_program(app, argc, argv, [&] { return run(app, argc, argv, options); });
}
