#pragma once
/// @file
/// Pointers of Git LFS: the few lines of text that a clone holds in place of a large file until
/// `git lfs pull` fetches it. Code that opens a user's file checks this first, so that a pointer
/// is never taken for the vocabulary, the labels or the picture that it stands for.
/// Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"

namespace coca {

/// Whether a file begins as a pointer of Git LFS does, today's or that of its first releases.
/// @param beginning the first bytes of the file, or all of them
constexpr bool is_git_lfs_pointer(std::string_view beginning) noexcept {
  return beginning.starts_with("version https://git-lfs.github.com/spec/") ||
         beginning.starts_with("version https://hawser.github.com/spec/");
}

/// Refuses a pointer by its name.
/// @param path      what the error calls the file
/// @param beginning the first bytes of the file, or all of them
/// @throws FileError for a pointer of Git LFS.
inline void refuse_git_lfs_pointer(const std::string& path, std::string_view beginning) {
  if (!is_git_lfs_pointer(beginning)) return;
  throw FileError(path, "is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
}

/// @overload
inline void refuse_git_lfs_pointer(const std::string& path, std::span<const std::byte> beginning) {
  refuse_git_lfs_pointer(
      path, std::string_view(reinterpret_cast<const char*>(beginning.data()), beginning.size()));
}

/// @overload
inline void refuse_git_lfs_pointer(const std::string& path,
                                   std::span<const std::uint8_t> beginning) {
  refuse_git_lfs_pointer(path, std::as_bytes(beginning));
}

}  // namespace coca
