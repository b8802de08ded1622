#pragma once
/// @file
/// A video as a folder of pictures, one per frame, in natural order: frame2.png before frame10.png.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/folder_listing.hpp"
#include "coca/image/read_image.hpp"
#include "coca/video/video_file.hpp"
#include "coca/video/video_options.hpp"

namespace coca {

namespace detail {

/// Takes the digits or the other characters that a text begins with.
inline std::string_view take_run(std::string_view& text, bool digits) {
  std::size_t size = 0;
  while (size < text.size() &&
         (std::isdigit(static_cast<unsigned char>(text[size])) != 0) == digits)
    ++size;
  const std::string_view run = text.substr(0, size);
  text.remove_prefix(size);
  return run;
}

inline std::string_view without_zeros(std::string_view digits) {
  return digits.substr(std::min(digits.find_first_not_of('0'), digits.size()));
}

}  // namespace detail

/// Whether a name comes before another if numbers in them count as numbers, of any length.
inline bool is_naturally_before(std::string_view left, std::string_view right) {
  std::string_view a = left, b = right;
  for (bool digits = false; !a.empty() || !b.empty(); digits = !digits) {
    const std::string_view from_a = detail::take_run(a, digits);
    const std::string_view from_b = detail::take_run(b, digits);
    if (!digits) {
      // A name that ends, or has a number, where the other has more text.
      if (from_a != from_b) return from_a < from_b;
      continue;
    }
    const std::string_view x = detail::without_zeros(from_a), y = detail::without_zeros(from_b);
    if (x.size() != y.size()) return x.size() < y.size();
    if (x != y) return x < y;
  }
  return left < right;  // they differ at most in leading zeros
}

/// A folder of frames: JPEG, PNG and WebP files, whatever else it holds.
class FrameFolder {
 public:
  /// @throws FileError for a folder that cannot be listed, without pictures, or with more than
  /// VideoOptions::max_frames
  explicit FrameFolder(const std::string& path, const VideoOptions& options = {})
      : path_(path), options_(options) {
    names_ = detail::list_folder(path_, [](const auto& entry) {
      return detail::has_image_extension(entry.path()) && entry.is_regular_file();
    });
    std::sort(names_.begin(), names_.end(), is_naturally_before);
    if (names_.empty())
      throw FileError(path, "holds no frames, expected .jpg, .jpeg, .png or .webp files");
    if (names_.size() > options.max_frames)
      throw FileError(path, "holds " + std::to_string(names_.size()) +
                                " frames, more than the limit of " +
                                std::to_string(options.max_frames));
    for (std::size_t i = 0; i < names_.size(); ++i)
      seconds_.push_back(static_cast<double>(i) / options.folder_rate);
  }

  std::size_t frame_count() const noexcept { return names_.size(); }

  /// Names of the files in the order of the frames.
  const std::vector<std::string>& names() const noexcept { return names_; }

  /// When a frame begins, at VideoOptions::folder_rate.
  const std::vector<double>& seconds() const noexcept { return seconds_; }

  /// The frame that is shown `seconds` after the first.
  std::size_t frame_at(double seconds) const { return detail::frame_at(seconds_, seconds); }

  /// Frames in the order of the numbers, which may repeat.
  /// @throws ArgumentError for a number that is too large; FileError for a broken picture
  std::vector<Image> read(std::span<const std::size_t> numbers) const {
    detail::expect_frames(numbers, frame_count(), path_.string());
    std::vector<Image> images;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const bool again = i > 0 && numbers[i] == numbers[i - 1];
      images.push_back(again ? images.back() : read_frame(numbers[i]));
    }
    return images;
  }

  /// Reads all frames in their order: visit(number, image).
  template <class Visitor>
  void for_each_frame(Visitor&& visit) const {
    for (std::size_t i = 0; i < names_.size(); ++i) visit(i, read_frame(i));
  }

 private:
  Image read_frame(std::size_t number) const {
    return read_image((path_ / names_[number]).string(),
                      {.exif = options_.rotate, .max_pixels = options_.max_pixels});
  }

  std::filesystem::path path_;
  VideoOptions options_;
  std::vector<std::string> names_;
  std::vector<double> seconds_;
};

}  // namespace coca
