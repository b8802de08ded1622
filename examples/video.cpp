// Classifies videos, with a model that train --task video has made.

#include <string>
#include <utility>
#include <vector>

#include "clip_options.hpp"
#include "coca/evaluation/video_results.hpp"
#include "coca/image/draw.hpp"
#include "coca/image/write_png.hpp"
#include "coca/training/training_pictures.hpp"
#include "coca/video/read_video.hpp"
#include "coca/video/video_dataset.hpp"

using namespace coca_examples;

namespace {

struct Options {
  ClipOptions clips;
  std::vector<std::string> videos;
  std::size_t top = 5;
  std::string strip;  ///< PNG
  bool json = false;
};

/// The frames that the model sees of a video, view by view.
struct SampledFrames {
  std::vector<std::vector<std::size_t>> numbers;  ///< [clips][frames]
  std::vector<double> seconds;                    ///< of each frame of the video
  std::vector<coca::Pixels> pixels;               ///< [clips][crops][frames]
};

SampledFrames sample(const coca::AnyVideoModel& model, const Options& options,
                     const std::string& path) {
  const coca::ClipSampling& sampling = options.clips.sampling;
  coca::Video video(path);
  SampledFrames sampled{coca::clip_frames(video.frame_count(), sampling), video.seconds(), {}};
  const coca::VideoDataset views({{path, {}}}, sampling);
  for (const coca::Image& frame : views.frames({}).images)
    sampled.pixels.push_back(coca::preprocess(frame, model.info().preprocessing));
  if (!video.damage().empty()) print_note("video", path + ": " + video.damage());
  return sampled;
}

/// Pictures one after the other.
coca::PixelBatch joined(const std::vector<coca::Pixels>& pixels) {
  const coca::Pixels& first = pixels.front();
  coca::PixelBatch batch{pixels.size(), first.channels, first.height, first.width, {}};
  for (const coca::Pixels& each : pixels)
    batch.values.insert(batch.values.end(), each.values.begin(), each.values.end());
  return batch;
}

/// Writes the frames as the model sees them, a row for each view.
void write_strip(const std::string& path, const SampledFrames& sampled,
                 const coca::ClipSampling& sampling, const coca::PreprocessConfig& preprocess) {
  constexpr std::size_t least_side = 96;
  std::vector<coca::Image> frames;
  std::vector<std::string> captions;
  for (std::size_t i = 0; i < sampled.pixels.size(); ++i) {
    const std::size_t clip = i / (sampling.crops * sampling.frames);
    const std::size_t number = sampled.numbers[clip][i % sampling.frames];
    frames.push_back(coca::to_image(sampled.pixels[i], preprocess));
    captions.push_back(std::to_string(number) + ", " + to_text(sampled.seconds[number], 2) + " s");
  }
  coca::write_png(path,
                  coca::contact_sheet(frames, captions,
                                      {.columns = sampling.frames,
                                       .cell_size = std::max(least_side, frames.front().width()),
                                       .margin = 6,
                                       .max_caption_lines = 1,
                                       .text = {.scale = 1}}));
}

void print(const Options& options, const std::string& path, const SampledFrames& sampled,
           const std::vector<std::pair<std::string, double>>& classes) {
  if (options.json) {
    JsonLine line{{"video", path}, {"classes", JsonLine::array()}, {"frames", sampled.numbers}};
    for (const auto& [name, probability] : classes)
      line["classes"].push_back({{"class", name}, {"probability", probability}});
    if (!options.strip.empty()) line["strip"] = options.strip;
    return print_line(to_line(line));
  }
  print_line(path + ":");
  for (const auto& [name, probability] : classes) {
    const std::string percent = to_text(100 * probability, 1);
    print_line("  " + std::string(6 - std::min<std::size_t>(6, percent.size()), ' ') + percent +
               " %  " + name);
  }
}

void classify(coca::AnyVideoModel& model, const Options& options, const std::string& path) {
  const SampledFrames sampled = sample(model, options, path);
  const std::vector<float> logits =
      model.logits(joined(sampled.pixels), options.clips.sampling.frames);
  const auto ranked = coca::ranked_classes(
      coca::mean_probabilities(logits, model.info().classes.size()), 0, options.top);
  std::vector<std::pair<std::string, double>> classes;
  for (const coca::RankedClass& each : ranked.top)
    classes.emplace_back(model.info().classes[each.number], each.probability);
  if (!options.strip.empty())
    write_strip(options.strip, sampled, options.clips.sampling, model.info().preprocessing);
  print(options, path, sampled, classes);
}

bool run(const CLI::App& app, Options options) {
  if (!options.strip.empty() && options.videos.size() != 1)
    throw UsageError("--strip draws one video, but " + std::to_string(options.videos.size()) +
                     " are given");
  if (!options.strip.empty()) expect_writable(options.strip);
  const auto model = open_clip_model(options.clips);
  Failures failures(app.get_name());
  for (const std::string& path : options.videos) {
    try {
      classify(*model, options, path);
    } catch (const coca::Error& error) {
      failures.report(path, error);
    }
  }
  return failures.none();
}

}  // namespace

int main(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Classifies videos with a model that train --task video has made; evaluate video measures "
      "one.",
      "video");
  app.footer(
      "Example: video clip.mp4 --weights run --strip strip.png\n"
      "         video --weights run --clips 4 --crops 3 --json *.mp4\n"
      "         train --task video --data clips/ --validation test/ --init-from model/ --output "
      "run\n"
      "         evaluate video test/ --weights run");
  app.add_option("videos", options.videos,
                 "videos (.mp4, .webm, .gif, ...), or folders with a picture per frame")
      ->required()
      ->check(some_name())
      ->type_name("VIDEO");
  add_clip_options(app, options.clips);
  app.add_option("--top", options.top, "classes shown")
      ->check(whole_number(1, many))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--strip", options.strip,
                 "write the frames that the model sees to a PNG, with their numbers and times; a "
                 "row per view")
      ->check(some_name())
      ->type_name("FILE");
  app.add_flag("--json", options.json, "print one JSON object per video");
  return run_program(app, argc, argv, [&] { return run(app, options); });
}
