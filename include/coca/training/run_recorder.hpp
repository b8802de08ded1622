#pragma once
/// @file
/// What a run leaves for people: log, report, options and the small files next to the model.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/training/run_folder.hpp"
#include "coca/training/task.hpp"
#include "coca/training/training_checkpoint.hpp"
#include "coca/training/training_log.hpp"
#include "coca/training/training_options_json.hpp"
#include "coca/training/training_report.hpp"

namespace coca {

/// Writes into a run's folder, which it keeps for itself from start() on.
class RunRecorder {
 public:
  /// @param name of the model, for the report
  RunRecorder(RunFolder folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}

  /// Everything in the folder that is there before the first step.
  /// @param log_bytes of the log that stay
  /// @throws FileError if another run has the folder, or something cannot be written
  void start(std::uint64_t log_bytes, const TrainingOptions& options,
             std::span<const ModelFile> files, const std::string& tokenizer_file) {
    options_ = to_json_text(to_json(options), 2);
    lock_.emplace(folder_);
    folder_.remove_leftovers();
    log_ = std::make_unique<TrainingLog>(folder_.log(), log_bytes);
    write_file_atomically(folder_.options(), options_ + "\n");
    write_files(files, false);
    if (tokenizer_file.empty()) return;
    const std::string copy = folder_.tokenizer(tokenizer_file);
    std::error_code ignored;
    if (!std::filesystem::equivalent(tokenizer_file, copy, ignored))
      copy_file_atomically(tokenizer_file, copy);
  }

  /// The files that follow the model at each checkpoint (replaced), or that are written once.
  void write_files(std::span<const ModelFile> files, bool replaced) const {
    std::error_code ignored;
    for (const ModelFile& file : files)
      if (file.replace == replaced &&
          (replaced || !std::filesystem::exists(folder_.file(file.name), ignored)))
        write_file_atomically(folder_.file(file.name), file.text);
  }

  /// Adds a line to the log.
  void write(const nlohmann::ordered_json& line) { log_->write(line); }
  /// Length of the log, all of it flushed to disk.
  std::uint64_t commit() { return log_->commit(); }

  /// @param steps, pictures: of the whole run, and of its data
  void write_report(const TrainingState& state, std::uint64_t steps, std::size_t pictures,
                    std::span<const ReportPicture> shown) const {
    const std::vector<Json> log = read_training_log(folder_.log());
    const std::string summary =
        "Step " + std::to_string(state.step) + " of " + std::to_string(steps) + ", " +
        counted(pictures, "picture") + ", " +
        counted(static_cast<long>(state.seconds / 60), "minute") + " of training" +
        (state.skipped == 0 ? "."
                            : "; " + counted(state.skipped, "step") +
                                  (state.skipped == 1 ? " was skipped." : " were skipped."));
    const ReportText text{.title = "Training of " + name_, .summary = summary, .options = options_};
    write_file_atomically(folder_.report(), training_report(text, log, shown));
  }

 private:
  RunFolder folder_;
  std::string name_, options_;
  std::optional<RunLock> lock_;
  std::unique_ptr<TrainingLog> log_;
};

}  // namespace coca
