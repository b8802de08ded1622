#pragma once
/// @file
/// log.jsonl: what happened in a run, one JSON object per line.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/json_bytes.hpp"

namespace coca {

/// The shortest decimal that reads back as this float, as a JSON number; null if not finite.
inline nlohmann::ordered_json to_json_number(float value) {
  if (!std::isfinite(value)) return nullptr;
  char text[32];
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  double shortest = 0;
  std::from_chars(text, end, shortest);
  return shortest;
}

/// A file that grows by whole lines. A run that resumes from a checkpoint drops the lines after
/// it, so that the log reads as if the run had never stopped.
class TrainingLog {
 public:
  /// @param keep bytes of an old file to keep
  /// @throws FileError if it cannot be opened, truncated or written, or is shorter than it should
  /// be.
  TrainingLog(std::string path, std::uint64_t keep) : path_(std::move(path)) {
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) fail(errno);
    try {
      cut(keep);
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  TrainingLog(const TrainingLog&) = delete;
  TrainingLog& operator=(const TrainingLog&) = delete;
  ~TrainingLog() { ::close(descriptor_); }

  const std::string& path() const noexcept { return path_; }

  /// Adds a line; names that are not UTF-8 as to_json_text() writes them. @throws FileError where
  /// it cannot be written.
  void write(const nlohmann::ordered_json& object) {
    const std::string line = to_json_text(object) + '\n';
    std::string_view rest = line;
    while (!rest.empty()) {
      const ssize_t written = ::write(descriptor_, rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(written < 0 ? errno : EIO);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
    bytes_ += line.size();
  }

  /// Length of the file, all of it flushed to disk, for checkpoints to store.
  /// @throws FileError if flushing fails.
  std::uint64_t commit() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL) fail(errno);  // EINVAL: not a regular file
    return bytes_;
  }

 private:
  void cut(std::uint64_t keep) {
    const off_t size = ::lseek(descriptor_, 0, SEEK_END);
    if (size >= 0 && static_cast<std::uint64_t>(size) < keep)
      throw FileError(path_, "holds " + counted(size, "byte") + ", but there were " +
                                 std::to_string(keep) + " at the checkpoint");
    if (::ftruncate(descriptor_, static_cast<off_t>(keep)) != 0 && errno != EINVAL) fail(errno);
    ::lseek(descriptor_, 0, SEEK_END);
    bytes_ = keep;
  }

  [[noreturn]] void fail(int code) const {
    throw FileError(path_, "cannot be written: " + detail::error_text(code));
  }

  std::string path_;
  int descriptor_ = -1;
  std::uint64_t bytes_ = 0;
};

}  // namespace coca
