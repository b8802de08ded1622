#pragma once
/// @file
/// The folder of a training run: what is in it, and who may write there.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
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
  /// What OpenCLIP opens as `local-dir:` and the folder's path.
  std::string config() const { return file("open_clip_config.json"); }
  std::string weights() const { return file("open_clip_model.safetensors"); }
  /// Where a copy of a vocabulary file is: under a name that open_hugging_face_folder() knows.
  std::string tokenizer(const std::string& original) const {
    const std::string name = std::filesystem::path(original).filename().string();
    const bool known =
        name.starts_with("bpe_simple_vocab") || name.ends_with(".model") || name == "merges.txt";
    if (known) return file(name);
    return file(name.ends_with(".gz") ? "bpe_simple_vocab.txt.gz" : "bpe_simple_vocab.txt");
  }
  std::string file(const std::string& name) const {
    return (std::filesystem::path(path_) / name).string();
  }

  bool has_checkpoint() const {
    std::error_code ignored;
    return std::filesystem::exists(checkpoint(), ignored);
  }

  /// Lets the checkpoint that there is, if any, survive the next one.
  void keep_checkpoint() const {
    std::error_code ignored;  // without it there is one checkpoint, as between all other steps
    std::filesystem::remove(kept_checkpoint(), ignored);
    std::filesystem::create_hard_link(checkpoint(), kept_checkpoint(), ignored);
  }

  /// The newer one has proved itself.
  void forget_kept_checkpoint() const {
    std::error_code ignored;
    std::filesystem::remove(kept_checkpoint(), ignored);
  }

  /// The newer one led nowhere.
  void return_to_kept_checkpoint() const {
    std::error_code ignored;
    std::filesystem::rename(kept_checkpoint(), checkpoint(), ignored);
  }

  /// Makes the folder, unless it is there. @throws FileError where that is not possible.
  void create() const {
    if (path_.empty()) throw ArgumentError("a training run needs a folder to write to");
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) throw FileError(path_, "cannot be made: " + error.message());
  }

  /// Removes what runs left behind that were killed while they wrote. Only by the one run that has
  /// the folder locked.
  void remove_leftovers() const {
    std::error_code error;
    std::vector<std::filesystem::path> leftovers;
    for (std::filesystem::directory_iterator entry(path_, error);
         !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      for (const std::string& own : {options(), checkpoint(), report(), config(), weights()})
        if (name.starts_with(std::filesystem::path(own).filename().string() + ".tmp-"))
          leftovers.push_back(entry->path());
    }
    for (const std::filesystem::path& path : leftovers) std::filesystem::remove(path, error);
    forget_kept_checkpoint();
  }

 private:
  std::string kept_checkpoint() const { return file("checkpoint.kept.safetensors"); }

  std::string path_;
};

/// Keeps other runs out of a folder for as long as it lives; a run that is killed leaves no lock.
class RunLock {
 public:
  /// @throws FileError where another run has the folder.
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

/// Copies a file so that it appears whole. @throws FileError where it cannot be read or written.
inline void copy_file_atomically(const std::string& from, const std::string& to) {
  const MappedFile source(from);
  write_file_atomically(to, source.bytes());
}

}  // namespace coca
