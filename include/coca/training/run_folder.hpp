#pragma once
/// @file
/// The folder of a training run: its files, and a lock.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

/// Paths of a run's files.
class RunFolder {
 public:
  explicit RunFolder(std::string path) : path_(std::move(path)) {}

  const std::string& path() const noexcept { return path_; }
  std::string options() const { return file("options.json"); }
  std::string checkpoint() const { return file("checkpoint.safetensors"); }
  std::string log() const { return file("log.jsonl"); }
  std::string report() const { return file("report.html"); }
  /// What OpenCLIP loads as `local-dir:` and the folder's path.
  std::string config() const { return file("open_clip_config.json"); }
  std::string weights() const { return file("open_clip_model.safetensors"); }
  /// The model of the best validation, if it is kept.
  std::string best_weights() const { return file("best.safetensors"); }
  /// How captions are generated; Hugging Face's file.
  std::string generation_config() const { return file("generation_config.json"); }
  /// The names of a classifier's classes, one per line.
  std::string classes() const { return file("classes.txt"); }
  /// Those names, by label; none without that file.
  std::vector<std::string> class_names() const {
    std::vector<std::string> names;
    std::ifstream lines(classes());
    for (std::string name; std::getline(lines, name);) names.push_back(name);
    return names;
  }
  /// Path of the copy of a vocabulary file, under a name that open_hugging_face_folder() knows.
  std::string tokenizer(const std::string& original) const {
    const std::string name = std::filesystem::path(original).filename().string();
    const bool known =
        name.starts_with("bpe_simple_vocab") || name.ends_with(".model") || name == "merges.txt";
    if (known) return file(name);
    if (name.ends_with(".json")) return file("tokenizer.json");
    return file(name.ends_with(".gz") ? "bpe_simple_vocab.txt.gz" : "bpe_simple_vocab.txt");
  }
  std::string file(const std::string& name) const {
    return (std::filesystem::path(path_) / name).string();
  }

  bool has_checkpoint() const {
    std::error_code ignored;
    return std::filesystem::exists(checkpoint(), ignored);
  }

  /// Keeps the current checkpoint and model, if any, when the next ones are written.
  void keep_checkpoint() const {
    forget_kept_checkpoint();
    std::error_code ignored;  // without it there is one checkpoint, as between all other steps
    for (const std::string& path : {checkpoint(), weights()})
      std::filesystem::create_hard_link(path, kept(path), ignored);
  }

  /// Call it when the newer ones have proved good.
  void forget_kept_checkpoint() const {
    std::error_code ignored;
    for (const std::string& path : {checkpoint(), weights()})
      std::filesystem::remove(kept(path), ignored);
  }

  /// Call it when the newer ones have proved bad.
  void return_to_kept_checkpoint() const {
    std::error_code ignored;
    for (const std::string& path : {checkpoint(), weights()})
      std::filesystem::rename(kept(path), path, ignored);
  }

  /// Creates the folder, unless it exists. @throws FileError if that is not possible.
  void create() const {
    if (path_.empty()) throw ArgumentError("a training run needs a folder to write to");
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) throw FileError(path_, "cannot be created: " + error.message());
  }

  /// Removes what was left by runs that were killed while they wrote. Only by the one run that has
  /// the folder locked.
  void remove_leftovers() const {
    std::error_code error;
    std::vector<std::filesystem::path> leftovers;
    for (std::filesystem::directory_iterator entry(path_, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      for (const std::string& own : {options(), checkpoint(), report(), config(), weights(),
                                     best_weights(), generation_config()})
        if (name.starts_with(std::filesystem::path(own).filename().string() + ".tmp-"))
          leftovers.push_back(entry->path());
    }
    for (const std::filesystem::path& path : leftovers) std::filesystem::remove(path, error);
    forget_kept_checkpoint();
  }

 private:
  static std::string kept(const std::string& path) {
    return std::filesystem::path(path).replace_extension(".kept.safetensors").string();
  }

  std::string path_;
};

/// Keeps other runs out of a folder during its lifetime; a killed run leaves no lock.
class RunLock {
 public:
  /// @throws FileError if another run has the folder.
  explicit RunLock(const RunFolder& folder)
      : folder_(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (folder_.get() < 0)
      throw FileError(folder.path(), "cannot be opened: " + detail::error_text(errno));
    if (::flock(folder_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw FileError(folder.path(), "another training run is writing to this folder");
  }

 private:
  detail::Descriptor folder_;
};

/// Copies a file atomically. @throws FileError if it cannot be read or written.
inline void copy_file_atomically(const std::string& from, const std::string& to) {
  const MappedFile source(from);
  write_file_atomically(to, source.bytes());
}

}  // namespace coca
