// Picks the labels that fit a picture best, without having been trained on them; or, with a
// trained classifier, the most probable of its own classes.

#include <algorithm>
#include <functional>
#include <set>

#include "coca/pipelines/class_probabilities.hpp"
#include "command_line.hpp"
#include "templates.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> pictures;
  std::string labels;
  std::string labels_file;
  std::vector<std::string> templates;
  std::size_t top = 5;
  bool json = false;
};

/// Without duplicates: a label given twice would have half the probability.
std::vector<std::string> distinct(const std::vector<std::string>& labels) {
  std::set<std::string> seen;
  std::vector<std::string> kept;
  for (const std::string& label : labels)
    if (seen.insert(label).second) kept.push_back(label);
  return kept;
}

std::vector<std::string> read_labels(const Options& options) {
  if (options.labels.empty() == options.labels_file.empty())
    throw UsageError(
        "give labels with either --labels a,b,c or --labels-file FILE; only a classifier trained "
        "on labels (--weights RUN) needs none");
  if (!options.labels_file.empty()) return distinct(read_lines(options.labels_file));
  std::vector<std::string> labels;
  for (const std::string& part : CLI::detail::split(options.labels, ',')) {
    const std::string label = CLI::detail::trim_copy(part);
    if (!label.empty()) labels.push_back(label);
  }
  if (labels.empty()) throw UsageError("--labels \"" + options.labels + "\" contains no label");
  return distinct(labels);
}

void print(const Options& options, const std::string& path,
           std::span<const coca::LabelProbability> labels) {
  if (options.json) {
    JsonLine line{{"image", path}, {"labels", JsonLine::array()}};
    for (const auto& [label, probability] : labels)
      line["labels"].push_back({{"label", label}, {"probability", json_number(probability)}});
    return print_line(to_line(line));
  }
  print_line(path + ":");
  for (const auto& [label, probability] : labels.first(std::min(options.top, labels.size()))) {
    const std::string percent = to_text(100.0 * probability, 1);
    print_line(std::string(7 - std::min<std::size_t>(percent.size(), 7), ' ') + percent + " %  " +
               label);
  }
}

/// From a picture to labels, most probable first.
using Classifier = std::function<std::vector<coca::LabelProbability>(const coca::Pixels&)>;

bool has_labels(const Options& options) {
  return !options.labels.empty() || !options.labels_file.empty();
}

/// Of a model that was trained on labels; it has no others.
Classifier trained_classifier(const Options& options, Model& model) {
  if (has_labels(options) || !options.templates.empty())
    throw UsageError(model.info().preset +
                     " is a trained classifier, which has its own classes: leave out --labels, "
                     "--labels-file and --templates");
  return [&model](const coca::Pixels& pixels) {
    return coca::ranked_classes(model.class_logits({&pixels, 1}), model.info().classes);
  };
}

Classifier zero_shot_classifier(const Options& options, const std::vector<std::string>& labels,
                                Model& model) {
  const std::vector<std::string> templates = read_templates(options.templates, model);
  const coca::ZeroShotClassifier classifier = model.classifier(labels, templates);
  return [&model, classifier](const coca::Pixels& pixels) {
    return classifier(model.embed_images({&pixels, 1})[0]);
  };
}

bool run(const CLI::App& app, const Options& options) {
  std::vector<std::string> labels;
  if (has_labels(options)) labels = read_labels(options);  // before a model is read
  const auto model = open_model(options.model);
  if (labels.empty() && !model->info().is_classifier()) labels = read_labels(options);
  const Classifier classifier = model->info().is_classifier()
                                    ? trained_classifier(options, *model)
                                    : zero_shot_classifier(options, labels, *model);
  ProgressBar progress("pictures");
  Failures failures(app.get_name());
  for (std::size_t i = 0; i < options.pictures.size(); ++i) {
    const std::string& path = options.pictures[i];
    std::vector<coca::LabelProbability> found;
    try {
      found = classifier(model->read_pixels(path));
    } catch (const coca::Error& error) {
      failures.report(path, error);
      continue;
    }
    print(options, path, found);
    progress.show(i + 1, options.pictures.size());
  }
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Ranks labels by how well they fit a picture; a trained classifier ranks its own classes.",
      "classify");
  app.footer(
      "Example: classify photo.jpg --labels \"a cat,a dog,a broken cup\"\n"
      "         classify --model clip_vit_b_32 --weights clip.safetensors --templates imagenet \\\n"
      "                  --labels-file labels.txt --json *.jpg\n"
      "         classify --weights run photo.jpg    # run: the folder of train --task classify");
  app.add_option("pictures", options.pictures, "JPEG, PNG or WebP files")
      ->required()
      ->check(some_name())
      ->type_name("PICTURE");
  app.add_option("--labels", options.labels, "labels separated by commas")
      ->check(utf8_text())
      ->type_name("A,B,C");
  app.add_option("--labels-file", options.labels_file, "UTF-8 text, one label per line")
      ->check(some_name())
      ->type_name("FILE");
  add_templates_option(app, options.templates);
  app.add_option("--top", options.top, "labels shown per picture; --json prints all")
      ->check(whole_number(1, many))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object per picture");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
