#pragma once
/// @file
/// The options of programs that open a classifier of videos.

#include <cstddef>
#include <memory>
#include <string>

#include "coca/pipelines/video_model.hpp"
#include "coca/video/clip_sampling.hpp"
#include "command_line.hpp"

namespace coca_examples {

/// Which model, and which frames it sees.
struct ClipOptions {
  std::string weights{};
  std::string precision = "f32";
  int threads = 0;
  coca::ClipSampling sampling{.frames = 0};  ///< frames 0: the model's
};

/// Adds --weights and what else chooses the model, --frames, --clips, --crops and --interval.
inline void add_clip_options(CLI::App& app, ClipOptions& options) {
  app.add_option("--weights", options.weights,
                 "folder that train --task video has written, or a checkpoint in it")
      ->required()
      ->check(some_name())
      ->type_name("FOLDER");
  app.add_option("--precision", options.precision, "of weights and computation: f32 or bf16")
      ->check(CLI::IsMember({"f32", "bf16"}))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--threads", options.threads, "number of threads; 0: one per processor")
      ->check(whole_number(0, 1024))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--frames", options.sampling.frames,
                 "frames of a clip (default: as many as in training)")
      ->check(whole_number(1, 1024))
      ->type_name("N");
  app.add_option("--clips", options.sampling.clips,
                 "clips of each video, whose probabilities are averaged")
      ->check(whole_number(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--crops", options.sampling.crops,
                 "1: the middle of each frame; 3: squares along its longer side, whose "
                 "probabilities are averaged")
      ->check(CLI::IsMember({"1", "3"}))
      ->type_name("N")
      ->capture_default_str();
  app.add_option("--interval", options.sampling.interval,
                 "a clip is of every N-th frame of a part of the video (default: its frames are "
                 "spread over the whole video, as in training)")
      ->check(whole_number(1, 1024))
      ->type_name("N");
}

/// Adds --missing and --decoders, for a list of videos.
inline void add_video_reading_options(CLI::App& app, std::string& missing, std::size_t& decoders) {
  app.add_option("--missing", missing,
                 "videos that cannot be read: error stops, skip leaves them out")
      ->check(CLI::IsMember({"error", "skip"}))
      ->type_name("NAME")
      ->capture_default_str();
  app.add_option("--decoders", decoders, "threads that decode the next videos")
      ->check(whole_number(0, 1024))
      ->type_name("N")
      ->capture_default_str();
}

/// Opens the model, and takes from it how many frames a clip has.
/// @throws UsageError for more frames than it has positions for
inline std::unique_ptr<coca::AnyVideoModel> open_clip_model(ClipOptions& options) {
  auto model = coca::open_video_model(
      options.weights, {.half_precision = options.precision == "bf16", .threads = options.threads});
  const coca::VideoConfig& config = model->info().config;
  if (options.sampling.frames == 0) options.sampling.frames = config.frames;
  if (config.temporal_positions && options.sampling.frames > config.frames)
    throw UsageError("--frames " + std::to_string(options.sampling.frames) +
                     " is more than the model has temporal positions for, " +
                     std::to_string(config.frames));
  return model;
}

}  // namespace coca_examples
