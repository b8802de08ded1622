#pragma once
/// @file
/// A progress bar on standard error: only on a terminal, and only once the work has taken two
/// seconds.

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

namespace coca_examples {

class ProgressBar {
 public:
  /// @param what what is counted, such as "pictures"
  explicit ProgressBar(std::string what) : what_(std::move(what)) { current_ = this; }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() {
    clear();
    current_ = nullptr;
  }

  void show(std::size_t done, std::size_t all) {
    const double part = static_cast<double>(done) / static_cast<double>(all);
    show(done, all, elapsed() / part - elapsed());
  }

  /// The same for work that did not start from zero, or does not progress evenly.
  /// @param more additional text
  void show(std::size_t done, std::size_t all, double seconds_left, const std::string& more = "") {
    if (!terminal_ || elapsed() < 2 || done == 0 || done >= all) return clear();
    const double part = static_cast<double>(done) / static_cast<double>(all);
    const auto full = static_cast<std::size_t>(part * static_cast<double>(width));
    const std::string bar = std::string(full, '#') + std::string(width - full, '.');
    std::fprintf(stderr, "\r[%s] %zu of %zu %s%s, %s left\033[K", bar.c_str(), done, all,
                 what_.c_str(), more.c_str(), duration(seconds_left).c_str());
    std::fflush(stderr);
    visible_ = true;
  }

  /// Removes the bar, if there is one, before other output.
  static void hide() {
    if (current_ != nullptr) current_->clear();
  }

 private:
  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

  void clear() {
    if (visible_) std::fputs("\r\033[K", stderr);
    if (visible_) std::fflush(stderr);
    visible_ = false;
  }

  static constexpr std::size_t width = 30;

  static std::string duration(double seconds) {
    const auto total = static_cast<long>(seconds + 0.5);
    if (total >= 3600)
      return std::to_string(total / 3600) + " h " + std::to_string(total / 60 % 60) + " min";
    if (total >= 60)
      return std::to_string(total / 60) + " min " + std::to_string(total % 60) + " s";
    return std::to_string(total) + " s";
  }

  static inline ProgressBar* current_ = nullptr;

  std::string what_;
  bool terminal_ = ::isatty(STDERR_FILENO) != 0;
  bool visible_ = false;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace coca_examples
