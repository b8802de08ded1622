#pragma once
/// @file
/// Videos in one folder per class: `root/class_name/clip.mp4`, or `root/class_name/clip/` with a
/// picture per frame.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/folder_listing.hpp"
#include "coca/data/video_lists.hpp"
#include "coca/video/read_video.hpp"

namespace coca {

/// Videos with the numbers of their classes, and the classes' names.
struct VideoFolders {
  std::vector<std::string> classes{};  ///< in alphabetical order
  std::vector<ListedVideo> videos{};   ///< files relative to the root
};

/// Lists the videos of folders of classes; other files, and names that begin with a dot, are
/// ignored. @throws FileError for a folder that cannot be listed, and a class without videos
inline VideoFolders list_video_folders(const std::string& root) {
  const std::filesystem::path path(root);
  VideoFolders folders;
  folders.classes =
      detail::list_folder(path, [](const auto& entry) { return entry.is_directory(); });
  if (folders.classes.empty()) throw FileError(root, "holds no folders of classes");
  for (std::size_t label = 0; label < folders.classes.size(); ++label) {
    const std::string& name = folders.classes[label];
    const auto videos = detail::list_folder(
        path / name, [](const auto& entry) { return is_video_path(entry.path().string()); });
    if (videos.empty())
      throw FileError((path / name).string(),
                      "the class has no videos, expected files such as .mp4, or folders of frames");
    for (const std::string& video : videos) folders.videos.push_back({name + '/' + video, label});
  }
  return folders;
}

/// The first of some files that a folder holds; empty if it has none of them.
inline std::string find_video(const std::string& folder, const std::vector<std::string>& files) {
  std::error_code ignored;
  for (const std::string& file : files) {
    const std::filesystem::path path = std::filesystem::path(folder) / file;
    if (std::filesystem::exists(path, ignored)) return path.string();
  }
  return "";
}

}  // namespace coca
