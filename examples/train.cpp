// Trains a contrastive captioner on pictures and captions.

#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <limits>
#include <optional>

#include "coca/image/preprocess_config_json.hpp"
#include "coca/pipelines/find_model.hpp"
#include "coca/pipelines/model_tokenizer.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/training/training_options_json.hpp"
#include "command_line.hpp"
#include "progress_bar.hpp"
#include "training.hpp"

using namespace coca_examples;

namespace {

struct Options {
  coca::TrainingOptions training;
  std::string config;
  bool resume = false;
  bool json = false;
};

/// Makes a flag of each option: --batch-size of batch_size.
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
  static std::string flag(const coca::OptionInfo& info, const std::string& dashes = "--") {
    std::string name = dashes + info.name;
    std::replace(name.begin(), name.end(), '_', '-');
    return name;
  }

  CLI::App& app_;
};

/// A configuration that is trained.
struct ChosenModel {
  std::string name;
  coca::AnyConfig config;
};

/// The model that is asked for, or that the weights of --init-from are of.
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

/// @throws UsageError for a model without captioner
coca::CoCaConfig captioner_of(const ChosenModel& model) {
  if (const auto* config = std::get_if<coca::CoCaConfig>(&model.config)) return *config;
  throw UsageError("--model " + model.name + " has no captioner; train trains a CoCa");
}

/// The vocabulary file of a folder that a run begins from.
std::string vocabulary_of(const coca::HuggingFaceFolder& folder) {
  if (folder.sentence_piece) return *folder.sentence_piece;
  if (folder.bpe_vocabulary) return *folder.bpe_vocabulary;
  return folder.merges.value_or("");
}

/// What the folder of --init-from says of pictures, if it does.
std::optional<coca::PreprocessConfig> preprocess_of(const std::string& init_from) {
  const auto folder = coca::find_hugging_face_folder(init_from);
  if (!folder || folder->description.preprocess.is_null()) return {};
  return coca::parse_preprocess_config(folder->description.preprocess);
}

/// Where options do not say, pictures are prepared as for the weights that a run begins from.
void begin_as(const std::string& init_from, coca::TrainingOptions& options) {
  const auto preprocess = preprocess_of(init_from);
  if (!preprocess) return;
  options.data.resize_mode = preprocess->resize_mode;
  options.data.fill_color = preprocess->fill_color[0];
}

/// A run that goes on finds its vocabulary in its own folder.
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
}

std::string percent(double share) { return to_text(100 * share, 1) + " %"; }

void print_validation(const Options& options, const coca::TrainingValidation& validation) {
  const auto& [pictures, contrastive, captioning, retrieval] = validation.scores;
  if (pictures == 0 && validation.captions.empty()) return;
  if (options.json) {
    JsonLine line{{"step", validation.step}};
    if (pictures != 0)
      line.update({{"contrastive_loss", contrastive},
                   {"captioning_loss", captioning},
                   {"image_to_text",
                    {retrieval.image_to_text.at_1, retrieval.image_to_text.at_5,
                     retrieval.image_to_text.at_10}},
                   {"text_to_image",
                    {retrieval.text_to_image.at_1, retrieval.text_to_image.at_5,
                     retrieval.text_to_image.at_10}}});
    line["captions"] = validation.captions;
    return print_line(to_line(line));
  }
  std::string line = "step " + std::to_string(validation.step) + ":";
  if (pictures != 0)
    line += " contrastive " + to_text(contrastive, 3) + ", captioning " + to_text(captioning, 3) +
            ", R@1/5/10 " + percent(retrieval.image_to_text.at_1) + " / " +
            percent(retrieval.image_to_text.at_5) + " / " + percent(retrieval.image_to_text.at_10) +
            " of pictures, " + percent(retrieval.text_to_image.at_1) + " / " +
            percent(retrieval.text_to_image.at_5) + " / " + percent(retrieval.text_to_image.at_10) +
            " of texts;";
  if (!validation.captions.empty()) line += " \"" + validation.captions.front() + "\"";
  print_line(line);
}

std::string details(const coca::TrainingProgress& progress) {
  const coca::TrainingStepResult& result = progress.result;
  return ", contrastive " + to_text(result.contrastive_loss, 3) + ", captioning " +
         to_text(result.captioning_loss, 3) + ", " + to_text(progress.pictures_per_second, 0) +
         " pictures/s" +
         (progress.skipped == 0 ? "" : ", " + std::to_string(progress.skipped) + " skipped");
}

/// What did not go well in a run.
struct Skipped {
  std::uint64_t steps = 0;  ///< whose loss or gradient was no number, from the first run on
  std::size_t pictures = 0;
};

/// Of several processes the first one speaks.
coca::TrainingEvents events(const Options& options, bool speaks, ProgressBar& bar, Failures& broken,
                            Skipped& skipped) {
  coca::TrainingEvents events;
  events.stop = &stop_requested;
  events.on_broken_picture = [&broken, &skipped](const coca::SkippedPicture& picture) {
    broken.report("skipped: " + about(picture.name, picture.reason));
    ++skipped.pictures;
  };
  if (!speaks) return events;
  events.on_step = [&bar, &skipped](const coca::TrainingProgress& progress) {
    skipped.steps = progress.skipped;
    bar.show(progress.step, progress.steps, progress.seconds_left, details(progress));
  };
  events.on_validation = [&options](const coca::TrainingValidation& validation) {
    print_validation(options, validation);
  };
  return events;
}

/// What a run begins with.
struct Start {
  bool resume = false;      ///< a checkpoint to go on from
  bool logit_bias = false;  ///< whether its model has one
};

/// Options in the order in which they count: the run's own, the file's, the flags'.
Start gather(CLI::App& app, int argc, char** argv, Options& options) {
  const std::string folder = options.training.output;
  const std::string config = options.config;
  const bool resume = options.resume;
  Start start;
  coca::TrainingOptions file;
  if (!config.empty()) coca::read_options_file(config, file);
  const std::string output = folder.empty() ? file.output : folder;
  const std::string init_from =
      options.training.init_from.empty() ? file.init_from : options.training.init_from;
  options.training = {};
  if (output.empty()) throw UsageError("--output is required: the folder that the run writes to");
  begin_as(init_from, options.training);
  if (resume) {
    const std::string kept = coca::RunFolder(output).options();
    std::error_code ignored;
    if (auto record = coca::find_training_record(output)) {
      options.training = std::move(record->options);
      start = {.resume = true, .logit_bias = record->logit_bias};
    } else if (std::filesystem::exists(kept, ignored)) {  // killed before its first checkpoint
      coca::read_options_file(kept, options.training);
    }
  } else if (coca::RunFolder(output).has_checkpoint()) {
    throw UsageError(output +
                     " holds a checkpoint already: add --resume to go on from it, or "
                     "choose another folder");
  }
  if (!config.empty()) coca::read_options_file(config, options.training);
  app.parse(reversed_arguments(app, argc, argv));  // once more, over what was read
  options.training.output = output;
  if (options.training.data.training.empty())
    throw UsageError(resume ? output + " holds no run to go on from; --data would begin one there"
                            : "--data is required: what to train on");
  return start;
}

void print_start(const Options& options, std::size_t weights, std::size_t pictures,
                 const coca::TrainingState& state, std::uint64_t steps) {
  if (options.json) return;
  print_line("training " + options.training.model + " (" +
             to_text(static_cast<double>(weights) / 1e6, 2) + " million weights) on " +
             std::to_string(pictures) + " pictures, " +
             (state.step == 0 ? "" : "from step " + std::to_string(state.step) + " of ") +
             std::to_string(steps) + " steps, into " + options.training.output);
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
    print_line("steps skipped, as their loss or gradient was no number: " +
               std::to_string(skipped.steps));
  if (skipped.pictures != 0)
    print_line("broken pictures skipped: " + std::to_string(skipped.pictures));
  if (finished) return print_line("done: " + folder + " holds the model and report.html");
  print_line("stopped: train --resume --output " + folder + " goes on");
}

bool run(CLI::App& app, int argc, char** argv, Options& options) {
  const Start start = gather(app, argc, argv, options);
  coca::TrainingOptions& training = options.training;
  const ChosenModel preset = choose_model(training);
  training.model = preset.name;
  if (training.tokenizer.empty())
    if (const auto folder = coca::find_hugging_face_folder(training.init_from))
      training.tokenizer = vocabulary_of(*folder);
  if (training.tokenizer.empty())
    if (const auto folder = bundled_folder(training.model))
      training.tokenizer = vocabulary_of(*folder);
  const std::string tokenizer = tokenizer_path(training, start.resume);
  ProgressBar bar("steps");
  Failures broken(app.get_name());
  Skipped skipped;
  const coca::MpiCommunicator processes;
  const bool speaks = processes.rank() == 0;
  const TrainingRequest request{
      .subject = {.config = captioner_of(preset),
                  .tokenizer = tokenizer.empty() ? coca::AnyTokenizer(coca::ClipTokenizer())
                                                 : coca::read_tokenizer(tokenizer),
                  .preprocess =
                      preprocess_of(training.init_from).value_or(coca::PreprocessConfig{}),
                  .tokenizer_file = tokenizer},
      .options = training,
      .events = events(options, speaks, bar, broken, skipped),
      .processes = processes,
      .resume = start.resume,
      .logit_bias = start.logit_bias || training.step.contrastive == coca::ContrastiveKind::sigmoid,
      .on_start = [&options, speaks](std::size_t weights, std::size_t pictures,
                                     const coca::TrainingState& state, std::uint64_t steps) {
        if (speaks) print_start(options, weights, pictures, state, steps);
      }};
  stop_at_signals();
  try {
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
  CLI::App app("Trains a contrastive captioner on pictures and captions.", "train");
  app.footer(
      "Example: train --data train.jsonl --validation held_out.jsonl --output run --epochs 20 "
      "--batch-size 96\n"
      "         train --resume --output run\n"
      "         caption --weights run photo.jpg");
  app.add_option("--config", options.config, "JSON file of options; flags count more")
      ->type_name("FILE");
  app.add_flag("--resume", options.resume,
               "go on from the folder's checkpoint, if there is one, as if never stopped");
  app.add_flag("--json", options.json, "print one JSON object for each validation");
  coca::for_each_option(options.training, FlagAdder(app));
  return run_program(app, argc, argv, [&] { return run(app, argc, argv, options); });
}
