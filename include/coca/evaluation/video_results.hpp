#pragma once
/// @file
/// What a classifier says of each video of a list: a file that is taken up again after an
/// interruption, and the figures made of it.

#include <algorithm>
#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/io/growing_lines.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// A class and its probability.
struct RankedClass {
  std::size_t number = 0;
  double probability = 0;

  friend bool operator==(const RankedClass&, const RankedClass&) = default;
};

/// The classes of one video.
struct VideoResult {
  std::size_t number = 0;  ///< of the video in its list
  std::string video{};     ///< its path
  std::size_t label = 0;
  std::size_t rank = 0;            ///< how many classes are more probable than the label
  std::vector<RankedClass> top{};  ///< the most probable ones, most probable first
};

/// Ranks probabilities; of equal ones the first comes first.
/// @param probabilities [classes]
/// @param count how many classes are kept
/// @throws ArgumentError for a label that is no class
inline VideoResult ranked_classes(std::span<const double> probabilities, std::size_t label,
                                  std::size_t count) {
  if (label >= probabilities.size())
    throw ArgumentError("a video is of class " + std::to_string(label) + ", but there are " +
                        std::to_string(probabilities.size()) + " classes");
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return probabilities[a] > probabilities[b];
  });
  VideoResult result{.label = label};
  result.rank =
      static_cast<std::size_t>(std::find(order.begin(), order.end(), label) - order.begin());
  order.resize(std::min(count, order.size()));
  for (const std::size_t each : order) result.top.push_back({each, probabilities[each]});
  return result;
}

/// Figures of some videos; shares, 0 to 1.
struct VideoScores {
  double top_1 = 0;
  std::optional<double> top_5{};  ///< absent below five classes
  double mean_per_class = 0;      ///< top-1, averaged over the classes that have videos
  std::vector<std::pair<std::size_t, std::size_t>> classes{};  ///< right ones and all, by class
};

/// @throws ArgumentError for no results, and a label that is no class
inline VideoScores video_scores(std::span<const VideoResult> results, std::size_t classes) {
  if (results.empty()) throw ArgumentError("there are no results of videos");
  VideoScores scores;
  scores.classes.resize(classes);
  std::size_t right = 0, among_five = 0, present = 0;
  for (const VideoResult& result : results) {
    if (result.label >= classes)
      throw ArgumentError("a video is of class " + std::to_string(result.label) +
                          ", but there are " + std::to_string(classes) + " classes");
    right += result.rank == 0 ? 1 : 0;
    among_five += result.rank < 5 ? 1 : 0;
    scores.classes[result.label].first += result.rank == 0 ? 1 : 0;
    ++scores.classes[result.label].second;
  }
  const auto all = static_cast<double>(results.size());
  scores.top_1 = static_cast<double>(right) / all;
  if (classes >= 5) scores.top_5 = static_cast<double>(among_five) / all;
  for (const auto& [correct, count] : scores.classes) {
    if (count == 0) continue;
    ++present;
    scores.mean_per_class += static_cast<double>(correct) / static_cast<double>(count);
  }
  scores.mean_per_class /= static_cast<double>(present);
  return scores;
}

namespace detail {

/// Reads a result. @throws ArgumentError for anything else
inline VideoResult video_result(const std::string& line) {
  const Json json = Json::parse(line, nullptr, false);
  const auto count = [&json](const char* key) {
    if (!json.contains(key) || !json.at(key).is_number_unsigned())
      throw ArgumentError("\"" + std::string(key) + "\" is not a whole number of at least 0");
    return json.at(key).template get<std::size_t>();
  };
  if (!json.is_object() || !json.contains("video") || !json.at("video").is_string())
    throw ArgumentError("is not the result of a video");
  VideoResult result{.number = count("number"),
                     .video = json.at("video").get<std::string>(),
                     .label = count("label"),
                     .rank = count("rank")};
  if (!json.contains("top") || !json.at("top").is_array())
    throw ArgumentError("\"top\" is not a list");
  for (const Json& each : json.at("top")) {
    if (!each.is_array() || each.size() != 2 || !each[0].is_number_unsigned() ||
        !each[1].is_number())
      throw ArgumentError("\"top\" is not a list of classes and probabilities");
    result.top.push_back({each[0].get<std::size_t>(), each[1].get<double>()});
  }
  return result;
}

inline std::string to_line(const VideoResult& result) {
  nlohmann::ordered_json json{{"number", result.number},
                              {"video", result.video},
                              {"label", result.label},
                              {"rank", result.rank},
                              {"top", nlohmann::ordered_json::array()}};
  for (const RankedClass& each : result.top) json["top"].push_back({each.number, each.probability});
  return to_json_text(json);
}

}  // namespace detail

/// Results in a file, one JSON object per line, after a first line that says what they were made
/// from.
class VideoResultFile {
 public:
  /// Opens or creates it.
  /// @param path      empty: results are only kept in memory
  /// @param made_from texts by name that must all be equal for results to be
  /// @throws FileError for the results of something else, naming what differs, and lines that are
  ///         no results
  VideoResultFile(const std::string& path, const std::map<std::string, std::string>& made_from) {
    if (path.empty()) return;
    file_.emplace(path);
    const nlohmann::json first{{"made_from", made_from}};
    const auto& lines = file_->lines();
    if (lines.empty()) {
      file_->add(first.dump());
      return;
    }
    expect(made_from, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) read(lines[i], i + 1);
  }

  /// Those of the file, then those added.
  const std::vector<VideoResult>& results() const noexcept { return results_; }

  bool has(std::size_t number) const { return numbers_.contains(number); }

  /// Adds a result, which is in the file once this returns. @throws FileError if it cannot be
  /// written
  void add(const VideoResult& result) {
    if (file_) file_->add(detail::to_line(result));
    keep(result);
  }

 private:
  void expect(const std::map<std::string, std::string>& made_from, const std::string& line) const {
    const Json json = Json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("made_from") || !json.at("made_from").is_object())
      throw FileError(file_->path(), "holds no results of videos; give another file");
    std::string differences;
    for (const auto& [name, value] : made_from) {
      const auto found = json.at("made_from").find(name);
      const bool has = found != json.at("made_from").end() && found->is_string();
      const std::string other = has ? detail::printable(found->get<std::string>(), 80) : "nothing";
      if (other != value)
        differences += (differences.empty() ? "" : "; ") + name + ": " + other + ", now " + value;
    }
    if (!differences.empty())
      throw FileError(file_->path(), "holds results of something else; " + differences +
                                         "; give another file, or delete this one");
  }

  void read(const std::string& line, std::size_t number) {
    try {
      keep(detail::video_result(line));
    } catch (const ArgumentError& error) {
      detail::fail_in_line(file_->path(), number, error.what());
    }
  }

  void keep(const VideoResult& result) {
    if (!numbers_.insert(result.number).second)
      throw ArgumentError("an earlier result has the same number " + std::to_string(result.number));
    results_.push_back(result);
  }

  std::optional<GrowingLines> file_;
  std::vector<VideoResult> results_;
  std::set<std::size_t> numbers_;
};

}  // namespace coca
