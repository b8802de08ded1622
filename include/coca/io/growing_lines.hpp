#pragma once
/// @file
/// A text file that grows line by line and survives being killed: of a line that was being written
/// nothing is left when the file is opened again.

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

/// Whole lines, those that were there first. One program at a time may have the file.
class GrowingLines {
 public:
  /// Opens or creates it, and cuts off a last line without a line break.
  /// @throws FileError if it cannot be read and written, and if another program has it open
  explicit GrowingLines(std::string path)
      : path_(std::move(path)), file_(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file_.get() < 0) fail(errno);
    if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw FileError(path_, "another program is writing to this file");
    read_lines();
  }

  const std::string& path() const noexcept { return path_; }

  /// Those that were there when it was opened.
  const std::vector<std::string>& lines() const noexcept { return lines_; }

  /// Adds a line. @param line without line breaks
  /// @throws FileError if it cannot be written
  void add(std::string_view line) {
    const std::string text = std::string(line) + '\n';
    std::string_view rest = text;
    while (!rest.empty()) {
      const ssize_t written = ::write(file_.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail(written < 0 ? errno : EIO);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }

 private:
  void read_lines() {
    const off_t size = ::lseek(file_.get(), 0, SEEK_END);
    if (size < 0) fail(errno);
    if (size == 0) return;
    const MappedFile content(path_);
    const std::string_view text(reinterpret_cast<const char*>(content.bytes().data()),
                                content.bytes().size());
    std::size_t begin = 0;
    for (std::size_t end; (end = text.find('\n', begin)) != std::string_view::npos; begin = end + 1)
      lines_.emplace_back(text.substr(begin, end - begin));
    if (::ftruncate(file_.get(), static_cast<off_t>(begin)) != 0) fail(errno);
    ::lseek(file_.get(), 0, SEEK_END);
  }

  [[noreturn]] void fail(int code) const {
    throw FileError(path_, "cannot be read and written: " + detail::error_text(code));
  }

  std::string path_;
  detail::Descriptor file_;
  std::vector<std::string> lines_;
};

}  // namespace coca
