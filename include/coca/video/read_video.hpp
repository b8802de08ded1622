#pragma once
/// @file
/// Videos: files that FFmpeg reads, GIFs among them, and folders of frames, behind one interface.
/// `coca::Video("clip.mp4").read(numbers)`

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "coca/image/image.hpp"
#include "coca/video/frame_folder.hpp"
#include "coca/video/video_file.hpp"
#include "coca/video/video_options.hpp"

namespace coca {

/// Whether a path looks like a video: by the extension of a file, or a folder that holds pictures.
inline bool is_video_path(const std::string& path) {
  constexpr std::array<std::string_view, 16> extensions{
      ".mp4",  ".mkv", ".webm", ".avi", ".gif", ".mov", ".m4v",  ".mpg",
      ".mpeg", ".ts",  ".flv",  ".wmv", ".3gp", ".ogv", ".apng", ".ivf"};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    std::filesystem::directory_iterator entry(path, ignored);
    for (; !ignored && entry != std::filesystem::directory_iterator(); entry.increment(ignored))
      if (detail::has_image_extension(entry->path())) return true;
    return false;
  }
  std::string extension = std::filesystem::path(path).extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

/// A video of either kind.
class Video {
 public:
  /// @param path a file, or a folder with one picture per frame
  /// @throws FileError for anything else; UnavailableError for a file if this build has no FFmpeg
  explicit Video(const std::string& path, const VideoOptions& options = {})
      : held_(open(path, options)) {}

  std::size_t frame_count() const {
    return std::visit([](const auto& video) { return video.frame_count(); }, held_);
  }

  /// When each frame begins, in seconds since the first.
  const std::vector<double>& seconds() const {
    return std::visit(
        [](const auto& video) -> const auto& { return video.seconds(); }, held_);
  }

  /// The frame that is shown `seconds` after the beginning of the first.
  std::size_t frame_at(double seconds) const { return detail::frame_at(this->seconds(), seconds); }

  /// What is wrong with the video although it can be read; empty: nothing was found.
  std::string damage() const {
    const auto* file = std::get_if<VideoFile>(&held_);
    return file == nullptr ? "" : file->damage();
  }

  /// Frames in the order of the numbers, which may repeat.
  /// @throws ArgumentError for a number that is too large; FileError for what cannot be read
  std::vector<Image> read(std::span<const std::size_t> numbers) {
    return std::visit([&](auto& video) { return video.read(numbers); }, held_);
  }

  /// Reads all frames in their order: visit(number, image).
  template <class Visitor>
  void for_each_frame(Visitor&& visit) {
    std::visit([&](auto& video) { video.for_each_frame(visit); }, held_);
  }

 private:
  using Held = std::variant<FrameFolder, VideoFile>;

  static Held open(const std::string& path, const VideoOptions& options) {
    std::error_code ignored;
    if (std::filesystem::is_directory(path, ignored))
      return Held(std::in_place_type<FrameFolder>, path, options);
    return Held(std::in_place_type<VideoFile>, path, options);
  }

  Held held_;
};

}  // namespace coca
