#pragma once
/// @file
/// What folders of pictures hold, in alphabetical order.

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "coca/core/error.hpp"

namespace coca::detail {

/// Whether a name is that of a picture file.
inline bool has_image_extension(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png" || extension == ".webp";
}

/// Sorted names of a folder's content, except those that begin with a dot.
/// @param wanted says whether a std::filesystem::directory_entry counts
/// @throws FileError with the system's reason.
template <class Wanted>
std::vector<std::string> list_folder(const std::filesystem::path& folder, Wanted wanted) {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with('.') && wanted(*entry)) names.push_back(name);
  }
  if (error) throw FileError(folder.string(), "cannot be listed: " + error.message());
  std::sort(names.begin(), names.end());
  return names;
}

/// Whether a path is a folder and not a link to one, which might form a cycle.
inline bool is_real_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(std::filesystem::symlink_status(path, ignored));
}

}  // namespace coca::detail
