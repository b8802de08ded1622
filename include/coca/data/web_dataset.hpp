#pragma once
/// @file
/// WebDataset: tar files whose members of one basename are one sample, such as `000123.jpg` and
/// `000123.txt`. Shards are indexed when they are opened, so that samples have numbers, any order
/// is possible, and a run resumes at any position without reading what came before.

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/brace_expansion.hpp"
#include "coca/data/caption_json.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/tar_file.hpp"
#include "coca/io/json.hpp"
#include "coca/io/npy.hpp"
#include "coca/io/python_json.hpp"

namespace coca {

/// What the members of a shard mean.
struct WebDatasetOptions {
  /// Key of the caption (a text or a list of texts) in .json members. They are used if
  /// there is no .txt.
  std::string caption_key = "caption";
  /// false: samples without a caption count, as where their label is what counts.
  bool captions_required = true;
  /// Keys of .json members that become fields of the records. Each sample must have them.
  std::vector<std::string> field_keys{};
  /// Each line of a .txt member is a caption; otherwise the whole text is one.
  bool caption_lines = false;
  /// .npy members are read, too: an array with a number for each class, not 0 where the picture is
  /// of that class. They become the field "labels" of records, the classes as "0 14".
  bool label_arrays = false;
};

namespace detail {

/// The parts of a sample by their extensions. Of several pictures the first counts: the order is
/// that of OpenCLIP's "jpg;png;jpeg;webp".
inline constexpr std::array<std::string_view, 8> member_extensions{"jpg", "png",  "jpeg", "webp",
                                                                   "txt", "json", "cls",  "npy"};
inline constexpr std::size_t picture_extensions = 4;

/// The index of an extension in that list; nothing for others.
inline std::optional<std::size_t> member_part(std::string extension) {
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const auto found = std::find(member_extensions.begin(), member_extensions.end(), extension);
  if (found == member_extensions.end()) return std::nullopt;
  return static_cast<std::size_t>(found - member_extensions.begin());
}

/// Folder and basename up to its first dot, and what follows that dot: WebDataset's rule.
inline std::pair<std::string, std::string> split_member_name(const std::string& name) {
  const std::size_t base = name.rfind('/') + 1;  // 0 if there is no folder
  const std::size_t dot = name.find('.', base);
  if (dot == std::string::npos) return {name, ""};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// Without white space at both ends.
inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

/// The captions of a .json member. @throws FileError, beginning with `name`.
inline std::vector<std::string> json_captions(std::string_view text,
                                              const WebDatasetOptions& options,
                                              const std::string& name) {
  const PythonJson json = parse_python_json({text}, name);
  const std::string& key = options.caption_key;
  std::vector<std::string> captions;
  const bool has_key = json.value.is_object() && json.value.contains(key);
  if (!options.captions_required && !has_key) return captions;
  if (!has_key) throw FileError(name, "expected a JSON object with the key \"" + key + "\"");
  if (json.doubled.count(key) != 0) throw FileError(name, "the key \"" + key + "\" occurs twice");
  const bool are_texts = append_texts(json.value.at(key), captions);
  if (!are_texts && !options.captions_required) return {};
  if (!are_texts) {
    throw FileError(name, "\"" + key + "\" is neither a text nor a list of texts");
  }
  if (std::any_of(captions.begin(), captions.end(), has_lone_surrogate))
    throw FileError(name, "\"" + key + "\" holds half of a surrogate pair");
  std::erase(captions, "");  // as in caption files
  return captions;
}

/// Values of a .json member by key: texts as they are, all else as JSON.
/// @throws FileError, beginning with `name`, where one is missing
inline std::map<std::string, std::string> json_fields(std::string_view text,
                                                      const std::vector<std::string>& keys,
                                                      const std::string& name) {
  const PythonJson json = parse_python_json({text}, name);
  std::map<std::string, std::string> fields;
  for (const std::string& key : keys) {
    if (!json.value.is_object() || !json.value.contains(key))
      throw FileError(name, "expected a JSON object with the key \"" + key + "\"");
    if (json.doubled.count(key) != 0) throw FileError(name, "the key \"" + key + "\" occurs twice");
    if (!read_structured_field(json.value.at(key), fields[key]))
      throw FileError(name, "\"" + key + "\" is null");
  }
  return fields;
}

/// The lines of a text that are not blank, trimmed.
inline std::vector<std::string> caption_lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    if (const auto line = trimmed(text.substr(0, end)); !line.empty()) lines.emplace_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// The classes of a .npy member, as "0 14". @throws FileError, beginning with `name`.
inline std::string labels_of_array(std::span<const std::uint8_t> bytes, const std::string& name) {
  const NpyNumbers array = parse_npy_numbers(name, std::as_bytes(bytes));
  if (array.shape.rank() != 1)
    throw FileError(name, "expected an array with a number for each class, got one of shape " +
                              to_string(array.shape));
  std::string labels;
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if (array.values[i] != 0) labels += (labels.empty() ? "" : " ") + std::to_string(i);
  return labels;
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

/// Samples of one or more tar files, plain or compressed: .jpg, .png, .jpeg or .webp with .txt or
/// .json captions, or a .cls label. Pictures without any text or label, and texts without a
/// picture, are passed over. If a sample has several pictures, the first in this order counts; of
/// members of one name the last, as in any tar archive that was appended to.
class WebDataset {
 public:
  /// @param patterns files, with braces for several (`shard-{000..012}.tar`); in one text, "::"
  /// separates patterns, as for OpenCLIP's `--train-data`
  /// @throws FileError for a shard that is missing, damaged or truncated, and patterns without any
  /// sample.
  explicit WebDataset(const std::vector<std::string>& patterns,
                      const WebDatasetOptions& options = {})
      : options_(options) {
    for (const std::string& pattern : patterns) open(pattern);
    if (entries_.empty()) {
      throw FileError(patterns.empty() ? "\"\"" : patterns.front(),
                      "no samples: expected members such as 0001.jpg and 0001.txt");
    }
  }

  /// The same for one text.
  explicit WebDataset(const std::string& pattern, const WebDatasetOptions& options = {})
      : WebDataset(std::vector<std::string>{pattern}, options) {}

  std::size_t size() const noexcept { return entries_.size(); }

  /// Number of tar files.
  std::size_t shards() const noexcept { return shards_.size(); }

  /// Shard and member, captions and label. @throws FileError for a text that is not UTF-8, broken
  /// JSON, or a label that is not a number.
  Record record(std::size_t index) const {
    const Entry& entry = at(index);
    Record record{name_of(entry, entry.picture_name), {}, std::nullopt};
    if (entry.text != absent) {
      const std::string text = text_at(entry, entry.text, "txt");
      if (options_.caption_lines)
        record.captions = detail::caption_lines_of(text);
      else if (const auto caption = detail::trimmed(text); !caption.empty())
        record.captions.emplace_back(caption);
    } else if (entry.json != absent) {
      record.captions = detail::json_captions(text_at(entry, entry.json, "json"), options_,
                                              member_name(entry, "json"));
    }
    if (!options_.field_keys.empty() && entry.json != absent)
      record.fields = detail::json_fields(text_at(entry, entry.json, "json"), options_.field_keys,
                                          member_name(entry, "json"));
    if (entry.array != absent)
      record.fields["labels"] = detail::labels_of_array(shards_[entry.shard].read(entry.array),
                                                        member_name(entry, "npy"));
    if (entry.label != absent) {
      record.label =
          detail::class_number(text_at(entry, entry.label, "cls"), member_name(entry, "cls"));
    }
    return record;
  }

  /// The shard that has the picture.
  const std::string& picture_file(std::size_t index) const {
    return shards_[at(index).shard].path();
  }

  /// The picture file. @throws FileError if the archive is damaged there.
  std::vector<std::uint8_t> read(std::size_t index) const {
    const Entry& entry = at(index);
    return shards_[entry.shard].read(entry.picture);
  }

  /// Notes on how the shards were read: sentences that begin with a path.
  std::vector<std::string> notes() const {
    if (surplus_ == 0) return {};
    const std::string others =
        surplus_ == 1 ? " is" : " and " + counted(surplus_ - 1, "more member") + " are";
    return {first_surplus_ + others +
            " not read: of several pictures of a sample the first of jpg, png, jpeg and webp "
            "counts, of members of one name the last"};
  }

 private:
  static constexpr std::uint64_t absent = ~std::uint64_t{0};
  static constexpr std::size_t array_part = detail::member_extensions.size() - 1;

  /// Where the members of a sample are in their shard.
  struct Entry {
    std::string picture_name;
    std::size_t shard = 0;
    std::uint64_t picture = absent;
    std::uint64_t text = absent;
    std::uint64_t json = absent;
    std::uint64_t label = absent;
    std::uint64_t array = absent;
  };

  /// A sample of the shard that is being indexed.
  struct Sample {
    std::array<const TarMember*, detail::member_extensions.size()> parts{};
    std::vector<const TarMember*> surplus{};

    void add(std::size_t part, const TarMember& member) {
      if (parts[part] != nullptr) surplus.push_back(parts[part]);
      parts[part] = &member;
    }
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
    const std::vector<std::string> paths = expand_patterns(pattern);
    const auto exists = [](const std::string& path) {
      std::error_code ignored;
      return std::filesystem::exists(path, ignored);
    };
    if (paths.size() > 1 && std::none_of(paths.begin(), paths.end(), exists)) {
      throw FileError(pattern, "none of its " + counted(paths.size(), "shard") + " exists");
    }
    for (const std::string& path : paths) {
      shards_.emplace_back(path);
      index_shard(shards_.size() - 1);
    }
  }

  void index_shard(std::size_t shard) {
    const std::vector<TarMember> members = shards_[shard].members();
    std::vector<Sample> samples;
    std::unordered_map<std::string, std::size_t> known;
    for (const TarMember& member : members) {
      auto [key, extension] = detail::split_member_name(member.name);
      const auto part = detail::member_part(extension);
      const std::string base = key.substr(key.rfind('/') + 1);
      if (part == array_part && !options_.label_arrays) continue;
      if (!part || base.empty() || base.starts_with("__")) continue;
      const auto [found, is_new] = known.try_emplace(std::move(key), samples.size());
      if (is_new) samples.emplace_back();
      samples[found->second].add(*part, member);
    }
    for (Sample& sample : samples) add_entry(sample, shard);
  }

  /// Keeps a sample that has a picture and a text or label.
  void add_entry(Sample& sample, std::size_t shard) {
    const auto& parts = sample.parts;
    const auto offset_of = [](const TarMember* member) { return member ? member->offset : absent; };
    const TarMember* picture = nullptr;
    for (std::size_t part = 0; part < detail::picture_extensions; ++part) {
      if (picture != nullptr && parts[part] != nullptr) sample.surplus.push_back(parts[part]);
      if (picture == nullptr) picture = parts[part];
    }
    constexpr std::size_t first_text = detail::picture_extensions;
    Entry entry{"",
                shard,
                offset_of(picture),
                offset_of(parts[first_text]),
                offset_of(parts[first_text + 1]),
                offset_of(parts[first_text + 2]),
                options_.label_arrays ? offset_of(parts[first_text + 3]) : absent};
    const bool described = entry.text != absent || entry.json != absent || entry.label != absent ||
                           entry.array != absent;
    if (picture == nullptr || !described) return;
    entry.picture_name = picture->name;
    if (surplus_ == 0 && !sample.surplus.empty())
      first_surplus_ = name_of(entry, sample.surplus.front()->name);
    surplus_ += sample.surplus.size();
    entries_.push_back(std::move(entry));
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
  std::size_t surplus_ = 0;  // members that are not read
  std::string first_surplus_;
};

static_assert(Dataset<WebDataset>);

}  // namespace coca
