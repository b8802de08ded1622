#pragma once
/// @file
/// A whole file as read-only memory.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/io/git_lfs_pointer.hpp"

namespace coca {

namespace detail {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace detail

/// A whole regular file mapped for reading. Pages are read from disk when touched. As with any
/// mapping, a file that another program truncates while it is read ends this program (SIGBUS).
class MappedFile {
 public:
  /// @throws FileError when the file is missing, unreadable, empty, not a regular file, or a
  /// pointer of Git LFS.
  explicit MappedFile(std::string path) : path_(std::move(path)) {
    // O_NONBLOCK: a pipe without a writer must be refused, not waited for.
    const detail::Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) fail("cannot be opened", errno);
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) fail("cannot be examined", errno);
    if (S_ISDIR(status.st_mode)) throw FileError(path_, "is a directory, expected a file");
    if (!S_ISREG(status.st_mode)) throw FileError(path_, "is not a regular file");
    if (status.st_size == 0) throw FileError(path_, "is empty");
    const auto size = static_cast<std::size_t>(status.st_size);
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
    if (address == MAP_FAILED) fail("cannot be mapped", errno);
    bytes_ = {static_cast<const std::byte*>(address), size};
    try {
      refuse_git_lfs_pointer(path_, bytes_);
    } catch (...) {  // no destructor runs for an object that was never whole
      ::munmap(address, size);
      throw;
    }
  }

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile(MappedFile&& other) noexcept
      : path_(std::move(other.path_)), bytes_(std::exchange(other.bytes_, {})) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MappedFile() {
    if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }

  const std::string& path() const noexcept { return path_; }

  /// The content. Valid while this object lives.
  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// Removes the pages of [offset, offset + size) from the resident set; touched again, they are
  /// read again. The page in which the range ends stays, because the next range begins there.
  void release(std::size_t offset, std::size_t size) const noexcept {
    if (offset >= bytes_.size()) return;
    const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    const std::size_t end = size < bytes_.size() - offset ? offset + size : bytes_.size();
    const std::size_t first = offset / page * page;
    const std::size_t last = end == bytes_.size() ? end : end / page * page;
    if (last > first)
      ::madvise(const_cast<std::byte*>(bytes_.data()) + first, last - first, MADV_DONTNEED);
  }

 private:
  [[noreturn]] void fail(const char* what, int code) const {
    throw FileError(path_, std::string(what) + ": " + std::generic_category().message(code));
  }

  std::string path_;
  std::span<const std::byte> bytes_;
};

}  // namespace coca
