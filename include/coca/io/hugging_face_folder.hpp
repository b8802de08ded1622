#pragma once
/// @file
/// A folder laid out like OpenCLIP's repositories on Hugging Face: configuration, weights,
/// tokenizer.

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/config_section.hpp"
#include "coca/io/json.hpp"
#include "coca/io/model_config.hpp"

namespace coca {

/// What was found. Paths include the folder's.
struct HuggingFaceFolder {
  std::string path;
  std::string config;
  std::string weights;  ///< a checkpoint for open_checkpoint(); empty if none was looked for
  ModelDescription description;
  std::optional<std::string> merges;          ///< merges.txt
  std::optional<std::string> vocabulary;      ///< vocab.json
  std::optional<std::string> tokenizer_json;  ///< tokenizer.json
  std::optional<std::string> bpe_vocabulary;  ///< bpe_simple_vocab*.txt or .txt.gz
  std::optional<std::string> sentence_piece;  ///< *.model
  /// Minimum total tokens of captions, start and end included, from generation_config.json.
  std::optional<std::size_t> min_length;
  std::optional<std::string> classes;  ///< classes.txt, the names of a classifier's classes
  /// Every file that makes the model what it is, but for its weights: a copy of these and other
  /// weights of the same shapes are a model of the same kind.
  std::vector<std::string> beside_weights{};
};

namespace detail {

/// The plain names in a folder, sorted.
class FolderListing {
 public:
  /// @throws FileError if the path is not a readable folder.
  explicit FolderListing(const std::string& path) : path_(path) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (!fs::exists(path, error)) throw FileError(path, "does not exist");
    if (!fs::is_directory(path, error)) throw FileError(path, "is not a folder");
    fs::directory_iterator entry(path, error);
    constexpr std::size_t max_names = 100'000;
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      std::error_code ignored;  // a dangling link is not a file
      if (fs::is_regular_file(entry->path(), ignored))
        names_.push_back(entry->path().filename().string());
      if (names_.size() > max_names) throw FileError(path, "holds too many files");
    }
    if (error) throw FileError(path, "cannot be listed: " + error.message());
    std::sort(names_.begin(), names_.end());
  }

  /// The first of these names that exists.
  std::optional<std::string> first_of(std::initializer_list<const char*> candidates) const {
    for (const char* name : candidates)
      if (std::binary_search(names_.begin(), names_.end(), name)) return full(name);
    return std::nullopt;
  }

  /// All names with this prefix and suffix.
  std::vector<std::string> matching(std::string_view begin, std::string_view end) const {
    std::vector<std::string> found;
    for (const std::string& name : names_)
      if (name.size() >= begin.size() + end.size() && name.starts_with(begin) &&
          name.ends_with(end))
        found.push_back(full(name));
    return found;
  }

  std::string full(const std::string& name) const {
    return (std::filesystem::path(path_) / name).string();
  }

 private:
  std::string path_;
  std::vector<std::string> names_;
};

inline std::string find_config(const std::string& path, const FolderListing& folder) {
  if (const auto own = folder.first_of({"open_clip_config.json"})) return *own;
  const auto shared = folder.first_of({"config.json"});
  if (!shared) throw FileError(path, "holds neither open_clip_config.json nor config.json");
  if (!is_model_config(read_json_file(*shared)))
    throw FileError(*shared, "is not an OpenCLIP configuration: it has no \"model_cfg\"");
  return *shared;
}

/// Known names first, safetensors before pickles; then a single file of a known kind.
inline std::string find_weights(const std::string& path, const FolderListing& folder) {
  const auto known =
      folder.first_of({"open_clip_model.safetensors", "open_clip_model.safetensors.index.json",
                       "model.safetensors", "model.safetensors.index.json",
                       "open_clip_pytorch_model.bin", "open_clip_pytorch_model.bin.index.json",
                       "pytorch_model.bin", "pytorch_model.bin.index.json"});
  if (known) return *known;
  for (const char* begin : {"pytorch_model-", "open_clip_pytorch_model-", "model-"})
    for (const char* end : {".bin", ".safetensors"})
      if (const auto parts = folder.matching(begin, end); parts.size() > 1)
        throw FileError(path, "holds weights in " + counted(parts.size(), "file") + " (" +
                                  printable(parts[0]) +
                                  ", ...), but not the index that says what "
                                  "is where, " +
                                  std::string(begin, std::strlen(begin) - 1) + end + ".index.json");
  for (const char* ending : {".safetensors", ".pt"}) {
    const std::vector<std::string> found = folder.matching("", ending);
    if (found.size() == 1) return found.front();
    if (found.size() > 1)
      throw FileError(path, "holds several " + std::string(ending) + " files (" +
                                printable(found[0]) + ", " + printable(found[1]) +
                                (found.size() > 2 ? ", ...); " : "); ") +
                                "name the weights to load");
  }
  throw FileError(path,
                  "holds no weights: no open_clip_model.safetensors, model.safetensors, "
                  "open_clip_pytorch_model.bin, pytorch_model.bin or .pt file");
}

/// The only file with this prefix and suffix, or nothing.
inline std::optional<std::string> find_only(const std::string& path, const FolderListing& folder,
                                            std::string_view begin, std::string_view end) {
  const std::vector<std::string> found = folder.matching(begin, end);
  if (found.size() > 1)
    throw FileError(
        path, "holds several vocabularies: " + printable(found[0]) + " and " + printable(found[1]));
  return found.empty() ? std::nullopt : std::optional(found.front());
}

/// The minimum length of a model's captions, if its folder has one.
inline std::optional<std::size_t> find_min_length(const FolderListing& folder) {
  const auto file = folder.first_of({"generation_config.json"});
  if (!file) return std::nullopt;
  const Json config = read_json_file(*file);
  constexpr int absent = -1;
  const int length = ConfigSection(*file, "", config).integer("min_length", absent, 0, 1 << 20);
  return length == absent ? std::nullopt : std::optional(static_cast<std::size_t>(length));
}

/// The configuration, the vocabulary, and what else says how the model is used.
inline std::vector<std::string> find_beside_weights(const HuggingFaceFolder& folder,
                                                    const FolderListing& listing) {
  std::vector<std::string> files{folder.config};
  for (const auto& file : {folder.merges, folder.vocabulary, folder.tokenizer_json,
                           folder.bpe_vocabulary, folder.sentence_piece})
    if (file) files.push_back(*file);
  for (const char* name : {"generation_config.json", "classes.txt", "task.json", "answers.txt"})
    if (const auto file = listing.first_of({name})) files.push_back(*file);
  return files;
}

}  // namespace detail

/// Finds everything that a model in a folder consists of, and reads its configuration.
/// @param with_weights whether its weights are looked for
/// @throws FileError when the folder, its configuration or its weights are missing, ambiguous or
/// not supported.
inline HuggingFaceFolder open_hugging_face_folder(const std::string& path,
                                                  bool with_weights = true) {
  const detail::FolderListing listing(path);
  HuggingFaceFolder folder;
  folder.path = path;
  folder.config = detail::find_config(path, listing);
  folder.description = read_model_description(folder.config);
  if (with_weights) folder.weights = detail::find_weights(path, listing);
  folder.merges = listing.first_of({"merges.txt"});
  folder.vocabulary = listing.first_of({"vocab.json"});
  folder.tokenizer_json = listing.first_of({"tokenizer.json"});
  folder.bpe_vocabulary = detail::find_only(path, listing, "bpe_simple_vocab", ".txt");
  if (!folder.bpe_vocabulary)
    folder.bpe_vocabulary = detail::find_only(path, listing, "bpe_simple_vocab", ".txt.gz");
  folder.sentence_piece = detail::find_only(path, listing, "", ".model");
  folder.min_length = detail::find_min_length(listing);
  folder.classes = listing.first_of({"classes.txt"});
  folder.beside_weights = detail::find_beside_weights(folder, listing);
  return folder;
}

/// The model in a folder; nothing if the path is not a folder (a checkpoint, or missing).
/// @throws FileError like open_hugging_face_folder
inline std::optional<HuggingFaceFolder> find_hugging_face_folder(const std::string& path) {
  std::error_code ignored;  // opening the path will report the problem
  if (!std::filesystem::is_directory(path, ignored)) return std::nullopt;
  return open_hugging_face_folder(path);
}

}  // namespace coca
