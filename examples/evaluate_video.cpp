#include "evaluate_video.hpp"

#include <string>
#include <utility>
#include <vector>

#include "clip_options.hpp"
#include "coca/core/counted.hpp"
#include "coca/evaluation/video_run.hpp"
#include "text_table.hpp"

namespace coca_examples {

namespace {

struct Options {
  ClipOptions clips;
  coca::VideoSource source;
  coca::VideoRunOptions run;
  std::string results;
  std::string missing = "error";
  bool json = false;
};

std::string percent(double share) { return to_text(100 * share, 2) + " %"; }

void print(const Options& options, const coca::VideoModelInfo& model,
           const coca::VideoScores& scores, std::size_t videos, std::size_t left_out) {
  if (options.json) {
    JsonLine line{{"videos", videos}, {"left_out", left_out}, {"top_1", scores.top_1}};
    if (scores.top_5) line["top_5"] = *scores.top_5;
    line["mean_per_class"] = scores.mean_per_class;
    line["classes"] = JsonLine::array();
    for (std::size_t i = 0; i < scores.classes.size(); ++i)
      line["classes"].push_back({{"class", model.classes[i]},
                                 {"right", scores.classes[i].first},
                                 {"count", scores.classes[i].second}});
    return print_line(to_line(line));
  }
  print_line("Top-1 " + percent(scores.top_1) +
             (scores.top_5 ? ", top-5 " + percent(*scores.top_5) : "") + ", mean per class " +
             percent(scores.mean_per_class) + " over " + coca::counted(videos, "video") +
             (left_out == 0 ? "" : "; " + std::to_string(left_out) + " could not be read") + ".");
  std::vector<std::vector<std::string>> rows{{"class", "right", "videos"}};
  for (std::size_t i = 0; i < scores.classes.size(); ++i)
    if (scores.classes[i].second != 0)
      rows.push_back({model.classes[i], std::to_string(scores.classes[i].first),
                      std::to_string(scores.classes[i].second)});
  for (const std::string& row : text_table(rows)) print_line(row);
}

/// Stops at a video that cannot be read, or reports it.
void expect_readable(const Options& options, const coca::SkippedPicture& broken,
                     Failures& failures) {
  if (options.missing == "error")
    throw coca::Error(about(broken.name, broken.reason) +
                      "; --missing skip leaves out what cannot be read");
  failures.report(about(broken.name, broken.reason));
}

bool run(const CLI::App& app, Options options) {
  Failures failures(app.get_name());
  const auto model = open_clip_model(options.clips);
  const coca::LabelledVideos videos =
      coca::read_labelled_videos(options.source, model->info().classes);
  coca::DamagedPictures damaged;
  options.run.loading.sampling = options.clips.sampling;
  options.run.loading.damaged = &damaged;
  coca::VideoResultFile results(options.results,
                                video_results_of(model->info(), videos, options.run));
  if (!results.results().empty())
    print_note(app.get_name(), std::to_string(results.results().size()) + " of " +
                                   coca::counted(videos.videos.size(), "video") +
                                   " have a result in " + options.results);
  ProgressBar progress("videos");
  options.run.on_progress = [&](std::size_t done, std::size_t all) { progress.show(done, all); };
  options.run.on_broken = [&](const coca::SkippedPicture& broken) {
    expect_readable(options, broken, failures);
  };
  classify_videos(*model, videos, options.run, results);
  if (damaged.count() != 0)
    print_note(app.get_name(),
               coca::counted(damaged.count(), "video") +
                   " of which the readable frames were used, the first: " + damaged.first());
  const std::size_t done = results.results().size();
  if (done == 0) throw coca::FileError(options.source.data, "none of its videos could be read");
  print(options, model->info(), coca::video_scores(results.results(), model->info().classes.size()),
        done, videos.videos.size() - done);
  return failures.none();
}

void add_data_options(CLI::App& app, Options& options) {
  app.add_option("data", options.source.data,
                 "a folder with one folder of videos per class, Kinetics' CSV, Moments in Time's "
                 "validationSet.csv, or lines of a path and the number of a class")
      ->required()
      ->check(some_name())
      ->type_name("DATA");
  app.add_option("--video-folder", options.source.folder,
                 "folder of the videos of a list (default: that of the list)")
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_option("--class-names", options.source.class_names,
                 "moments_categories.txt (default: next to the list)")
      ->check(some_name())
      ->type_name("FILE");
  add_video_reading_options(app, options.missing, options.run.loading.decoders);
}

}  // namespace

int evaluate_video(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "How often a classifier of videos is right: top-1, top-5 and the mean over classes, with the "
      "probabilities\nof several clips and crops of each video averaged.",
      "evaluate video");
  app.footer(
      "Example: evaluate video kinetics_400_val.csv --video-folder val --weights run --clips 4 "
      "--crops 3 \\\n"
      "                        --missing skip --results results.jsonl");
  add_data_options(app, options);
  add_clip_options(app, options.clips);
  app.add_option("--results", options.results,
                 "file of a JSON line per video; what it has already is not done again, so that an "
                 "interrupted evaluation resumes")
      ->check(some_name())
      ->type_name("FILE");
  app.add_option("--top", options.run.top, "classes in the lines of --results")
      ->check(whole_number(1, many))
      ->type_name("N")
      ->capture_default_str();
  app.add_flag("--json", options.json, "print one JSON object; shares, not percent");
  return run_program(app, argc, argv, [&] { return run(app, options); });
}

}  // namespace coca_examples
