#pragma once
/// @file
/// The example train, as a person and as a scheduler runs it: its arguments, and what a run leaves.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "coca/io/open_checkpoint.hpp"
#include "run_program.hpp"

namespace train_run {

using namespace coca::testing;
namespace fs = std::filesystem;

/// A list of the repository's pictures.
inline std::string write_list(const Folder& folder) {
  std::string list;
  for (const auto& entry : fs::directory_iterator(pictures))
    if (entry.path().extension() == ".png")
      list += nlohmann::json{{"image", entry.path().string()},
                             {"caption", entry.path().stem().string().substr(3)}}
                  .dump() +
              "\n";
  return folder.write("list.jsonl", list);
}

/// Few steps, and a checkpoint every third.
inline std::string arguments(const std::string& list, const std::string& output) {
  return "--model stamps_coca --data " + list + " --validation " + list + " --output " + output +
         " --steps 8 --batch-size 4 --validation-steps 4 --checkpoint-steps 3 --threads 1 "
         "--loader-threads 1 --picture-count 1 --ema-decay 0.9 --crop-scale 0.5 1 --flip 0.5";
}

/// A program that runs in parallel with the test.
class Process {
 public:
  explicit Process(const std::string& command_line) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::signal(SIGHUP, SIG_DFL);  // tests may run under nohup
    const int null = ::open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor <= 2; ++descriptor) ::dup2(null, descriptor);
    const std::string command = "exec " + std::string(COCA_PROGRAMS) + "/" + command_line;
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ~Process() {
    if (pid_ > 0) end(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Sends a signal and waits. @return the status, as Result::status
  int end(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

/// Waits until something holds, for two minutes at most.
template <class Condition>
bool wait_until(const Condition& condition) {
  for (int i = 0; i < 120000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

inline std::size_t lines_of(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Whether a file is being written under a temporary name.
inline bool is_saving(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (contains(entry.path().filename().string(), "checkpoint.safetensors.tmp-")) return true;
  return false;
}

/// The log without what a clock says.
inline std::vector<nlohmann::json> log_of(const std::string& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(read_file(folder + "/log.jsonl"));
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("pictures_per_second");
    lines.back().erase("seconds_waited");
  }
  return lines;
}

/// Weights, moments and average of the checkpoint, bit for bit the same.
inline bool same_tensors(const std::string& a, const std::string& b) {
  const auto one = coca::open_checkpoint(a + "/checkpoint.safetensors");
  const auto other = coca::open_checkpoint(b + "/checkpoint.safetensors");
  if (one.names() != other.names() || one.size() < 100) return false;
  for (const std::string& name : one.names()) {
    const auto x = one.read_floats(name), y = other.read_floats(name);
    if (x.size() != y.size() || std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) != 0)
      return false;
  }
  return true;
}

}  // namespace train_run
