#include "evaluate_probe.hpp"

#include <filesystem>
#include <optional>
#include <system_error>

#include "coca/core/counted.hpp"
#include "coca/data/few_shots.hpp"
#include "coca/evaluation/linear_probe.hpp"
#include "labelled_pictures.hpp"

namespace coca_examples {

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> training, validation, test;
  coca::TrainingData data;
  std::string features = "pooled";
  bool normalize = false;
  std::size_t shots = 0;
  std::optional<double> c;
  std::size_t max_iterations = coca::LogisticOptions{}.max_iterations;
  std::string cache;
  std::string report;
  bool json = false;
};

/// Pictures of one data set with their features.
struct FeatureSet {
  coca::AnyDataset data;
  coca::PictureEmbeddings computed{};
};

/// The names of a data set's pictures.
std::vector<std::string> names_of(const coca::AnyDataset& data) {
  std::vector<std::string> names(data.size());
  coca::for_each_readable_record(
      data, [&](std::size_t index, const coca::Record& record) { names[index] = record.name; });
  return names;
}

/// The files that they are read from; none for records that cannot be read.
std::vector<std::string> files_of(const coca::AnyDataset& data) {
  std::vector<std::string> files(data.size());
  coca::for_each_readable_record(data, [&](std::size_t index, const coca::Record&) {
    files[index] = data.picture_file(index);
  });
  return files;
}

/// Computes features, or takes them from the cache.
class FeatureReader {
 public:
  FeatureReader(const Options& options, Model& model)
      : options_(options), model_(model), key_(model.info().identity_parts) {
    key_.emplace_back("features", options.features);
  }

  /// @param name of the data set's file in the folder of the cache
  FeatureSet read(coca::AnyDataset data, const std::string& name) const {
    if (options_.cache.empty()) return {data, compute(data)};
    std::error_code error;
    std::filesystem::create_directories(options_.cache, error);
    if (error) throw coca::FileError(options_.cache, "cannot be created: " + error.message());
    const std::string path =
        (std::filesystem::path(options_.cache) / (name + ".safetensors")).string();
    coca::IdentityParts key = key_;
    key.emplace_back("files", coca::files_digest(names_of(data), files_of(data)));
    if (auto cached = coca::read_embedding_cache(path, key, data.size()))
      return {data, std::move(*cached)};
    FeatureSet set{data, compute(data)};
    coca::write_embedding_cache(path, key, set.computed);
    return set;
  }

 private:
  coca::PictureEmbeddings compute(const coca::AnyDataset& data) const {
    const auto kind =
        options_.features == "pooled" ? coca::ImageFeature::pooled : coca::ImageFeature::embedding;
    return compute_all(data, model_, [&](std::span<const coca::Pixels> pictures) {
      return model_.image_features(pictures, kind);
    });
  }

  const Options& options_;
  Model& model_;
  coca::IdentityParts key_;
};

/// The features of those pictures for which `wanted` holds.
coca::ProbeData probe_data(const FeatureSet& set, const Options& options, std::size_t classes,
                           const std::function<bool(std::size_t)>& wanted) {
  const coca::Embeddings& features = set.computed.embeddings;
  const std::vector<std::size_t> labels = labels_of(set.data, set.computed.read);
  coca::ProbeData data{.width = features.width, .classes = classes};
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (!wanted(set.computed.read[i])) continue;
    const std::span<const float> row = features[i];
    data.values.insert(data.values.end(), row.begin(), row.end());
    data.labels.push_back(labels[i]);
  }
  if (options.normalize) coca::normalize_features(data);
  return data;
}

bool all(std::size_t) { return true; }

/// The training data, or a few pictures per class of it.
coca::AnyDataset training_data(const Options& options, const std::vector<std::string>& classes) {
  coca::AnyDataset data = open_labelled(options.training, options.data, classes, "train");
  if (options.shots == 0) return data;
  const coca::FewShots few = coca::few_shots(data, options.shots, options.model.seed);
  for (const auto& [label, count] : few.short_classes)
    print_note("evaluate probe", "the class \"" + classes[static_cast<std::size_t>(label)] +
                                     "\" has " + coca::counted(count, "picture") + ", fewer than " +
                                     coca::counted(options.shots, "shot"));
  return few.data;
}

/// What a probe is fitted on, and chosen by.
struct ProbeSplit {
  coca::ProbeData training, validation;
};

ProbeSplit split_of(const FeatureSet& training, const std::optional<FeatureSet>& validation,
                    const Options& options, std::size_t classes) {
  if (validation)
    return {probe_data(training, options, classes, all),
            probe_data(*validation, options, classes, all)};
  if (options.c) return {probe_data(training, options, classes, all), {}};
  const std::vector<std::string> names = names_of(training.data);
  const auto held_out = [&](std::size_t picture) { return coca::is_held_out(names[picture]); };
  ProbeSplit split{probe_data(training, options, classes, std::not_fn(held_out)),
                   probe_data(training, options, classes, held_out)};
  if (split.training.labels.empty() || split.validation.labels.empty())
    throw UsageError("a tenth of the " + std::to_string(names.size()) +
                     " training pictures cannot be held out to choose the regularisation: give "
                     "--validation or --c");
  return split;
}

/// With --c as it is, otherwise as the search finds.
coca::LinearProbe fit(const ProbeSplit& split, const Options& options) {
  const coca::LogisticOptions fitting{
      .c = options.c.value_or(1), .max_iterations = options.max_iterations, .tolerance = 1e-6};
  if (options.c) {
    const coca::ProbeData both = split.validation.labels.empty()
                                     ? split.training
                                     : coca::joined(split.training, split.validation);
    return {coca::fit_logistic(both.features(), fitting), *options.c, 0};
  }
  return coca::fit_linear_probe(
      split.training, split.validation, fitting, [&](double c, double accuracy) {
        if (!options.json)
          print_line("C " + to_text(c, 6) + ": " + to_text(100 * accuracy, 2) +
                     " % of the validation pictures");
      });
}

void print(const Options& options, const coca::LinearProbe& probe,
           const coca::ClassificationScores& scores, std::span<const std::string> names) {
  if (options.json) {
    JsonLine line = to_json(scores, names);
    line["c"] = probe.c;
    if (!options.c) line["validation_top_1"] = probe.validation_accuracy;
    line["features"] = options.features;
    line["normalized"] = options.normalize;
    return print_line(to_line(line));
  }
  print_line("linear probe with C " + to_text(probe.c, 6) + ": " + to_text(scores));
}

bool run(const CLI::App& app, const Options& options) {
  prepare_report(options.report);
  const auto model = open_model(options.model);
  const std::vector<std::string> classes = classes_of(options.training, options.data);
  const FeatureReader reader(options, *model);
  const FeatureSet training = reader.read(training_data(options, classes), "training");
  std::optional<FeatureSet> validation;
  if (!options.validation.empty())
    validation =
        reader.read(open_labelled(options.validation, options.data, classes, "val"), "validation");
  const FeatureSet test =
      reader.read(open_labelled(options.test, options.data, classes, "test"), "test");
  const coca::LinearProbe probe =
      fit(split_of(training, validation, options, classes.size()), options);

  const coca::ProbeData tested = probe_data(test, options, classes.size(), all);
  const ClassifiedPictures classified{test.data, test.computed.read,
                                      coca::probe_logits(probe.model, tested), tested.labels};
  const auto scores =
      coca::classification_scores(classified.logits, classified.labels, classes.size());
  Failures failures(app.get_name());
  report_broken(training.computed, failures);
  if (validation) report_broken(validation->computed, failures);
  report_broken(test.computed, failures);
  print(options, probe, scores, classes);
  if (!options.report.empty())
    write_classification_report({options.report, app.get_name(), model->info().reading}, classified,
                                scores, classes);
  return failures.none();
}

void add_probe_options(CLI::App& app, Options& options) {
  const char* group = "Probe";
  app.add_option("--features", options.features,
                 "what is read of the encoder. pooled: before the projection into the space of "
                 "embeddings, as for CLIP; embedding: after it")
      ->check(CLI::IsMember({"pooled", "embedding"}))
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  app.add_flag("--normalize", options.normalize, "scale features to a norm of 1")->group(group);
  app.add_option("--shots", options.shots,
                 "train on so many pictures of each class, drawn by --seed; 0: all")
      ->check(whole_number(0, many))
      ->type_name("N")
      ->group(group);
  app.add_option("--c", options.c,
                 "weight of the data against the squared weights, as scikit-learn's C (default: "
                 "CLIP's search over 1e-6 to 1e6 on the validation data)")
      ->check(finite_number(1e-12f, 1e10f))
      ->type_name("N")
      ->group(group);
  app.add_option("--max-iterations", options.max_iterations,
                 "iterations of L-BFGS per fit; 0: until it converges")
      ->check(whole_number(0, many))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  app.add_option("--feature-cache", options.cache, "folder that keeps the features")
      ->check(some_name())
      ->type_name("FOLDER")
      ->group(group);
}

}  // namespace

int evaluate_probe(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Measures an image encoder by a linear probe: logistic regression on its features, with the "
      "regularisation that is best on validation data (a tenth of the training data, by a hash of "
      "the names, unless --validation is given), refitted on both and tested once.",
      "evaluate probe");
  app.footer(
      "Example: evaluate probe train/ --test test/ --weights model/\n"
      "         evaluate probe train.csv --label-key kind --test test.csv --shots 16 --seed 1 "
      "--c 0.316");
  const auto add = [&](const char* name, std::vector<std::string>& paths, const char* description) {
    return app.add_option(name, paths, description)->check(some_name())->type_name("DATA");
  };
  add("training", options.training,
      "class folders, lists (JSON, CSV, TSV), shards with .cls, or IDX files")
      ->required();
  add("--test", options.test, "what the probe is tested on")->required();
  add("--validation", options.validation, "what the regularisation is chosen by");
  add_labelled_data_options(app, options.data);
  add_probe_options(app, options);
  app.add_option("--report", options.report,
                 "folder for classes.csv, confusion.csv, confusion.png and mistakes.png")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_flag("--json", options.json, "print one JSON object, with scores from 0 to 1");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
