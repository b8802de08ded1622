#pragma once
/// @file
/// Runs of a tiny CoCa, and what they leave.

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "small_run.hpp"

namespace coca::testing {

inline constexpr std::uint64_t never = static_cast<std::uint64_t>(-1);

/// Runs until all is done, or until so many steps are.
inline TrainingEnd train(const SmallData& data, const TrainingOptions& options, bool resume = false,
                         std::uint64_t stop_after = never) {
  TinyModel model(Cpu<float>(CpuOptions{.threads = 1}));
  if (options.step.contrastive == ContrastiveKind::sigmoid) model.add_logit_bias();
  initialize(model, options.seed);
  std::atomic<bool> stop{stop_after == 0};
  TrainingEvents events;
  events.stop = &stop;
  events.on_step = [&](const TrainingProgress& progress) {
    if (progress.step == stop_after) stop = true;
  };
  TinyTrainer trainer(model, data.subject(), options, events);
  if (resume) trainer.resume();
  return trainer.run();
}

/// The log without what a clock says.
inline std::vector<Json> log_of(const std::string& folder) {
  std::vector<Json> lines = read_training_log(RunFolder(folder).log());
  for (Json& line : lines) {
    line.erase("pictures_per_second");
    line.erase("seconds_waited");
  }
  return lines;
}

/// Every tensor of a checkpoint: weights, moments, average.
inline std::map<std::string, std::vector<float>> tensors_of(const std::string& folder) {
  const Checkpoint checkpoint = open_checkpoint(RunFolder(folder).checkpoint());
  std::map<std::string, std::vector<float>> tensors;
  for (const std::string& name : checkpoint.names()) tensors[name] = checkpoint.read_floats(name);
  return tensors;
}

}  // namespace coca::testing
