#include "evaluate_sentences.hpp"

#include <string>
#include <vector>

#include "answered_records.hpp"
#include "answerer_options.hpp"
#include "coca/core/counted.hpp"
#include "coca/data/sentence_datasets.hpp"
#include "coca/evaluation/classification.hpp"
#include "coca/evaluation/csv_field.hpp"
#include "coca/evaluation/pair_scores.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca_examples {

namespace {

struct Options {
  std::string pairs;        ///< file of sentences
  std::string predictions;  ///< of NLVR2
  std::string image_folder;
  AnswererOptions model;
  AnsweringOptions answering{.field = "sentence"};
  std::string missing = "error";
  std::string output;
  bool json = false;
};

std::unique_ptr<Answerer> open_for(const std::string& task, const Options& options) {
  auto model = open_answerer(options.model);
  if (model->info().description.task != task)
    throw UsageError(options.model.weights + " is a model for " + model->info().description.task +
                     ", expected one for " + task);
  return model;
}

/// What both subcommands have.
void add_options(CLI::App& app, Options& options) {
  app.add_option("--image-folder", options.image_folder,
                 "folder of the pictures (default: that of the sentences)")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_option("--missing", options.missing,
                 "sentences whose pictures cannot be read: error stops, skip leaves them out")
      ->check(CLI::IsMember({"error", "skip"}))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--batch", options.answering.batch, "sentences judged together")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--output", options.output, "write the model's judgements as CSV")
      ->check(some_name())
      ->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON object");
}

std::string percent(double share) { return to_text(100 * share, 2) + " %"; }

/// Judgements of entailment, as far as there are any.
struct Judged {
  std::vector<float> probabilities;  ///< [judged, 3]
  std::vector<std::size_t> labels;
  std::string csv = "pairID,label\n";
};

Judged judge(const Options& options, const coca::AnyDataset& data, Failures& failures) {
  const auto model = open_for("entailment", options);
  const auto answers = answer_records(*model, data, options.answering, failures);
  Judged judged;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    const coca::Record record = data.record(i);
    judged.probabilities.insert(judged.probabilities.end(), answers[i]->begin(), answers[i]->end());
    judged.labels.push_back(static_cast<std::size_t>(*record.label));
    judged.csv += coca::csv_field(record.fields.at("pair_id")) + "," +
                  model->info().answers[coca::most_probable(*answers[i], 1).front()] + "\n";
  }
  return judged;
}

void print(const Options& options, const coca::ClassificationScores& scores, std::size_t left_out,
           std::size_t pairs) {
  if (options.json) {
    JsonLine line{{"pairs", pairs}, {"left_out", left_out}, {"accuracy", scores.top_1}};
    for (std::size_t i = 0; i < scores.classes.size(); ++i)
      line["classes"][std::string(coca::entailment_classes[i])] = {
          {"precision", scores.classes[i].precision},
          {"recall", scores.classes[i].recall},
          {"f1", scores.classes[i].f1},
          {"count", scores.classes[i].count}};
    return print_line(to_line(line));
  }
  print_line("Accuracy " + percent(scores.top_1) + " over " + coca::counted(pairs, "pair") + '.');
  for (std::size_t i = 0; i < scores.classes.size(); ++i)
    print_line("  " + std::string(coca::entailment_classes[i]) + ": precision " +
               percent(scores.classes[i].precision) + ", recall " +
               percent(scores.classes[i].recall) + ", of " +
               std::to_string(scores.classes[i].count));
}

bool run_entailment(Options options) {
  if (!options.output.empty()) expect_writable(options.output);
  options.answering.skip_missing = options.missing == "skip";
  Failures failures("evaluate entailment");
  const coca::AnyDataset data = coca::EntailmentDataset(options.pairs, options.image_folder);
  for (const std::string& note : data.notes()) print_note(failures.program(), note);
  const Judged judged = judge(options, data, failures);
  if (judged.labels.empty())
    throw coca::FileError(options.pairs, "none of its pictures could be read");
  if (!options.output.empty()) coca::write_file_atomically(options.output, judged.csv);
  print(options, coca::classification_scores(judged.probabilities, judged.labels, 3),
        data.size() - judged.labels.size(), judged.labels.size());
  return failures.none();
}

std::vector<coca::PairPrediction> predictions_of_model(const Options& options, Failures& failures) {
  const auto model = open_for("pairs", options);
  const coca::AnyDataset data = coca::PicturePairDataset(options.pairs, options.image_folder);
  const auto answers = answer_records(*model, data, options.answering, failures);
  std::vector<coca::PairPrediction> predictions;
  std::string csv;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) continue;
    const std::string identifier = data.record(i).fields.at("identifier");
    const bool is_true = coca::most_probable(*answers[i], 1).front() == 1;
    predictions.push_back({identifier, is_true});
    csv += coca::csv_field(identifier) + (is_true ? ",True\n" : ",False\n");
  }
  if (!options.output.empty()) coca::write_file_atomically(options.output, csv);
  return predictions;
}

std::vector<coca::PairPrediction> read_predictions(const std::string& path) {
  const coca::MappedFile file(path);
  return coca::read_pair_predictions(
      {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()}, path);
}

void expect_one_source(const Options& options) {
  if (options.predictions.empty() == options.model.weights.empty())
    throw UsageError("give either a file of predictions, or --weights with a model that judges");
  if (!options.output.empty() && options.model.weights.empty())
    throw UsageError("--output writes the judgements of a model: it needs --weights");
}

bool run_pairs(Options options) {
  expect_one_source(options);
  if (!options.output.empty()) expect_writable(options.output);
  options.answering.skip_missing = options.missing == "skip";
  Failures failures("evaluate pairs");
  const auto pairs = coca::read_nlvr2(coca::AnnotationFile(options.pairs).text());
  const auto predictions = options.predictions.empty() ? predictions_of_model(options, failures)
                                                       : read_predictions(options.predictions);
  coca::PairScores scores;
  try {
    scores = coca::pair_scores(pairs, predictions);
  } catch (const coca::ArgumentError& error) {
    throw coca::FileError(options.pairs, error.what());
  }
  if (scores.unanswered != 0)
    print_note(failures.program(), coca::counted(scores.unanswered, "pair has", "pairs have") +
                                       " no prediction; left out");
  if (scores.unknown != 0)
    print_note(failures.program(),
               coca::counted(scores.unknown, "prediction is", "predictions are") + " of no pair");
  const std::size_t judged = pairs.size() - scores.unanswered;
  if (options.json)
    print_line(to_line({{"pairs", judged},
                        {"unanswered", scores.unanswered},
                        {"unknown", scores.unknown},
                        {"accuracy", scores.accuracy},
                        {"consistency", scores.consistency}}));
  else
    print_line("Accuracy " + percent(scores.accuracy) + ", consistency " +
               percent(scores.consistency) + " over " + coca::counted(judged, "pair") + '.');
  return failures.none();
}

}  // namespace

int evaluate_entailment(int argc, char* argv[]) {
  Options options;
  CLI::App app("Whether a model knows which sentences follow from a picture (SNLI-VE).",
               "evaluate entailment");
  app.footer(
      "Example: evaluate entailment snli_ve_test.jsonl --weights run --image-folder "
      "flickr30k-images");
  app.add_option("pairs", options.pairs, "SNLI-VE's JSON lines")
      ->required()
      ->check(some_name())
      ->type_name("FILE");
  add_answerer_options(app, options.model)->required();
  add_options(app, options);
  return run_program(app, argc, argv, [&] { return run_entailment(options); });
}

int evaluate_pairs(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Whether sentences are true of two pictures (NLVR2): accuracy and consistency. The "
      "judgements are\nthose of a file, or of a model.",
      "evaluate pairs");
  app.footer(
      "Example: evaluate pairs dev.json predictions.csv\n"
      "         evaluate pairs dev.json --weights run --image-folder dev --output predictions.csv");
  app.add_option("pairs", options.pairs, "NLVR2's JSON lines")
      ->required()
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("predictions", options.predictions, "CSV: identifier,True or identifier,False")
      ->check(some_name())
      ->type_name("FILE");
  add_answerer_options(app, options.model);
  add_options(app, options);
  return run_program(app, argc, argv, [&] { return run_pairs(options); });
}

}  // namespace coca_examples
