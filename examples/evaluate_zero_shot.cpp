#include "evaluate_zero_shot.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/data/suite_file.hpp"
#include "coca/evaluation/zero_shot_run.hpp"
#include "coca/pipelines/file_digest.hpp"
#include "command_line.hpp"
#include "encoding_options.hpp"
#include "result_files.hpp"
#include "text_table.hpp"
#include "zero_shot_prompts.hpp"

namespace coca_examples {

namespace {

struct Options {
  ModelOptions model;
  ResultOptions results;
  EncodingOptions encoding;
  coca::SuiteEntry entry;  ///< of the command line
  std::string suite;       ///< file
  std::string separator;
  bool json = false;
};

/// A row of the table: a data set's result, or nothing if it has failed.
struct Row {
  std::string data_set;
  std::optional<coca::BenchmarkResult> result{};
  std::string pictures = "-";
};

std::vector<coca::SuiteEntry> entries_of(const Options& options) {
  if (!options.suite.empty()) return coca::parse_suite(coca::AnnotationFile(options.suite).text());
  std::vector<coca::SuiteEntry> entries{options.entry};
  if (entries[0].source.name.empty()) entries[0].source.name = base_name(entries[0].source.data);
  return entries;
}

/// "3 pictures of 2 other classes are skipped", for people.
void note_skipped(const std::string& program, const std::string& data_set,
                  const std::map<std::string, std::size_t>& skipped) {
  std::size_t pictures = 0;
  for (const auto& [label, count] : skipped) pictures += count;
  if (pictures == 0) return;
  print_note(program, data_set + ": " + std::to_string(pictures) +
                          (pictures == 1 ? " picture" : " pictures") + " of " +
                          std::to_string(skipped.size()) +
                          (skipped.size() == 1 ? " class that does" : " classes that do") +
                          " not compete " + (pictures == 1 ? "is" : "are") + " skipped");
}

/// What the figures depend on in addition to the model and the pictures: prompts, names, labels,
/// classes and border, files by their content.
std::string evaluated_as(const coca::SuiteEntry& entry) {
  coca::Digest digest;
  const auto add = [&](const std::string& text) {
    digest.add_text(text);
    if (const auto content = coca::file_digest(text)) digest.add_text(std::to_string(*content));
  };
  const coca::LabelledSource& source = entry.source;
  for (const std::string& choice : entry.templates) add(choice);
  digest.add_text("end of templates");
  for (const std::string& text : {source.names, source.labels, source.classes}) add(text);
  for (const std::string& key : {source.table.image_key, source.table.caption_key})
    digest.add_text(key);
  digest.add_text(std::to_string(entry.crop_border));
  return "prompts and classes " + digest.text();
}

/// Evaluates one data set. @throws coca::Error if it cannot be evaluated at all
Row evaluate(Model& model, const coca::SuiteEntry& entry, const Options& options,
             Failures& failures) {
  const std::string& name = entry.source.name;
  coca::BenchmarkResult result =
      new_result(options.results, options.model, model.info(), name, "zeroshot_classification");
  result.more[evaluated_as_key] = evaluated_as(entry);
  if (auto existing = existing_result(options.results, result)) {
    print_note(failures.program(), name + ": its result exists already");
    return {name, std::move(existing), "-"};
  }
  const coca::LabelledPictures pictures = coca::read_labelled_pictures(entry.source);
  for (const std::string& note : pictures.dataset.notes()) print_note(failures.program(), note);
  for (const std::string& problem : pictures.broken) failures.report(problem);
  note_skipped(failures.program(), name, pictures.skipped);
  ProgressBar progress("pictures of " + name);
  const coca::ZeroShotRun run = coca::run_zero_shot(
      model, pictures, zero_shot_prompts(entry, pictures.names, model),
      {.batch = options.encoding.batch,
       .crop_border = entry.crop_border,
       .cache = cache_file(options.encoding, name),
       .on_progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); }});
  for (const std::string& problem : run.broken) failures.report(problem);
  result.metrics = run.metrics;
  write_result(options.results, result);
  return {name, std::move(result), std::to_string(run.pictures)};
}

std::string percent(const std::optional<double>& share) {
  return share ? to_text(100 * *share, 1) : "-";
}

/// The mean of top-1 over data sets that have one; nothing if one of them failed.
std::optional<double> mean_top_1(const std::vector<Row>& rows) {
  std::vector<coca::BenchmarkResult> results;
  for (const Row& row : rows) {
    if (!row.result) return std::nullopt;
    if (coca::metric(*row.result, "acc1")) results.push_back(*row.result);
  }
  return coca::mean_metric(results, "acc1");
}

void print_table(const std::vector<Row>& rows, bool is_suite) {
  const std::vector<std::pair<std::string, std::string>> columns{
      {"top-1", "acc1"},
      {"top-5", "acc5"},
      {"mean per class", "mean_per_class_recall"},
      {"mAP", "mean_average_precision"}};
  std::vector<std::vector<std::string>> table{{"data set", "pictures"}};
  for (const auto& [title, key] : columns) table[0].push_back(title);
  for (const Row& row : rows) {
    table.push_back({row.data_set, row.pictures});
    for (const auto& [title, key] : columns)
      table.back().push_back(row.result ? percent(coca::metric(*row.result, key)) : "-");
  }
  if (is_suite) table.push_back({"mean of top-1", "", percent(mean_top_1(rows)), "", "", ""});
  for (const std::string& line : text_table(table)) print_line(line);
  print_line("In percent.");
}

void print_json(const std::vector<Row>& rows, bool is_suite) {
  JsonLine missing = JsonLine::array();
  for (const Row& row : rows) {
    if (row.result)
      print_line(to_line(coca::to_json(*row.result)));
    else
      missing.push_back(row.data_set);
  }
  if (!is_suite) return;
  const std::optional<double> mean = mean_top_1(rows);
  print_line(to_line({{"datasets", rows.size()},
                      {"missing", missing},
                      {"mean_acc1", mean ? JsonLine(*mean) : JsonLine(nullptr)}}));
}

/// Mistakes that can be found before anything is read.
void check_usage(const CLI::App& app, Options& options) {
  if (options.suite.empty() == options.entry.source.data.empty())
    throw UsageError("expected either data or --suite; see evaluate zero-shot --help");
  if (!options.suite.empty())
    for (const char* name :
         {"--name", "--names", "--templates", "--labels", "--classes", "--crop-border",
          "--image-key", "--label-key", "--image-folder", "--separator"})
      if (app.count(name) != 0)
        throw UsageError(std::string(name) + " is said in the suite, for each data set");
  try {
    options.entry.source.table.separator = coca::to_separator(options.separator);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
  check_results(options.results);
  make_cache_folder(options.encoding);
}

bool run(const CLI::App& app, Options options) {
  check_usage(app, options);
  const bool is_suite = !options.suite.empty();
  const std::vector<coca::SuiteEntry> entries = entries_of(options);
  const std::unique_ptr<Model> model = open_model(options.model);
  Failures failures(app.get_name());
  std::vector<Row> rows;
  for (const coca::SuiteEntry& entry : entries) try {
      rows.push_back(evaluate(*model, entry, options, failures));
    } catch (const coca::Error& error) {
      if (!is_suite) throw;
      failures.report("without " + entry.source.name + ": " + error.what());
      rows.push_back({entry.source.name});
    }
  options.json ? print_json(rows, is_suite) : print_table(rows, is_suite);
  return failures.none();
}

void add_data_options(CLI::App& app, Options& options) {
  coca::LabelledSource& source = options.entry.source;
  const auto add = [&](const char* name, std::string& value, const char* type,
                       const char* description) {
    return app.add_option(name, value, description)
        ->check(some_name())
        ->type_name(type)
        ->group("Data");
  };
  add("--suite", options.suite, "FILE",
      "JSON list of data sets with these options ({\"name\", \"data\", \"names\", ...}), instead "
      "of "
      "data: one table of all, with the mean of top-1");
  add("--name", source.name, "NAME",
      "the data set's name in files of several data sets, and in results (default: the name of "
      "the folder or file)");
  add("--names", source.names, "FILE",
      "names of the classes: a line each, CLIP_benchmark's JSON, or a CSV with the columns folder "
      "and name (default: classnames.txt of the data, or the folders' names)");
  app.add_option("--templates", options.entry.templates,
                 "prompts around a name, averaged: a text with {} or {c}, imagenet (CLIP's 80), "
                 "simple (7 of them), or a file: a template per line, CLIP_benchmark's JSON, or "
                 "JSON with the prompts of each class (CuPL); may be repeated (default: those of "
                 "the data, or \"a photo of a {}.\", and for the included model \"{}\")")
      ->check(utf8_text())
      ->check(some_name())
      ->type_name("TEXT|FILE|NAME")
      ->allow_extra_args(false)
      ->group("Data");
  add("--labels", source.labels, "KIND",
      "what a folder of pictures stands for. folder: its class, by the order of folders or the "
      "column folder of --names. number: the class of that number (ImageNet-V2). Or a CSV with the "
      "columns folder and name, whose rows are the classes (ObjectNet); pictures in other folders "
      "are skipped")
      ->capture_default_str();
  add("--classes", source.classes, "FILE",
      "folders or numbers of the classes that compete, a line each (ImageNet-A, -R); pictures of "
      "others are skipped (default: all)");
  app.add_option("--crop-border", options.entry.crop_border,
                 "pixels to cut off at each edge of a picture first (ObjectNet: 2)")
      ->check(whole_number(0, many))
      ->type_name("N")
      ->capture_default_str()
      ->group("Data");
  add("--image-key", source.table.image_key, "KEY",
      "column or JSON key of the picture's path in a table (default: filepath, image, ...)");
  add("--label-key", source.table.caption_key, "KEY",
      "column or JSON key of the label: a name, folder or number of a class; a picture with "
      "several rows has several labels (default: label)");
  add("--image-folder", source.table.image_folder, "FOLDER",
      "base folder of relative paths (default: the table's folder)");
  add("--separator", options.separator, "CHARACTER",
      "separator of a table's fields, or tab (default: found in its first line)");
}

}  // namespace

int evaluate_zero_shot(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Classifies pictures by the names of classes, as CLIP_benchmark does: the class whose "
      "prompts "
      "are\nnearest on average. Top-1, top-5 and mean recall per class; mean average precision for "
      "pictures\nwith several labels.",
      "evaluate zero-shot");
  app.footer(
      "Example: evaluate zero-shot imagenet-a --names imagenet1k.csv --classes imagenet_a.txt "
      "--templates imagenet\n"
      "         evaluate zero-shot --suite suite.json --weights run --results results "
      "--skip-existing");
  app.add_option(
         "data", options.entry.source.data,
         "a folder with a folder per class, a folder of CLIP_benchmark's shards "
         "(classnames.txt, test/0.tar), shards (\"x-{0..3}.tar\"), IDX pictures with labels, "
         "or a table of pictures and labels (CSV, TSV, JSON)")
      ->check(some_name())
      ->type_name("DATA");
  app.add_flag("--json", options.json,
               "print a JSON object per data set, as CLIP_benchmark's files; shares, not percent");
  add_encoding_options(app, options.encoding);
  add_data_options(app, options);
  add_result_options(app, options.results);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
