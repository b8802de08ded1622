#pragma once
// Runs the example programs and keeps what they print.

#include <sys/wait.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"

namespace coca::testing {

inline const std::string models = std::string(COCA_SOURCE) + "/examples/models";
inline const std::string pictures = models + "/stamps_coca/images";
inline const std::string slug = pictures + "/08_Brown_slug.png";

// A temporary folder, removed at the end.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "coca-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  // A file with that content.
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ + "/" + name, std::ios::binary) << content;
    return path_ + "/" + name;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

struct Result {
  int status = -1;  // of the program; 128 + signal if one ended it
  std::string out;
  std::string err;

  std::vector<nlohmann::json> json() const {
    std::vector<nlohmann::json> lines;
    std::istringstream stream(out);
    for (std::string line; std::getline(stream, line);)
      lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
};

// A shell command line that begins with the name of a program.
inline Result run(const std::string& command_line, const std::string& before = "") {
  const Folder folder;
  const std::string out = folder / "out", err = folder / "err";
  const std::string command =
      before + " " + COCA_PROGRAMS + "/" + command_line + " >" + out + " 2>" + err + " </dev/null";
  const int status = std::system(command.c_str());
  Result result;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.out = read_file(out);
  result.err = read_file(err);
  return result;
}

// The same with the model that the reference files are of.
inline Result run_stamps(const std::string& command_line, const std::string& before = "") {
  return run(command_line + " --model stamps_coca", before);
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Failed as a person should see it: that exit status, one message with these words, nothing on
// stdout.
inline void check_refused(const Result& result, int status, const std::vector<std::string>& words) {
  CAPTURE(result.err, result.out);
  CHECK(result.status == status);
  CHECK(result.out.empty());
  for (const std::string& word : words) {
    CAPTURE(word);
    CHECK(contains(result.err, word));
  }
}

/// Whether two outputs of embed --json are the same to rounding. Their last digits may differ:
/// which kernels multiply is measured again in each run.
inline bool same_embeddings(const Result& a, const Result& b) {
  const auto lines = a.json(), others = b.json();
  if (lines.empty() || lines.size() != others.size()) return false;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto x = lines[i].at("embedding").get<std::vector<double>>();
    const auto y = others[i].at("embedding").get<std::vector<double>>();
    if (x.size() != y.size()) return false;
    for (std::size_t k = 0; k < x.size(); ++k)
      if (!(std::abs(x[k] - y[k]) <= 1e-5)) return false;
  }
  return true;
}

}  // namespace coca::testing
