#include "evaluate_vqa.hpp"

#include <map>
#include <string>
#include <vector>

#include "answered_records.hpp"
#include "answerer_options.hpp"
#include "coca/core/counted.hpp"
#include "coca/data/vqa_dataset.hpp"
#include "coca/evaluation/vqa.hpp"
#include "coca/io/atomic_file.hpp"

namespace coca_examples {

namespace {

struct Options {
  std::string annotations;
  std::string results;
  coca::VqaFiles files;
  AnswererOptions model;
  AnsweringOptions answering{.field = "question"};
  std::string missing = "error";
  std::string output;
  std::string each_file;
  bool json = false;
};

void expect_one_source(const Options& options) {
  if (options.results.empty() == options.model.weights.empty())
    throw UsageError("give either a file of results, or --weights with a model that answers");
  if (!options.model.weights.empty() && options.files.questions.empty())
    throw UsageError("--weights needs --questions: what the model is to answer");
  if (!options.output.empty() && options.model.weights.empty())
    throw UsageError("--output writes the answers of a model: it needs --weights");
}

/// What the model answers, as VQA's results.
std::vector<coca::VqaResult> results_of_model(const Options& options, Failures& failures) {
  const auto model = open_answerer(options.model);
  if (model->info().description.task != "vqa")
    throw UsageError(options.model.weights + " is a model for " + model->info().description.task +
                     ", expected one for vqa");
  const coca::AnyDataset data = coca::VqaDataset(options.files);
  const auto answers = answer_records(*model, data, options.answering, failures);
  std::vector<coca::VqaResult> results;
  for (std::size_t i = 0; i < answers.size(); ++i)
    if (answers[i])
      results.push_back({data.record(i).fields.at("question_id"),
                         model->info().answers[coca::most_probable(*answers[i], 1).front()]});
  if (!options.output.empty())
    coca::write_file_atomically(options.output, coca::vqa_results_json(results));
  return results;
}

/// A line per question.
void write_each(const std::string& path, const coca::VqaScores& scores) {
  coca::AtomicFile file(path);
  for (const auto& [id, accuracy] : scores.each)
    file.write(to_line({{"question_id", id}, {"accuracy", accuracy}}) + "\n");
  file.commit();
}

JsonLine percents(const std::map<std::string, double>& accuracies) {
  JsonLine json = JsonLine::object();
  for (const auto& [name, accuracy] : accuracies) json[name] = coca::vqa_percent(accuracy);
  return json;
}

void print_group(const std::string& title, const std::map<std::string, double>& accuracies) {
  print_line(title);
  for (const auto& [name, accuracy] : accuracies)
    print_line("  " + to_text(coca::vqa_percent(accuracy), 2) + "  " + name);
}

/// The keys of the official script.
void print(const Options& options, const coca::VqaScores& scores) {
  if (options.json)
    return print_line(to_line({{"questions", scores.each.size()},
                               {"unanswered", scores.unanswered},
                               {"unknown", scores.unknown},
                               {"overall", coca::vqa_percent(scores.overall)},
                               {"perAnswerType", percents(scores.by_answer_type)},
                               {"perQuestionType", percents(scores.by_question_type)}}));
  print_line("Accuracy " + to_text(coca::vqa_percent(scores.overall), 2) + " over " +
             coca::counted(scores.each.size(), "question") + '.');
  print_group("By type of answer:", scores.by_answer_type);
  print_group("By type of question:", scores.by_question_type);
}

bool run(Options options) {
  expect_one_source(options);
  for (const std::string& path : {options.output, options.each_file})
    if (!path.empty()) expect_writable(path);
  options.answering.skip_missing = options.missing == "skip";
  Failures failures("evaluate vqa");
  const auto annotations =
      coca::read_vqa_annotations(coca::AnnotationFile(options.annotations).text());
  const std::vector<coca::VqaResult> results =
      options.results.empty()
          ? results_of_model(options, failures)
          : coca::read_vqa_results(coca::AnnotationFile(options.results).text());
  coca::VqaScores scores;
  try {
    scores = coca::vqa_scores(annotations, results);
  } catch (const coca::ArgumentError& error) {
    throw coca::FileError(options.annotations, error.what());
  }
  if (scores.unanswered != 0)
    print_note(failures.program(),
               coca::counted(scores.unanswered, "question has", "questions have") +
                   " no result; left out");
  if (scores.unknown != 0)
    print_note(failures.program(),
               coca::counted(scores.unknown, "result is", "results are") + " of no question");
  if (!options.each_file.empty()) write_each(options.each_file, scores);
  print(options, scores);
  return failures.none();
}

}  // namespace

int evaluate_vqa(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Accuracy of answers to questions about pictures: the numbers of VQA's official script, in "
      "percent.\nThe answers are those of a file, or of a model.",
      "evaluate vqa");
  app.footer(
      "Example: evaluate vqa v2_mscoco_val2014_annotations.json results.json\n"
      "         evaluate vqa v2_mscoco_val2014_annotations.json --weights run --questions "
      "v2_OpenEnded_mscoco_val2014_questions.json --image-folder val2014 --output results.json");
  const auto file = [&app](const char* name, std::string& value, const char* what) {
    return app.add_option(name, value, what)->check(some_name())->type_name("FILE");
  };
  file("annotations", options.annotations, "VQA's annotations: what people answered")->required();
  file("results", options.results, "a JSON list of {\"question_id\", \"answer\"}");
  add_answerer_options(app, options.model);
  file("--questions", options.files.questions, "VQA's questions, for --weights");
  file("--image-folder", options.files.picture_folder, "folder of the pictures")
      ->type_name("FOLDER");
  file("--picture-pattern", options.files.picture_pattern,
       "names of pictures by their ids, such as {}.png (default: COCO's)")
      ->type_name("TEXT");
  app.add_option("--missing", options.missing,
                 "questions whose pictures cannot be read: error stops, skip leaves them out")
      ->check(CLI::IsMember({"error", "skip"}))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--batch", options.answering.batch, "questions answered together")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  file("--output", options.output, "write the answers as VQA's results");
  file("--each", options.each_file, "write JSON lines: the accuracy of each question");
  app.add_flag("--json", options.json, "print one JSON object");
  return run_program(app, argc, argv, [&] { return run(options); });
}

}  // namespace coca_examples
