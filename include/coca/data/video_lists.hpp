#pragma once
/// @file
/// Lists of videos with classes: Kinetics' CSV, Moments in Time's files, and lines `path label`.
/// Names of files are relative to the folder of the videos.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/class_labels.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/data/header_table.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// A video of a list, and the number of its class.
struct ListedVideo {
  std::string file{};
  std::size_t label = 0;
};

/// A clip of Kinetics-400, -600 or -700.
struct KineticsClip {
  std::string label{};  ///< name of its class; empty in lists for tests
  std::string youtube_id{};
  std::int64_t start = 0;  ///< of the clip in its video, seconds
  std::int64_t end = 0;
  std::string split{};  ///< "train", "val" or "validate", "test"
};

namespace detail {

/// Seconds as "417" or "417.0"; nothing for anything else.
inline std::optional<std::int64_t> whole_seconds(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool valid = error == std::errc() && stop == end && value >= 0 && value < 1e6;
  return valid ? std::optional(static_cast<std::int64_t>(value)) : std::nullopt;
}

/// Whether a text can be the name of a file or folder, and nothing else.
inline bool is_plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

inline std::string with_underscores(std::string name) {
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
}

inline KineticsClip kinetics_clip(const HeaderTable& table) {
  KineticsClip clip{
      .label = table.at("label"), .youtube_id = table.at("youtube_id"), .split = table.at("split")};
  if (!is_plain_name(clip.youtube_id))
    table.fail("the youtube_id \"" + printable(clip.youtube_id, 40) + "\" is not a video's");
  if (table.has("label") && !is_plain_name(clip.label))
    table.fail("the label \"" + printable(clip.label, 40) + "\" cannot be a folder's name");
  const auto start = whole_seconds(table.at("time_start")),
             end = whole_seconds(table.at("time_end"));
  if (!start || !end) table.fail("time_start and time_end must be seconds, 0 to 999999");
  if (*end <= *start)
    table.fail("time_end " + std::to_string(*end) + " is not after time_start " +
               std::to_string(*start));
  clip.start = *start;
  clip.end = *end;
  return clip;
}

}  // namespace detail

/// Reads Kinetics' CSV, by the names of its columns: `youtube_id`, `time_start`, `time_end`,
/// `split`, and `label` but in lists for tests. Others, such as `is_cc`, are ignored.
/// @throws FileError for what cannot be read, and clips that occur twice
inline std::vector<KineticsClip> read_kinetics(std::string_view text, const std::string& path) {
  HeaderTable table(text, path);
  table.require({"youtube_id", "time_start", "time_end", "split"});
  std::vector<KineticsClip> clips;
  std::set<std::pair<std::string, std::int64_t>> known;
  while (table.next()) {
    clips.push_back(detail::kinetics_clip(table));
    if (!known.emplace(clips.back().youtube_id, clips.back().start).second)
      table.fail("an earlier row is of the same clip");
  }
  return clips;
}

/// Where the file of a clip may be: in a folder of its class, whose name has spaces or underscores,
/// or in none. `LABEL/ID_000417_000427.mp4`
inline std::vector<std::string> kinetics_files(const KineticsClip& clip) {
  std::array<char, 64> times{};
  std::snprintf(times.data(), times.size(), "_%06lld_%06lld.mp4",
                static_cast<long long>(clip.start), static_cast<long long>(clip.end));
  const std::string name = clip.youtube_id + times.data();
  if (clip.label.empty()) return {name};
  return {clip.label + '/' + name, detail::with_underscores(clip.label) + '/' + name, name};
}

/// The names of the classes in the order of their numbers: sorted with underscores for spaces, as
/// MMAction2 does. Give it the list for training.
inline std::vector<std::string> kinetics_classes(const std::vector<KineticsClip>& clips) {
  std::map<std::string, std::string> names;
  for (const KineticsClip& clip : clips)
    if (!clip.label.empty()) names.emplace(detail::with_underscores(clip.label), clip.label);
  std::vector<std::string> classes;
  for (const auto& entry : names) classes.push_back(entry.second);
  return classes;
}

namespace detail {

/// A line of a list that is split at the last of some character: text before it, number after it.
struct NumberedLine {
  std::string text{};
  std::size_t number = 0;
};

/// Visits the lines that are not empty: visit(line, number of the line).
/// @throws FileError for a line that is not split by `separator` into a text and a number
template <class Visitor>
void for_each_numbered_line(std::string_view text, const std::string& path, char separator,
                            Visitor&& visit) {
  std::string_view rest = without_byte_order_mark(text);
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view row = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (!row.empty() && (row.back() == '\r' || row.back() == ' ')) row.remove_suffix(1);
    if (row.empty()) continue;
    const std::size_t split = row.rfind(separator);
    const auto number = split == std::string_view::npos
                            ? std::nullopt
                            : whole_number(std::string(row.substr(split + 1)));
    if (!number || split == 0)
      fail_in_line(path, line,
                   "\"" + printable(row, 60) + "\" is not a name, " +
                       (separator == ' ' ? "a space" : "a comma") + " and the number of a class");
    visit(NumberedLine{std::string(row.substr(0, split)), *number}, line);
  }
}

}  // namespace detail

/// Reads lines `path label`, split at their last space, as MMAction2 does.
/// @throws FileError for other lines
inline std::vector<ListedVideo> read_video_list(std::string_view text, const std::string& path) {
  std::vector<ListedVideo> videos;
  detail::for_each_numbered_line(text, path, ' ', [&](detail::NumberedLine&& line, std::size_t) {
    videos.push_back({std::move(line.text), line.number});
  });
  return videos;
}

/// Reads Moments in Time's `moments_categories.txt`: lines `name,number`.
/// @return names by number
/// @throws FileError for other lines, and numbers that are missing or occur twice
inline std::vector<std::string> read_moments_categories(std::string_view text,
                                                        const std::string& path) {
  std::map<std::size_t, std::string> names;
  detail::for_each_numbered_line(
      text, path, ',', [&](detail::NumberedLine&& line, std::size_t number) {
        if (!names.emplace(line.number, std::move(line.text)).second)
          detail::fail_in_line(
              path, number, "an earlier line has the same number " + std::to_string(line.number));
      });
  std::vector<std::string> categories;
  for (auto& [number, name] : names) {
    if (number != categories.size())
      throw FileError(path, "no category has the number " + std::to_string(categories.size()));
    categories.push_back(std::move(name));
  }
  if (categories.empty()) throw FileError(path, "has no categories, expected lines name,number");
  return categories;
}

/// Reads Moments in Time's `trainingSet.csv` or `validationSet.csv`, whose first column is
/// `name/file.mp4`. There is no line of column names.
/// @throws FileError for rows without a known category
inline std::vector<ListedVideo> read_moments(std::string_view text, const std::string& path,
                                             const std::vector<std::string>& categories) {
  std::vector<ListedVideo> videos;
  DelimitedText rows(detail::without_byte_order_mark(text), ',', path);
  for (std::vector<std::string> row; rows.next(row);) {
    const std::string& file = row.front();
    const std::string name = file.substr(0, std::min(file.find('/'), file.size()));
    const auto found = std::find(categories.begin(), categories.end(), name);
    if (found == categories.end() || name.size() == file.size())
      detail::fail_in_line(path, rows.line(),
                           "\"" + detail::printable(file, 60) +
                               "\" is not category/file.mp4 with one of the " +
                               std::to_string(categories.size()) + " categories");
    videos.push_back({file, static_cast<std::size_t>(found - categories.begin())});
  }
  return videos;
}

}  // namespace coca
