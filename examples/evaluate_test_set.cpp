#include "evaluate_test_set.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/io/atomic_file.hpp"
#include "score_table.hpp"
#include "templates.hpp"
#include "test_answers.hpp"
#include "test_samples.hpp"

namespace coca_examples {

namespace {

/// One line per picture, for other programs to evaluate.
void write_captions(const std::string& path, std::span<const Sample> samples) {
  coca::AtomicFile file(path);
  for (const Sample& sample : samples)
    file.write(to_line({{"image", sample.name},
                        {"references", sample.picture.references},
                        {"caption", sample.picture.caption.value_or("")}}) +
               "\n");
  file.commit();
}

void print(const TestSetOptions& options, const Model& model, const coca::TestSet& test_set,
           std::size_t skipped) {
  std::vector<NamedScores> rows;
  if (!options.group.empty())
    for (const std::string& group : test_set.groups())
      rows.emplace_back(group, test_set.scores(group));
  rows.emplace_back("all", test_set.scores());
  const bool captioning = rows.back().second.captioning.has_value();
  if (options.json) {
    JsonLine line{{"model", model.info().preset}, {"data", options.paths}, {"skipped", skipped}};
    if (rows.back().second.retrieval) line["protocol"] = options.protocol;
    if (captioning) line["beams"] = options.search.beams;
    line.update(to_json(rows.back().second));
    rows.pop_back();
    for (const auto& [group, scores] : rows) line["groups"][group] = to_json(scores);
    return print_line(to_line(line));
  }
  for (const std::string& line : score_table(options.group, rows)) print_line(line);
  std::string note = "Recall, exact matches and zero-shot accuracy are in percent";
  if (rows.back().second.retrieval)
    note += options.protocol == "captions" ? "; retrieval is among all captions"
                                           : "; retrieval is among distinct first captions";
  if (captioning)
    note += "; captions are generated with " + std::to_string(options.search.beams) +
            (options.search.beams == 1 ? " beam" : " beams");
  if (rows.back().second.intervals)
    note += "; the interval is the 95 % confidence interval of R@5 (bootstrap over \"" +
            options.interval + "\")";
  print_line(note + '.');
  if (skipped != 0)
    print_line(std::to_string(skipped) +
               (skipped == 1 ? " picture was skipped." : " pictures were skipped."));
}

/// Mistakes that can be found before anything is read.
void check_usage(const CLI::App& app, const TestSetOptions& options) {
  if (options.labels_file.empty())
    for (const char* name : {"--label-key", "--templates"})
      if (app.count(name) != 0) throw UsageError(std::string(name) + " needs --labels-file");
  try {
    coca::to_separator(options.data.separator);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
  if (!options.captions_file.empty() && options.no_captioning)
    throw UsageError("--captions and --no-captioning exclude each other");
  if (!options.captions_file.empty()) expect_writable(options.captions_file);
}

bool run(const CLI::App& app, TestSetOptions options) {
  check_usage(app, options);
  options.model.captions = !options.captions_file.empty();
  std::optional<Labels> labels;
  if (!options.labels_file.empty()) labels.emplace(options.labels_file);
  const coca::AnyDataset dataset = open_test_data(options);
  for (const std::string& note : dataset.notes()) print_note(app.get_name(), note);
  Failures failures(app.get_name());
  auto [samples, broken] = read_samples(options, dataset, labels, failures);
  const std::size_t all = samples.size() + broken;
  const auto is_captioned = [](const Sample& s) { return !s.picture.references.empty(); };
  if (std::none_of(samples.begin(), samples.end(), is_captioned)) {
    if (!labels)
      throw coca::Error(
          "there is nothing to evaluate: no picture has a caption, and there is no "
          "--labels-file");
    if (!options.interval.empty())
      throw coca::Error("--interval is about recall, but no picture has a caption");
  }
  const auto model = open_model(options.model);
  std::optional<coca::ZeroShotClassifier> classifier;
  if (labels)
    classifier = model->classifier(labels->names(), read_templates(options.templates, *model));

  Answers answers = answer(*model, options, dataset, std::move(samples), failures);
  embed_captions(*model, options, answers);
  if (classifier) answers.embeddings.classes = classifier->embeddings().values;
  if (!options.captions_file.empty()) write_captions(options.captions_file, answers.samples);
  std::vector<coca::TestPicture> pictures;
  for (Sample& sample : answers.samples) pictures.push_back(std::move(sample.picture));
  const std::size_t skipped = all - pictures.size();
  const coca::TestSet test_set(
      std::move(pictures), std::move(answers.embeddings),
      options.protocol == "captions" ? coca::Ties::in_order : coca::Ties::before);
  print(options, *model, test_set, skipped);
  return failures.none();
}

void add_data_options(CLI::App& app, TestSetOptions& options) {
  const auto add = [&](const char* name, std::string& value, const char* type,
                       const char* description) {
    app.add_option(name, value, description)->check(some_name())->type_name(type)->group("Data");
  };
  add("--image-key", options.data.image_key, "KEY",
      "column or JSON key of the picture's path (default: filepath, image, file_name, ...)");
  add("--caption-key", options.data.caption_key, "KEY",
      "column or JSON key of captions (default: title, caption, text or captions)");
  add("--image-folder", options.data.image_folder, "FOLDER",
      "base folder of relative paths (default: the caption file's folder)");
  app.add_option("--protocol", options.protocol,
                 "how retrieval is measured. captions: as for COCO and Flickr30K: any of a "
                 "picture's captions is a hit, and each caption is searched for its picture. "
                 "concepts: as in train's validation: each picture has its first caption, "
                 "captions with the same tokens count as one, and any of their pictures is a hit")
      ->check(CLI::IsMember({"captions", "concepts"}))
      ->type_name("PROTOCOL")
      ->capture_default_str()
      ->group("Data");
  add("--separator", options.data.separator, "CHARACTER",
      "separator of a table's fields, such as ; or |, or tab (default: found in its first line)");
  app.add_option("--split", options.data.split,
                 "splits to read of a file that has splits, such as Karpathy's (default: test)")
      ->check(some_name())
      ->type_name("NAME")
      ->group("Data");
  app.add_option_function<std::string>(
         "--folders",
         [&options](const std::string& name) {
           for (const auto& choice : coca::detail::folder_choices)
             if (name == choice.name) options.data.folders = choice.value;
         },
         "how a folder of pictures is read: automatic (as captions if half of the pictures have a "
         ".txt, .caption or .json next to them, otherwise as classes), captions, classes")
      ->check(CLI::IsMember({"automatic", "captions", "classes"}))
      ->type_name("NAME")
      ->default_str("automatic")
      ->group("Data");
  add("--group", options.group, "KEY",
      "also print the scores for each value of this column or JSON key. A group's pictures and "
      "captions are searched among those of all groups; CIDEr's word frequencies are also global");
  add("--interval", options.interval, "KEY",
      "also print the 95 % confidence interval of recall (bootstrap), where pictures with the same "
      "value of this column or JSON key are drawn together");
  add("--labels-file", options.labels_file, "FILE",
      "UTF-8 text with one label per line, for zero-shot classification");
  app.add_option("--label-key", options.label_key,
                 "column or JSON key of a picture's label; \"caption\" is its first caption. Class "
                 "folders use the class name, shards the line number in .cls, counted from 0")
      ->check(some_name())
      ->type_name("KEY")
      ->capture_default_str()
      ->group("Data");
  add_templates_option(app, options.templates)->group("Data");
}

void add_search_options(CLI::App& app, TestSetOptions& options) {
  const auto add = [&](const char* name, std::size_t& value, std::uint64_t least,
                       std::uint64_t most, const char* description) {
    app.add_option(name, value, description)
        ->check(whole_number(least, most))
        ->type_name("N")
        ->capture_default_str()
        ->group("Search");
  };
  add("--beams", options.search.beams, 1, 1024, "number of beams; 1 is greedy search");
  add("--max-length", options.search.max_length, 0, many,
      "maximum number of tokens, start and end included; 0: 30, or the model's context if shorter");
  app.add_option("--min-length", options.min_length,
                 "minimum number of tokens, start and end included (default: that of the model's "
                 "generation_config.json, or else 5)")
      ->check(whole_number(0, many))
      ->type_name("N")
      ->group("Search");
  app.add_flag("--no-captioning", options.no_captioning, "skip captioning, the slowest part")
      ->group("Search");
}

}  // namespace

int evaluate_test_set(int argc, char* argv[]) {
  TestSetOptions options;
  CLI::App app(
      "Measures the quality of a model on pictures whose captions are known.\n\n"
      "Retrieval: how often one of a picture's captions is among the nearest 1, 5, 10 captions, "
      "and "
      "a\ncaption's picture among the nearest pictures. Captioning: exact matches with the first "
      "caption,\nCIDEr (0 to 10) and BLEU-4 (0 to 1) against all captions of a "
      "picture.\nZero-shot: how often the right label is the nearest, or among the nearest "
      "five.\n\n\"evaluate captions ANNOTATIONS RESULTS\" scores existing captions, without a "
      "model:\nsee evaluate captions --help.",
      "evaluate");
  app.footer(
      "Example: evaluate held_out.jsonl --weights run --group source --captions captions.jsonl\n"
      "         evaluate nouns.jsonl --labels-file nouns.txt --templates \"{}\" --no-captioning");
  app.add_option("data", options.paths,
                 "caption files (JSON, CSV, TSV), shards (\"shard-{000..012}.tar\") or folders of "
                 "pictures")
      ->required()
      ->check(some_name())
      ->type_name("DATA");
  app.add_flag("--json", options.json,
               "print one JSON object, with scores as fractions instead of percentages");
  app.add_option("--captions", options.captions_file,
                 "write JSON lines: image, references, and the model's caption")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--batch", options.batch, "pictures captioned together")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  add_data_options(app, options);
  add_search_options(app, options);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
