#include "evaluate_video_retrieval.hpp"

#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "clip_options.hpp"
#include "coca/core/counted.hpp"
#include "coca/evaluation/retrieval_report.hpp"
#include "coca/evaluation/video_retrieval.hpp"
#include "command_line.hpp"
#include "result_files.hpp"
#include "retrieval_table.hpp"

namespace coca_examples {

namespace {

struct Options {
  ModelOptions model;
  ResultOptions results;
  std::string data;
  std::string split = "test";
  std::string missing = "error";
  coca::VideoRetrievalOptions run;
  bool json = false;
};

coca::Metrics metrics_of(const coca::VideoRetrievalRun& run) {
  std::vector<std::size_t> own(run.videos.size());
  std::iota(own.begin(), own.end(), std::size_t{0});
  coca::Metrics metrics;
  coca::add_rank_metrics(coca::retrieval_ways[1], {run.ranks.texts, run.text_clusters}, metrics);
  coca::add_rank_metrics(coca::retrieval_ways[0], {run.ranks.images, own}, metrics);
  return metrics;
}

/// Stops at a video that cannot be read, or reports it.
void expect_readable(const Options& options, const coca::SkippedPicture& broken,
                     Failures& failures) {
  if (options.missing == "error")
    throw coca::Error(about(broken.name, broken.reason) +
                      "; --missing skip leaves out what cannot be read");
  failures.report(about(broken.name, broken.reason));
}

void print(const Options& options, const coca::BenchmarkResult& result,
           const coca::VideoRetrievalRun& run, std::size_t left_out) {
  if (options.json) {
    JsonLine line = coca::to_json(result);
    line["videos"] = run.videos.size();
    line["captions"] = run.texts.size();
    line["left_out"] = left_out;
    return print_line(to_line(line));
  }
  for (const std::string& row :
       retrieval_table(result, {run.videos.size(), run.texts.size(), "video"}))
    print_line(row);
  print_line("Recall in percent, among all captions; ranks from 1.");
  if (left_out != 0) print_line(coca::counted(left_out, "video") + " could not be read.");
}

bool run(const CLI::App& app, Options options) {
  check_results(options.results);
  Failures failures(app.get_name());
  const std::vector<coca::CaptionedVideo> videos =
      coca::read_captioned_videos(options.data, options.split);
  if (options.run.folder.empty())
    options.run.folder = std::filesystem::path(options.data).parent_path().string();
  const auto model = open_model(options.model);
  ProgressBar progress("videos");
  options.run.on_progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); };
  options.run.on_broken = [&](const coca::SkippedPicture& broken) {
    expect_readable(options, broken, failures);
  };
  const coca::VideoRetrievalRun run = coca::retrieve_videos(*model, videos, options.run);
  coca::BenchmarkResult result =
      new_result(options.results, options.model, model->info(),
                 std::filesystem::path(options.data).stem().string(), "zeroshot_retrieval");
  result.metrics = metrics_of(run);
  write_result(options.results, result);
  print(options, result, run, videos.size() - run.videos.size());
  return failures.none();
}

}  // namespace

int evaluate_video_retrieval(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Searches captions with videos and videos with captions: how often a right one is among the "
      "nearest 1, 5, 10.\nThe embedding of a video is the mean of those of its frames.",
      "evaluate video-retrieval");
  app.footer(
      "Example: evaluate video-retrieval MSRVTT_data.json --video-folder MSRVTT/videos --weights "
      "run\n"
      "         evaluate video-retrieval MSRVTT_JSFUSION_test.csv --video-folder MSRVTT/videos "
      "--missing skip");
  app.add_option("data", options.data, "MSR-VTT's JSON, or the CSV of its 1k-A test set")
      ->required()
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--split", options.split, "of the JSON: train, validate or test")
      ->check(some_name())
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--video-folder", options.run.folder,
                 "folder of the videos (default: that of the captions)")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_option("--frames", options.run.loading.sampling.frames,
                 "frames of a video, spread over it")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  add_video_reading_options(app, options.missing, options.run.loading.decoders);
  app.add_flag("--json", options.json, "print one JSON object; shares, not percent");
  add_result_options(app, options.results);
  add_model_options(app, options.model);
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
