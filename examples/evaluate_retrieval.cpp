#include "evaluate_retrieval.hpp"

#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/data/positives_file.hpp"
#include "coca/evaluation/retrieval_page.hpp"
#include "coca/evaluation/retrieval_report.hpp"
#include "coca/evaluation/retrieval_run.hpp"
#include "coca/io/atomic_file.hpp"
#include "command_line.hpp"
#include "encoding_options.hpp"
#include "result_files.hpp"
#include "retrieval_table.hpp"

namespace coca_examples {

namespace {

struct Options {
  ModelOptions model;
  ResultOptions results;
  EncodingOptions encoding;
  std::string data;
  std::string name;  ///< of the data set
  coca::RetrievalDataOptions reading;
  std::vector<std::string> splits;
  std::string captions = "all";
  std::string protocol = "captions";
  std::vector<std::string> positives;  ///< files
  std::string separator;
  std::string page;  ///< file
  bool json = false;
};

/// What is printed about the data in addition to the metrics.
struct Counts {
  std::size_t pictures = 0;
  std::size_t texts = 0;
  std::size_t skipped = 0;
};

std::string cache_of(const Options& options, const std::string& kind) {
  return cache_file(options.encoding, options.name + '_' + kind);
}

/// Metrics of ranks both ways; a text belongs to the cluster of its first picture.
coca::Metrics rank_metrics(const coca::RetrievalRun& run) {
  std::vector<std::size_t> own(run.pictures.size());
  std::iota(own.begin(), own.end(), std::size_t{0});
  coca::Metrics metrics;
  coca::add_rank_metrics(coca::retrieval_ways[1], {run.ranks.texts, run.text_clusters}, metrics);
  coca::add_rank_metrics(coca::retrieval_ways[0], {run.ranks.images, own}, metrics);
  return metrics;
}

/// The files of further right answers. @throws coca::FileError if one cannot be read
std::vector<coca::PositiveIds> read_positives(const std::vector<std::string>& paths) {
  std::vector<coca::PositiveIds> all;
  for (const std::string& path : paths) {
    const coca::MappedFile file(path);
    const auto bytes = file.bytes();
    all.push_back(
        coca::parse_positives({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path));
  }
  return all;
}

/// Adds the metrics of further right answers. Where only one file is given, and it is of pictures,
/// its inverse serves the other way.
void add_positives(const Options& options, const std::vector<coca::PositiveIds>& files,
                   const coca::RetrievalRun& run, const std::string& program,
                   coca::Metrics& metrics) {
  const coca::EmbeddingRows images{run.image_embeddings.values, run.image_embeddings.width};
  const coca::EmbeddingRows texts{run.text_embeddings.values, run.text_embeddings.width};
  const auto threads = static_cast<std::size_t>(options.model.threads);
  const auto add = [&](bool of_pictures, const coca::CaptionPositives& right) {
    coca::add_positive_metrics(coca::retrieval_ways[of_pictures ? 0 : 1],
                               of_pictures ? precision_at_r(images, texts, right, threads)
                                           : precision_at_r(texts, images, right, threads),
                               metrics);
  };
  for (const coca::PositiveIds& ids : files) {
    const coca::Positives positives = coca::resolve_positives(ids, run.pictures);
    if (positives.unknown != 0)
      print_note(program, ids.path + ": " + std::to_string(positives.unknown) +
                              " of its ids are not in the data");
    add(positives.of_pictures, positives.lists);
    const std::size_t others = positives.of_pictures ? run.texts.size() : run.pictures.size();
    if (files.size() == 1) add(!positives.of_pictures, coca::inverted(positives.lists, others));
  }
}

void print(const Options& options, const coca::BenchmarkResult& result, const Counts& counts) {
  if (options.json) {
    JsonLine line = coca::to_json(result);
    line["protocol"] = options.protocol;
    line["pictures"] = counts.pictures;
    line["captions"] = counts.texts;
    line["skipped"] = counts.skipped;
    return print_line(to_line(line));
  }
  for (const std::string& text : retrieval_table(result, {counts.pictures, counts.texts}))
    print_line(text);
  print_line(options.protocol == "captions"
                 ? "Recall in percent, among all captions; ranks from 1."
                 : "Recall in percent, among distinct first captions; ranks from 1.");
  if (counts.skipped != 0)
    print_line(std::to_string(counts.skipped) +
               (counts.skipped == 1 ? " picture was skipped." : " pictures were skipped."));
}

/// Writes the page of hits and misses.
void write_page(const Options& options, const Model& model, const coca::RetrievalData& data,
                const coca::RetrievalRun& run, const std::vector<std::string>& figures) {
  const auto thumbnail = [&](std::size_t number) -> std::string {
    const std::size_t picture = run.numbers[number];
    try {
      return coca::thumbnail_address(coca::read_image(data.dataset.read(data.records[picture]),
                                                      run.pictures[number].file_name,
                                                      model.info().reading));
    } catch (const coca::Error&) {  // it was readable when it was embedded: its name is shown
      return "";
    }
  };
  coca::write_file_atomically(
      options.page,
      coca::retrieval_page(run, options.name + ", " + model.info().preset, figures, thumbnail));
}

/// A folder's name, or a file's without its ending.
std::string default_name(const std::string& path) {
  std::error_code ignored;
  const std::string name = base_name(path);
  if (std::filesystem::is_directory(path, ignored)) return name;
  return std::filesystem::path(name).stem().string();
}

/// What the figures depend on in addition to the model and the data.
std::string evaluated_as(const Options& options) {
  std::string splits;
  for (const std::string& split : options.reading.splits)
    splits += (splits.empty() ? "" : " and ") + split;
  return "--protocol " + options.protocol + " and --captions " + options.captions +
         " of the split " + splits;
}

/// What needs embeddings cannot be made of a result that exists.
void expect_only_figures(const Options& options) {
  for (const auto& [name, is_given] : {std::pair("--page", !options.page.empty()),
                                       std::pair("--positives", !options.positives.empty())})
    if (is_given)
      throw UsageError(std::string(name) + " needs embeddings, but the result of " + options.name +
                       " exists, and --skip-existing keeps it");
}

void check_usage(Options& options) {
  if (options.captions != "all")
    options.reading.captions = static_cast<std::size_t>(std::stoul(options.captions));
  if (!options.splits.empty()) options.reading.splits = options.splits;
  if (options.positives.size() > 2)
    throw UsageError("--positives is given at most twice: a file of pictures, and one of captions");
  if (!options.positives.empty() && options.protocol != "captions")
    throw UsageError("--positives needs --protocol captions");
  try {
    options.reading.pairs.separator = coca::to_separator(options.separator);
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
  if (options.name.empty()) options.name = default_name(options.data);
  if (options.name.empty()) options.name = "data";
  check_results(options.results);
  if (!options.page.empty()) expect_writable(options.page);
  make_cache_folder(options.encoding);
}

coca::RetrievalRun run_model(Model& model, const coca::RetrievalData& data,
                             const Options& options) {
  ProgressBar progress("pictures");
  coca::RetrievalRunOptions run{.protocol = options.protocol == "captions"
                                                ? coca::RetrievalProtocol::captions
                                                : coca::RetrievalProtocol::concepts,
                                .text_cache = cache_of(options, "texts"),
                                .threads = static_cast<std::size_t>(options.model.threads)};
  run.pictures.batch = options.encoding.batch;
  run.pictures.cache = cache_of(options, "pictures");
  run.pictures.on_progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); };
  return coca::run_retrieval(model, data, run);
}

bool run(const CLI::App& app, Options options) {
  check_usage(options);
  Failures failures(app.get_name());
  const std::vector<coca::PositiveIds> positives = read_positives(options.positives);
  const coca::RetrievalData data = coca::read_retrieval_data(options.data, options.reading);
  for (const std::string& note : data.dataset.notes()) print_note(app.get_name(), note);
  for (const std::string& problem : data.broken) failures.report(problem);
  if (data.uncaptioned != 0)
    print_note(app.get_name(), coca::counted(data.uncaptioned, "picture") +
                                   (data.uncaptioned == 1 ? " has no caption and is left out"
                                                          : " have no caption and are left out"));
  const std::unique_ptr<Model> model = open_model(options.model);
  coca::BenchmarkResult result =
      new_result(options.results, options.model, model->info(), options.name, "zeroshot_retrieval");
  result.more[evaluated_as_key] = evaluated_as(options);
  if (const auto existing = existing_result(options.results, result)) {
    expect_only_figures(options);
    print_note(app.get_name(), options.name + ": its result exists already");
    Counts counts{data.pictures.size(), 0, data.broken.size()};
    for (const coca::AnnotatedPicture& picture : data.pictures)
      counts.texts += options.protocol == "captions" ? picture.captions.size() : 1;
    print(options, *existing, counts);
    return failures.none();
  }
  const coca::RetrievalRun run = run_model(*model, data, options);
  for (const std::string& problem : run.broken) failures.report(problem);
  result.metrics = rank_metrics(run);
  add_positives(options, positives, run, app.get_name(), result.metrics);
  write_result(options.results, result);
  const Counts counts{run.pictures.size(), run.texts.size(),
                      data.broken.size() + run.broken.size()};
  print(options, result, counts);
  if (!options.page.empty())
    write_page(options, *model, data, run,
               retrieval_table(result, {counts.pictures, counts.texts}));
  return failures.none();
}

/// A number of captions from 1, or all.
CLI::Validator caption_count() {
  return {[](const std::string& text) {
            if (text == "all" || whole_number(1, many)(std::string(text)).empty())
              return std::string();
            return "expected all or a number from 1 to " + std::to_string(many) + ", got " +
                   (text.empty() ? "nothing" : text);
          },
          ""};
}

void add_data_options(CLI::App& app, Options& options) {
  const auto add = [&](const char* name, std::string& value, const char* type,
                       const char* description) {
    return app.add_option(name, value, description)
        ->check(some_name())
        ->type_name(type)
        ->group("Data");
  };
  add("--name", options.name, "NAME",
      "the data set's name in results (default: that of the file or folder)");
  app.add_option("--split", options.splits,
                 "splits to read of Karpathy's files; may be repeated (default: test)")
      ->check(some_name())
      ->type_name("NAME")
      ->allow_extra_args(false)
      ->group("Data");
  app.add_option("--captions", options.captions,
                 "how many captions of each picture count, the first ones, such as 5, or all")
      ->check(caption_count())
      ->type_name("N|all")
      ->capture_default_str()
      ->group("Data");
  app.add_option(
         "--protocol", options.protocol,
         "captions: all captions of a picture are right and compete (COCO, Flickr30K). "
         "concepts: each picture has its first caption, captions with the same tokens count "
         "as one, and any of their pictures is right")
      ->check(CLI::IsMember({"captions", "concepts"}))
      ->type_name("PROTOCOL")
      ->capture_default_str()
      ->group("Data");
  app.add_option("--positives", options.positives,
                 "JSON from ids of pictures to ids of captions that are right, or from captions to "
                 "pictures (eccv-caption): adds R-precision and mAP@R; given twice: one of each")
      ->check(some_name())
      ->type_name("FILE")
      ->allow_extra_args(false)
      ->group("Data");
  add("--image-folder", options.reading.pairs.image_folder, "FOLDER",
      "base folder of relative paths (default: the caption file's folder)");
  add("--image-key", options.reading.pairs.image_key, "KEY",
      "column or JSON key of the picture's path in tables and JSON lines");
  add("--caption-key", options.reading.pairs.caption_key, "KEY",
      "column or JSON key of captions in tables and JSON lines");
  add("--separator", options.separator, "CHARACTER",
      "separator of a table's fields, or tab (default: found in its first line)");
}

}  // namespace

int evaluate_retrieval(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Searches captions with pictures and pictures with captions, as CLIP_benchmark does: how "
      "often "
      "a\nright one is among the nearest 1, 5, 10, with 95 % intervals; median and mean rank.",
      "evaluate retrieval");
  app.footer(
      "Example: evaluate retrieval dataset_coco.json --captions 5 --image-folder coco --weights "
      "run\n"
      "         evaluate retrieval flickr30k_test_karpathy.txt --image-folder images --page "
      "page.html");
  app.add_option("data", options.data,
                 "Karpathy's JSON, COCO's annotations, CLIP_benchmark's Flickr .txt or folder of "
                 "shards, a table or JSON lines of pictures and captions, or a folder of pictures "
                 "with captions")
      ->required()
      ->check(some_name())
      ->type_name("DATA");
  app.add_flag("--json", options.json,
               "print one JSON object, as CLIP_benchmark's file; shares, not percent");
  add_encoding_options(app, options.encoding);
  app.add_option("--page", options.page,
                 "write a page (HTML, pictures included) of the worst misses and some hits")
      ->check(some_name())
      ->type_name("FILE");
  add_data_options(app, options);
  add_result_options(app, options.results);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
