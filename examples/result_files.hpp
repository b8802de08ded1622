#pragma once
/// @file
/// The result files of `evaluate zero-shot` and `evaluate retrieval`, in CLIP_benchmark's form.

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "coca/evaluation/benchmark_result.hpp"
#include "model.hpp"

namespace coca_examples {

/// Where results are written.
struct ResultOptions {
  std::string folder{};  ///< empty: nowhere
  bool skip_existing = false;
  std::string language = "en";
};

/// The name of a data set or of weights: "runs/best/model.safetensors" is "model.safetensors", as
/// in CLIP_benchmark, "photos/test/" is "test", and "." the name of the working folder.
std::string base_name(const std::string& path);

/// Adds --results, --skip-existing and --language.
void add_result_options(CLI::App& app, ResultOptions& options);

/// Key of a result under which it says how it was measured: the protocol, captions, prompts and the
/// like. A result under the same name that says something else is not the same.
inline constexpr const char* evaluated_as_key = "evaluated_as";

/// A result of this model, still without metrics.
coca::BenchmarkResult new_result(const ResultOptions& options, const ModelOptions& model,
                                 const ModelInfo& info, const std::string& data_set,
                                 const std::string& task);

/// Reports before the work what would otherwise fail after it. @throws UsageError for
/// --skip-existing without a folder; coca::FileError for a folder that cannot be made or written to
void check_results(const ResultOptions& options);

/// The result that exists under the name of this one, if it is to be kept.
/// @throws coca::FileError if it cannot be read, is of other weights, or was measured otherwise;
/// what
///         it does not say of itself is not compared, as in CLIP_benchmark's files
std::optional<coca::BenchmarkResult> existing_result(const ResultOptions& options,
                                                     const coca::BenchmarkResult& result);

/// Writes a result file, if there is a folder for them. @throws coca::FileError if that fails
void write_result(const ResultOptions& options, const coca::BenchmarkResult& result);

}  // namespace coca_examples
