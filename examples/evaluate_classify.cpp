#include "evaluate_classify.hpp"

#include "coca/core/counted.hpp"
#include "labelled_pictures.hpp"

namespace coca_examples {

namespace {

struct Options {
  ModelOptions model;
  std::vector<std::string> paths;
  coca::TrainingData data;
  std::string report;
  bool json = false;
};

void print(const Options& options, const coca::ClassificationScores& scores,
           std::span<const std::string> names, std::size_t pictures, std::size_t skipped) {
  if (options.json) {
    JsonLine line = to_json(scores, names);
    line["pictures"] = pictures;
    line["skipped"] = skipped;
    return print_line(to_line(line));
  }
  print_line(coca::counted(pictures, "picture") +
             (skipped == 0 ? "" : ", " + std::to_string(skipped) + " skipped") + ": " +
             to_text(scores));
  constexpr std::size_t shown = 20;
  for (const std::string& row : class_table(scores, names, shown)) print_line(row);
  if (names.size() > shown)
    print_line("(the " + std::to_string(shown) + " classes with the lowest recall of " +
               std::to_string(names.size()) + "; --report FOLDER writes all)");
}

bool run(const CLI::App& app, const Options& options) {
  prepare_report(options.report);
  const auto model = open_model(options.model);
  const std::vector<std::string>& names = model->info().classes;
  if (names.empty())
    throw UsageError("the model " + model->info().preset +
                     " has no classes of its own: give the folder of train --task classify, or "
                     "measure it zero-shot: evaluate DATA --labels-file FILE");
  ClassifiedPictures classified{open_labelled(options.paths, options.data, names, "test")};
  const coca::PictureEmbeddings computed =
      compute_all(classified.data, *model, [&](std::span<const coca::Pixels> pictures) {
        return coca::Embeddings{model->class_logits(pictures), pictures.size(), names.size()};
      });
  classified.pictures = computed.read;
  classified.logits = computed.embeddings.values;
  classified.labels = labels_of(classified.data, computed.read);
  const auto scores =
      coca::classification_scores(classified.logits, classified.labels, names.size());
  Failures failures(app.get_name());
  report_broken(computed, failures);
  print(options, scores, names, computed.read.size(), computed.broken.size());
  if (!options.report.empty())
    write_classification_report({options.report, app.get_name(), model->info().reading}, classified,
                                scores, names);
  return failures.none();
}

}  // namespace

int evaluate_classify(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Measures a trained classifier on labelled pictures: how often the right class is the first, "
      "or among the first five (from five classes on), and the mean over classes.",
      "evaluate classify");
  app.footer(
      "Example: evaluate classify test/ --weights run --report report\n"
      "         evaluate classify test.csv --label-key kind --weights run --json");
  app.add_option("data", options.paths,
                 "class folders, lists (JSON, CSV, TSV), shards with .cls, or IDX files")
      ->required()
      ->check(some_name())
      ->type_name("DATA");
  add_labelled_data_options(app, options.data);
  app.add_option("--report", options.report,
                 "folder for classes.csv, confusion.csv, confusion.png, and mistakes.png: the most "
                 "confident mistakes")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_flag("--json", options.json, "print one JSON object, with scores from 0 to 1");
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
