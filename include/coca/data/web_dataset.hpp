#pragma once
/// @file
/// WebDataset: tar files whose members of one basename are one sample, such as `000123.jpg` and
/// `000123.txt`. Shards are indexed when they are opened, so that samples have numbers, any order
/// is possible, and a run resumes at any place without reading what came before.

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/brace_expansion.hpp"
#include "coca/data/caption_file.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/tar_file.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// What the members of a shard mean.
struct WebDatasetOptions {
  /// Key of the caption (a text or a list of texts) in .json members. They are looked at where
  /// there is no .txt.
  std::string caption_key = "caption";
};

namespace detail {

/// What an extension stands for.
enum class MemberKind { picture, text, json, label, other };

inline MemberKind member_kind(std::string extension) {
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (extension == "jpg" || extension == "jpeg" || extension == "png" || extension == "webp") {
    return MemberKind::picture;
  }
  if (extension == "txt") return MemberKind::text;
  if (extension == "json") return MemberKind::json;
  return extension == "cls" ? MemberKind::label : MemberKind::other;
}

/// Folder and basename up to its first dot, and what follows that dot: WebDataset's rule.
inline std::pair<std::string, std::string> split_member_name(const std::string& name) {
  const std::size_t base = name.rfind('/') + 1;  // 0 where there is no folder
  const std::size_t dot = name.find('.', base);
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// Without the white space at both ends.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// The captions of a .json member. @throws FileError, beginning with `name`.
inline std::vector<std::string> json_captions(std::string_view text, const std::string& key,
                                              const std::string& name) {
  const Json value = parse_json(text, name);
  std::vector<std::string> captions;
  if (!value.is_object() || !value.contains(key)) {
    throw FileError(name, "expected a JSON object with the key \"" + key + "\"");
  }
  if (!append_texts(value.at(key), captions)) {
    throw FileError(name, "\"" + key + "\" is neither a text nor a list of texts");
  }
  return captions;
}

/// The number in a .cls member. @throws FileError, beginning with `name`.
inline std::int32_t class_number(std::string_view text, const std::string& name) {
  text = trimmed(text);
  std::int32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc() || stop != end || number < 0) {
    throw FileError(name, "expected the number of a class, got \"" + printable(text, 20) + "\"");
  }
  return number;
}

}  // namespace detail

/// Samples of one or more tar files: .jpg, .jpeg, .png or .webp with .txt or .json captions, or a
/// .cls label. Pictures without any text or label, and texts without a picture, are passed over.
class WebDataset {
 public:
  /// @param patterns files, with braces for several (`shard-{000..012}.tar`); in one text, "::"
  /// separates patterns, as for OpenCLIP's `--train-data`
  /// @throws FileError for a shard that is missing, damaged, truncated or compressed, one that
  /// holds two pictures of one name, and patterns without any sample.
  explicit WebDataset(const std::vector<std::string>& patterns,
                      const WebDatasetOptions& options = {})
      : options_(options) {
    for (const std::string& pattern : patterns) {
      for (const std::string& part : split_patterns(pattern)) open(part);
    }
    if (entries_.empty()) {
      throw FileError(patterns.empty() ? "\"\"" : patterns.front(),
                      "no samples: expected members such as 0001.jpg and 0001.txt");
    }
  }

  /// The same of one text.
  explicit WebDataset(const std::string& pattern, const WebDatasetOptions& options = {})
      : WebDataset(std::vector<std::string>{pattern}, options) {}

  std::size_t size() const noexcept { return entries_.size(); }

  /// Number of tar files.
  std::size_t shards() const noexcept { return shards_.size(); }

  /// Shard and member, captions and label. @throws FileError for a text that is not UTF-8, broken
  /// JSON, or a label that is no number.
  Record record(std::size_t index) const {
    const Entry& entry = at(index);
    Record record{name_of(entry, entry.picture_name), {}, std::nullopt};
    if (entry.text != absent) {
      const std::string text = text_at(entry, entry.text, "txt");
      if (const auto caption = detail::trimmed(text); !caption.empty()) {
        record.captions.emplace_back(caption);
      }
    } else if (entry.json != absent) {
      record.captions = detail::json_captions(text_at(entry, entry.json, "json"),
                                              options_.caption_key, member_name(entry, "json"));
    }
    if (entry.label != absent) {
      record.label =
          detail::class_number(text_at(entry, entry.label, "cls"), member_name(entry, "cls"));
    }
    return record;
  }

  /// The picture file. @throws FileError where the archive is damaged there.
  std::vector<std::uint8_t> read(std::size_t index) const {
    const Entry& entry = at(index);
    return shards_[entry.shard].read(entry.picture);
  }

 private:
  static constexpr std::uint64_t absent = ~std::uint64_t{0};

  /// Where the members of a sample are in their shard.
  struct Entry {
    std::string picture_name;
    std::size_t shard = 0;
    std::uint64_t picture = absent;
    std::uint64_t text = absent;
    std::uint64_t json = absent;
    std::uint64_t label = absent;
  };

  static std::vector<std::string> split_patterns(const std::string& text) {
    std::vector<std::string> parts;
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find("::", begin)) != std::string::npos; begin = end + 2) {
      parts.push_back(text.substr(begin, end - begin));
    }
    parts.push_back(text.substr(begin));
    return parts;
  }

  void open(const std::string& pattern) {
    const std::vector<std::string> paths = expand_braces(pattern);
    const auto exists = [](const std::string& path) {
      std::error_code ignored;
      return std::filesystem::exists(path, ignored);
    };
    if (paths.size() > 1 && std::none_of(paths.begin(), paths.end(), exists)) {
      throw FileError(pattern, "none of its " + std::to_string(paths.size()) + " shards exists");
    }
    for (const std::string& path : paths) {
      shards_.emplace_back(path);
      index_shard(shards_.size() - 1);
    }
  }

  void index_shard(std::size_t shard) {
    std::vector<Entry> samples;
    std::unordered_map<std::string, std::size_t> known;
    for (const TarMember& member : shards_[shard].members()) {
      auto [key, extension] = detail::split_member_name(member.name);
      const detail::MemberKind kind = detail::member_kind(extension);
      const std::string base = key.substr(key.rfind('/') + 1);
      if (kind == detail::MemberKind::other || base.empty() || base.starts_with("__")) continue;
      const auto [found, is_new] = known.try_emplace(std::move(key), samples.size());
      if (is_new) samples.emplace_back().shard = shard;
      add_member(samples[found->second], kind, member);
    }
    for (Entry& entry : samples) {
      const bool described = entry.text != absent || entry.json != absent || entry.label != absent;
      if (entry.picture != absent && described) entries_.push_back(std::move(entry));
    }
  }

  void add_member(Entry& entry, detail::MemberKind kind, const TarMember& member) const {
    std::uint64_t& place = kind == detail::MemberKind::picture ? entry.picture
                           : kind == detail::MemberKind::text  ? entry.text
                           : kind == detail::MemberKind::json  ? entry.json
                                                               : entry.label;
    if (place != absent) {
      throw FileError(shards_[entry.shard].path(),
                      "two members are the same part of one sample, the second is \"" +
                          detail::printable(member.name) + "\"");
    }
    place = member.offset;
    if (kind == detail::MemberKind::picture) entry.picture_name = member.name;
  }

  const Entry& at(std::size_t index) const {
    detail::check_record_index(index, entries_.size());
    return entries_[index];
  }

  std::string name_of(const Entry& entry, const std::string& member) const {
    return shards_[entry.shard].path() + '/' + member;
  }

  std::string member_name(const Entry& entry, const std::string& extension) const {
    return name_of(entry, detail::split_member_name(entry.picture_name).first + '.' + extension);
  }

  /// @throws FileError for what is not UTF-8.
  std::string text_at(const Entry& entry, std::uint64_t offset,
                      const std::string& extension) const {
    const std::vector<std::uint8_t> bytes = shards_[entry.shard].read(offset);
    std::string text(bytes.begin(), bytes.end());
    if (!is_valid_utf8(text)) {
      throw FileError(member_name(entry, extension), "the text is not UTF-8");
    }
    return text;
  }

  WebDatasetOptions options_;
  std::vector<TarFile> shards_;
  std::vector<Entry> entries_;
};

static_assert(Dataset<WebDataset>);

}  // namespace coca
