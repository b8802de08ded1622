#include "evaluate_build.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "coca/evaluation/benchmark_result.hpp"
#include "coca/io/atomic_file.hpp"
#include "command_line.hpp"

namespace coca_examples {

namespace {

struct Options {
  std::vector<std::string> paths;
  std::string output = "benchmark.csv";
};

/// The .json files of a folder, sorted; any other path itself.
std::vector<std::string> result_files(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return {path};
  std::vector<std::string> files;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    if (entry->path().extension() == ".json") files.push_back(entry->path().string());
  if (error) throw coca::FileError(path, "cannot be listed: " + error.message());
  if (files.empty()) throw coca::FileError(path, "holds no .json files");
  std::sort(files.begin(), files.end());
  return files;
}

bool run(const std::string& program, const Options& options) {
  expect_writable(options.output);
  std::vector<coca::BenchmarkResult> results;
  Failures failures(program);
  for (const std::string& path : options.paths)
    for (const std::string& file : result_files(path)) try {
        results.push_back(coca::read_benchmark_result(file));
      } catch (const coca::Error& error) {
        failures.report(file, error);
      }
  if (results.empty()) throw coca::Error("none of the files is a result");
  coca::write_file_atomically(options.output, coca::benchmark_csv(results));
  print_line(options.output + ": " + std::to_string(results.size()) +
             (results.size() == 1 ? " result" : " results"));
  return failures.none();
}

}  // namespace

int evaluate_build(int argc, char* argv[]) {
  Options options;
  CLI::App app(
      "Collects result files of evaluate zero-shot, evaluate retrieval and CLIP_benchmark in one "
      "table:\na row for each, a column for each metric.",
      "evaluate build");
  app.footer("Example: evaluate build results --output benchmark.csv");
  app.add_option("results", options.paths, "result files (JSON), or folders of them")
      ->required()
      ->check(some_name())
      ->type_name("RESULTS");
  app.add_option("--output", options.output, "the table, as CSV")
      ->check(some_name())
      ->type_name("FILE")
      ->capture_default_str();
  return run_program(app, argc, argv, [&] { return run(app.get_name(), options); });
}

}  // namespace coca_examples
