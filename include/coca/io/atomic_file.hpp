#pragma once
/// @file
/// Writing files so that a reader sees the old content or the whole new one, never a part.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"

namespace coca {

namespace detail {

/// The file that writing to `path` actually affects.
struct WriteTarget {
  std::string path;     ///< after resolving symbolic links
  bool direct = false;  ///< written in place: a device, a pipe, or an open descriptor
  int mode = -1;        ///< permissions of the replaced file; -1 if there is none
};

inline std::string error_text(int code) { return std::generic_category().message(code); }

/// Follows symbolic links one by one, because the last one may point to a file yet to be made.
inline std::string follow_links(const std::string& path) {
  namespace fs = std::filesystem;
  constexpr int max_links = 40;  // as in Linux
  fs::path target = path;
  for (int hops = 0; hops < max_links; ++hops) {
    std::error_code ignored;
    if (target.native().starts_with("/proc/")) return target.string();
    if (!fs::is_symlink(fs::symlink_status(target, ignored))) return target.string();
    const fs::path next = fs::read_symlink(target, ignored);
    if (ignored) throw FileError(path, "cannot follow the link: " + ignored.message());
    target = next.is_absolute() ? next : target.parent_path() / next;
  }
  throw FileError(path, "cannot be written: " + error_text(ELOOP));
}

/// Flushes a new name to the disk, so that it survives a power failure. Failure is not an error:
/// the file is in its place, and not every file system supports this.
inline void sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const int descriptor =
      ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  static_cast<void>(::fsync(descriptor));
  ::close(descriptor);
}

inline WriteTarget find_write_target(const std::string& path) {
  if (path.empty()) throw FileError("\"\"", "an empty path cannot be written");
  WriteTarget target;
  target.path = follow_links(path);
  // Links below /proc name open descriptors (/dev/stdout): their files are not ours to replace.
  target.direct = target.path.starts_with("/proc/");
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return target;
  if (S_ISDIR(status.st_mode)) throw FileError(path, "cannot be written: it is a directory");
  if (!S_ISREG(status.st_mode)) target.direct = true;
  if (::access(path.c_str(), W_OK) != 0)
    throw FileError(path, "cannot be written: " + error_text(errno));
  target.mode = static_cast<int>(status.st_mode & 07777);
  return target;
}

}  // namespace detail

/// A file under construction. It is written to a temporary name next to its target and takes the
/// target's place in commit(); without commit() nothing remains of it. A target that is not a
/// regular file (/dev/stdout, /dev/full, a pipe) is written in place instead. A link is followed:
/// the file that it points to is replaced. Permissions of a replaced file are kept.
class AtomicFile {
 public:
  /// @throws FileError when the target cannot be written, with the system's reason.
  explicit AtomicFile(std::string path)
      : path_(std::move(path)), target_(detail::find_write_target(path_)) {
    target_.direct ? open_in_place() : open_temporary();
    buffer_.reserve(buffer_size);
  }

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  AtomicFile(AtomicFile&& other) noexcept { swap(other); }
  AtomicFile& operator=(AtomicFile&& other) noexcept {
    AtomicFile(std::move(other)).swap(*this);
    return *this;
  }
  ~AtomicFile() { discard(); }

  /// The path as given.
  const std::string& path() const noexcept { return path_; }

  /// Appends bytes. @throws FileError when they cannot be written; the temporary is gone then.
  void write(const void* data, std::size_t size) {
    require_open();
    const char* bytes = static_cast<const char*>(data);
    if (buffer_.size() + size > buffer_size) flush();
    if (size >= buffer_size) {
      write_through(bytes, size);
    } else if (size > 0) {
      buffer_.insert(buffer_.end(), bytes, bytes + size);
    }
  }

  /// Appends text.
  void write(std::string_view text) { write(text.data(), text.size()); }

  /// Puts the file in its place, once everything has reached the disk.
  /// @throws FileError when any step fails; the old file is then untouched.
  void commit() {
    require_open();
    flush();
    if (!target_.direct && ::fsync(descriptor_) != 0) fail(errno);
    const int closed = ::close(std::exchange(descriptor_, -1));
    if (closed != 0 && errno != EINTR) fail(errno);
    if (!target_.direct) {
      if (std::rename(temporary_.c_str(), target_.path.c_str()) != 0) fail(errno);
      detail::sync_folder_of(target_.path);
    }
    temporary_.clear();
  }

 private:
  static constexpr std::size_t buffer_size = std::size_t{1} << 16;

  void swap(AtomicFile& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(target_, other.target_);
    std::swap(temporary_, other.temporary_);
    std::swap(descriptor_, other.descriptor_);
    std::swap(buffer_, other.buffer_);
  }

  void open_in_place() {
    // O_APPEND: if standard output is a regular file, its existing content stays.
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_APPEND);
    if (descriptor_ < 0) fail(errno);
  }

  void open_temporary() {
    static std::atomic<unsigned> counter{0};
    const std::string stem = target_.path + ".tmp-" + std::to_string(::getpid()) + "-";
    constexpr int attempts = 100;  // names left over by a crashed process with the same id
    for (int attempt = 0; attempt < attempts && descriptor_ < 0; ++attempt) {
      std::string name = stem + std::to_string(counter++);
      descriptor_ = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (descriptor_ >= 0) {
        temporary_ = std::move(name);
      } else if (errno != EEXIST) {
        fail(errno);
      }
    }
    if (descriptor_ < 0) fail(EEXIST);
    if (target_.mode >= 0 && ::fchmod(descriptor_, static_cast<mode_t>(target_.mode)) != 0)
      fail(errno);
  }

  void require_open() const {
    if (descriptor_ < 0) throw FileError(path_, "is written after it was closed");
  }

  void flush() {
    write_through(buffer_.data(), buffer_.size());
    buffer_.clear();
  }

  void write_through(const char* bytes, std::size_t size) {
    constexpr std::size_t max_step = std::size_t{1} << 30;
    while (size > 0) {
      const ssize_t written = ::write(descriptor_, bytes, size < max_step ? size : max_step);
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(written < 0 ? errno : EIO);
      bytes += written;
      size -= static_cast<std::size_t>(written);
    }
  }

  [[noreturn]] void fail(int code) {
    discard();
    throw FileError(path_, "cannot be written: " + detail::error_text(code));
  }

  void discard() noexcept {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
  }

  std::string path_;
  detail::WriteTarget target_;
  std::string temporary_;
  int descriptor_ = -1;
  std::vector<char> buffer_;
};

/// Writes a whole file in one step. @throws FileError like AtomicFile.
inline void write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// Writes a whole file in one step. @throws FileError like AtomicFile.
inline void write_file_atomically(const std::string& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes.data(), bytes.size());
  file.commit();
}

}  // namespace coca
