#pragma once
/// @file
/// Results of evaluations in files, as CLIP_benchmark writes and collects them: a JSON object for
/// each data set and model, and one table (CSV) of all of them, the output of its `build`.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/evaluation/csv_field.hpp"
#include "coca/io/json.hpp"
#include "coca/io/json_bytes.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/io/python_json.hpp"

namespace coca {

/// A metric by its name, such as "acc1"; one that does not exist for the data set has no value.
using Metrics = std::vector<std::pair<std::string, std::optional<double>>>;

/// The result of a model on a data set.
struct BenchmarkResult {
  std::string dataset{};
  std::string model{};
  std::string pretrained{};
  std::string task{};  ///< such as "zeroshot_classification"
  Metrics metrics{};
  std::string language = "en";
  std::map<std::string, std::string> more{};  ///< further keys; texts as they are, all else as JSON
};

namespace detail {

inline constexpr std::array<const char*, 5> result_keys{"dataset", "model", "pretrained", "task",
                                                        "language"};

inline std::string& member_of(BenchmarkResult& result, std::string_view key) {
  if (key == "dataset") return result.dataset;
  if (key == "model") return result.model;
  if (key == "pretrained") return result.pretrained;
  return key == "task" ? result.task : result.language;
}

inline std::string text_of(const nlohmann::ordered_json& number) {
  return number.is_null() ? "" : number.dump();
}

/// The metrics of a result. @throws FileError for anything but numbers and null
inline Metrics metrics_of(const Json& metrics, const std::string& path) {
  if (!metrics.is_object()) throw FileError(path, "\"metrics\" is not an object");
  Metrics all;
  for (const auto& [name, value] : metrics.items()) {
    const bool missing = value.is_null() || (value.is_object() && value.empty());  // Python's NaN
    if (!missing && !value.is_number())
      throw FileError(path, "the metric \"" + printable(name, 40) + "\" is not a number");
    all.emplace_back(name, missing ? std::nullopt : std::optional(value.get<double>()));
  }
  return all;
}

}  // namespace detail

/// The value of a metric; nothing if it is missing.
inline std::optional<double> metric(const BenchmarkResult& result, const std::string& name) {
  for (const auto& [key, value] : result.metrics)
    if (key == name) return value;
  return std::nullopt;
}

/// The result as CLIP_benchmark writes it. A metric without value is null.
inline nlohmann::ordered_json to_json(const BenchmarkResult& result) {
  nlohmann::ordered_json metrics = nlohmann::ordered_json::object();
  for (const auto& [name, value] : result.metrics) {
    if (value && std::isfinite(*value))
      metrics[name] = *value;
    else
      metrics[name] = nullptr;
  }
  nlohmann::ordered_json json{
      {"dataset", result.dataset}, {"model", result.model}, {"pretrained", result.pretrained},
      {"task", result.task},       {"metrics", metrics},    {"language", result.language}};
  for (const auto& [key, text] : result.more) json[key] = text;
  return json;
}

/// Reads a result. Python's NaN is read as a metric without value.
/// @param path what messages call it
/// @throws FileError for anything but such an object
inline BenchmarkResult parse_benchmark_result(std::string_view text, const std::string& path) {
  const PythonJson json = parse_python_json({detail::without_byte_order_mark(text), {}}, path);
  BenchmarkResult result;
  if (!json.value.is_object() || !json.value.contains("metrics"))
    throw FileError(path, "is not a result: expected a JSON object with the key \"metrics\"");
  for (const auto& [key, value] : json.value.items()) {
    if (key == "metrics") {
      result.metrics = detail::metrics_of(value, path);
      continue;
    }
    const bool is_known = std::find(detail::result_keys.begin(), detail::result_keys.end(), key) !=
                          detail::result_keys.end();
    const std::string shown = value.is_string() ? value.get<std::string>() : to_json_text(value);
    (is_known ? detail::member_of(result, key) : result.more[key]) = shown;
  }
  for (const char* key : {"dataset", "model", "pretrained", "task"})
    if (!json.value.contains(key))
      throw FileError(path, std::string("is not a result: it has no key \"") + key + '"');
  return result;
}

/// The same of a file. @throws FileError if it cannot be read, and as above
inline BenchmarkResult read_benchmark_result(const std::string& path) {
  const MappedFile file(path);
  const auto bytes = file.bytes();
  return parse_benchmark_result({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

/// "{dataset}_{pretrained}_{model}_{language}_{task}.json", CLIP_benchmark's default; slashes are
/// underscores.
inline std::string benchmark_file_name(const BenchmarkResult& result) {
  std::string name = result.dataset + '_' + result.pretrained + '_' + result.model + '_' +
                     result.language + '_' + result.task + ".json";
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

/// All results as one table: a column for each key and metric, and model_fullname, "model
/// pretrained". (In CLIP_benchmark's files the order of the columns is that of a set, none.)
inline std::string benchmark_csv(std::span<const BenchmarkResult> results) {
  using Row = std::map<std::string, std::string>;
  std::vector<std::string> columns{"dataset", "model",    "pretrained",
                                   "task",    "language", "model_fullname"};
  std::vector<Row> rows;
  const auto set = [&](const std::string& column, const std::string& text) {
    if (std::find(columns.begin(), columns.end(), column) == columns.end())
      columns.push_back(column);
    rows.back()[column] = text;
  };
  for (const BenchmarkResult& result : results) {
    const nlohmann::ordered_json json = to_json(result);
    rows.emplace_back();
    for (const auto& [name, value] : json["metrics"].items()) set(name, detail::text_of(value));
    for (const auto& [key, text] : result.more) set(key, text);
    for (const char* key : detail::result_keys) set(key, json[key].get<std::string>());
    set("model_fullname", result.model + ' ' + result.pretrained);
  }
  std::string csv;
  const auto add_line = [&](auto&& field_of) {
    for (std::size_t c = 0; c < columns.size(); ++c)
      csv += (c == 0 ? "" : ",") + csv_field(field_of(columns[c]));
    csv += '\n';
  };
  add_line([](const std::string& column) { return column; });
  for (Row& row : rows) add_line([&](const std::string& column) { return row[column]; });
  return csv;
}

/// The mean of a metric over data sets, such as the last column of the CoCa paper's Table 4;
/// nothing if one of them lacks it.
inline std::optional<double> mean_metric(std::span<const BenchmarkResult> results,
                                         const std::string& name) {
  double sum = 0;
  for (const BenchmarkResult& result : results) {
    const std::optional<double> value = metric(result, name);
    if (!value) return std::nullopt;
    sum += *value;
  }
  if (results.empty()) return std::nullopt;
  return sum / static_cast<double>(results.size());
}

}  // namespace coca
