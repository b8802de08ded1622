#pragma once
/// @file
/// A data set in the layout of CLIP_benchmark's shards (clip_benchmark/webdataset_builder.py):
///
/// - `dataset_type.txt`: "retrieval", "multilabel", or anything else for classification; may be
///   missing
/// - `classnames.txt`, `zeroshot_classification_templates.txt`: a class and a template per line
/// - `test/nshards.txt`: their number; `test/0.tar` and so on: pictures (webp, png, jpg or jpeg)
/// with
///   a class number (.cls), an array with a number for each class (.npy) or a caption per line
///   (.txt)

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/class_names.hpp"
#include "coca/data/web_dataset.hpp"

namespace coca {

/// What a picture of such shards has.
enum class ShardLabels : std::uint8_t { one_class, several_classes, captions };

/// Such a data set. The optional files are empty names where they are missing.
struct ClipBenchmarkFolder {
  ShardLabels labels = ShardLabels::one_class;
  std::string class_names{};  ///< path of classnames.txt
  std::string templates{};    ///< path of zeroshot_classification_templates.txt
  std::vector<std::string> shards{};
};

/// Whether a folder is laid out like that.
inline bool is_clip_benchmark_folder(const std::string& root, const std::string& split = "test") {
  std::error_code ignored;
  return std::filesystem::is_regular_file(std::filesystem::path(root) / split / "nshards.txt",
                                          ignored);
}

namespace detail {

/// The number in nshards.txt. @throws FileError for anything else
inline std::size_t number_of_shards(const std::string& path) {
  constexpr std::size_t most = 100'000;
  const std::string text = small_text(path);
  const std::string_view digits = trimmed(text);
  std::size_t count = 0;
  const auto [stop, error] = std::from_chars(digits.begin(), digits.end(), count);
  if (digits.empty() || error != std::errc() || stop != digits.end() || count == 0 || count > most)
    throw FileError(path, "expected the number of shards, 1 to " + std::to_string(most) +
                              ", got \"" + printable(digits, 20) + '"');
  return count;
}

inline ShardLabels shard_labels_of(const std::string& path) {
  std::string type = small_text(path);
  for (char& c : type) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string_view word = trimmed(type);
  if (word == "retrieval") return ShardLabels::captions;
  return word == "multilabel" ? ShardLabels::several_classes : ShardLabels::one_class;
}

}  // namespace detail

/// Reads the small files of the layout. @throws FileError if one of them cannot be read
inline ClipBenchmarkFolder read_clip_benchmark_folder(const std::string& root,
                                                      const std::string& split = "test") {
  const std::filesystem::path folder(root);
  const auto existing = [&](const char* name) {
    std::error_code ignored;
    const std::filesystem::path path = folder / name;
    return std::filesystem::exists(path, ignored) ? path.string() : std::string();
  };
  ClipBenchmarkFolder found{.class_names = existing("classnames.txt"),
                            .templates = existing("zeroshot_classification_templates.txt")};
  const std::string type = existing("dataset_type.txt");
  if (!type.empty()) found.labels = detail::shard_labels_of(type);
  const std::size_t count = detail::number_of_shards((folder / split / "nshards.txt").string());
  for (std::size_t i = 0; i < count; ++i)
    found.shards.push_back((folder / split / (std::to_string(i) + ".tar")).string());
  return found;
}

/// Opens the shards. @throws FileError as WebDataset
inline WebDataset open_shards(const ClipBenchmarkFolder& folder) {
  return WebDataset(folder.shards, {.captions_required = folder.labels == ShardLabels::captions,
                                    .caption_lines = folder.labels == ShardLabels::captions,
                                    .label_arrays = folder.labels == ShardLabels::several_classes});
}

}  // namespace coca
