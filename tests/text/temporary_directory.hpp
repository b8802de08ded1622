#pragma once
// A temporary directory for a test that needs files; removed at the end.

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

class TemporaryDirectory {
 public:
  TemporaryDirectory() : path_(unused_path()) { std::filesystem::create_directory(path_); }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string path(const std::string& name) const { return (path_ / name).string(); }

  // Writes a file and returns its path.
  std::string write(const std::string& name, std::string_view content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

 private:
  static std::filesystem::path unused_path() {
    static std::atomic<int> count{0};
    return std::filesystem::temp_directory_path() /
           ("coca_test_text_" + std::to_string(getpid()) + "_" + std::to_string(count++));
  }

  std::filesystem::path path_;
};
