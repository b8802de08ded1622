#pragma once
/// @file
/// Names of picture files that are made of ids, such as COCO's.

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include "coca/core/error.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// "COCO_val2014_{:012}.jpg": a name with one place for an id, padded with zeros there; or
/// "{}.png".
class PicturePattern {
 public:
  /// @throws ArgumentError for a pattern without place, with several, or a width above 64
  explicit PicturePattern(const std::string& pattern) {
    const std::size_t open = pattern.find('{'), close = pattern.find('}');
    if (open == pattern.npos || close == pattern.npos || close < open ||
        pattern.find_first_of("{}", close + 1) != pattern.npos)
      refuse(pattern);
    before_ = pattern.substr(0, open);
    after_ = pattern.substr(close + 1);
    const std::string_view format = std::string_view(pattern).substr(open + 1, close - open - 1);
    if (format.empty()) return;
    if (!format.starts_with(":0")) refuse(pattern);
    const char* const end = format.data() + format.size();
    const auto [stop, error] = std::from_chars(format.data() + 2, end, width_);
    if (error != std::errc{} || stop != end || width_ == 0 || width_ > 64) refuse(pattern);
  }

  /// The file name of the picture with that id.
  std::string operator()(const std::string& id) const {
    return before_ + std::string(width_ - std::min(width_, id.size()), '0') + id + after_;
  }

 private:
  [[noreturn]] static void refuse(const std::string& pattern) {
    throw ArgumentError("the pattern of picture names is \"" + detail::printable(pattern, 80) +
                        "\", expected one {} or {:012} in it for the picture's id, such as "
                        "COCO_val2014_{:012}.jpg");
  }

  std::string before_, after_;
  std::size_t width_ = 0;
};

}  // namespace coca
