#include "result_files.hpp"

#include <filesystem>
#include <system_error>

#include "coca/io/atomic_file.hpp"
#include "command_line.hpp"

namespace coca_examples {

namespace {

constexpr const char* identity_key = "embeddings_of";

std::string path_of(const ResultOptions& options, const coca::BenchmarkResult& result) {
  return (std::filesystem::path(options.folder) / coca::benchmark_file_name(result)).string();
}

/// @throws coca::FileError if both results have the key, and say different things
void expect_same(const std::string& path, const coca::BenchmarkResult& wanted,
                 const coca::BenchmarkResult& found, const char* key) {
  const auto mine = wanted.more.find(key), other = found.more.find(key);
  if (mine == wanted.more.end() || other == found.more.end() || mine->second == other->second)
    return;
  const bool is_model = std::string(key) == identity_key;
  throw coca::FileError(
      path, (is_model ? "is the result of other weights, precision or preprocessing"
                      : "was measured with " + other->second + ", not with " + mine->second) +
                std::string("; delete it or choose another folder for --results"));
}

}  // namespace

std::string base_name(const std::string& path) {
  namespace fs = std::filesystem;
  const auto last = [](const fs::path& whole) {
    return (whole.has_filename() ? whole.filename() : whole.parent_path().filename()).string();
  };
  const std::string name = last(fs::path(path).lexically_normal());
  if (name != "." && name != "..") return name;
  std::error_code error;
  const fs::path absolute = fs::absolute(path, error);
  return error ? name : last(absolute.lexically_normal());
}

void add_result_options(CLI::App& app, ResultOptions& options) {
  app.add_option("--results", options.folder,
                 "write a JSON file for each data set to this folder, as CLIP_benchmark does; "
                 "\"evaluate build\" makes a table of them")
      ->check(some_name())
      ->type_name("FOLDER")
      ->group("Results");
  app.add_flag("--skip-existing", options.skip_existing,
               "take results from the folder of --results where they exist, so that an interrupted "
               "suite resumes")
      ->group("Results");
  app.add_option("--language", options.language, "language of the texts, part of the results")
      ->check(some_name())
      ->check(utf8_text())
      ->type_name("NAME")
      ->capture_default_str()
      ->group("Results");
}

coca::BenchmarkResult new_result(const ResultOptions& options, const ModelOptions& model,
                                 const ModelInfo& info, const std::string& data_set,
                                 const std::string& task) {
  const std::string weights = model.weights.empty() ? "included" : base_name(model.weights);
  return {.dataset = data_set,
          .model = base_name(info.preset),
          .pretrained = weights,
          .task = task,
          .language = options.language,
          .more = {{identity_key, info.identity}}};
}

void check_results(const ResultOptions& options) {
  if (options.folder.empty()) {
    if (options.skip_existing) throw UsageError("--skip-existing needs --results");
    return;
  }
  std::error_code error;
  std::filesystem::create_directories(options.folder, error);
  if (error) throw coca::FileError(options.folder, "cannot be made: " + error.message());
  expect_writable((std::filesystem::path(options.folder) / "result.json").string());
}

std::optional<coca::BenchmarkResult> existing_result(const ResultOptions& options,
                                                     const coca::BenchmarkResult& result) {
  if (!options.skip_existing) return std::nullopt;
  const std::string path = path_of(options, result);
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  coca::BenchmarkResult existing = coca::read_benchmark_result(path);
  for (const char* key : {identity_key, evaluated_as_key}) expect_same(path, result, existing, key);
  return existing;
}

void write_result(const ResultOptions& options, const coca::BenchmarkResult& result) {
  if (options.folder.empty()) return;
  coca::write_file_atomically(path_of(options, result), to_line(coca::to_json(result)) + "\n");
}

}  // namespace coca_examples
