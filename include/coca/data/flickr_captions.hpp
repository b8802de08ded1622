#pragma once
/// @file
/// CLIP_benchmark's captions of Flickr30K and Flickr8K: a header, then lines "1000092795.jpg,A
/// caption, with commas and "quotes" that stay". (It is no CSV: nothing is in quotes.)

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/coco_captions.hpp"
#include "coca/data/delimited_text.hpp"
#include "coca/data/web_dataset.hpp"

namespace coca {

namespace detail {

/// The first line of a text, which loses it.
inline std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace detail

/// Pictures in the order of their first lines, each with the captions of all its lines.
/// @param path what messages call the text
/// @throws FileError for a line that has no ".jpg," or is not UTF-8, and a text without pictures
inline std::vector<AnnotatedPicture> read_flickr_captions(std::string_view text,
                                                          const std::string& path) {
  constexpr std::string_view mark = ".jpg,";
  std::vector<AnnotatedPicture> pictures;
  std::unordered_map<std::string, std::size_t> places;
  text = detail::without_byte_order_mark(text);
  detail::take_line(text);  // the header
  for (std::size_t number = 2; !text.empty(); ++number) {
    const std::string_view line = detail::trimmed(detail::take_line(text));
    if (line.empty()) continue;
    if (!is_valid_utf8(line)) detail::fail_in_line(path, number, "the text is not UTF-8");
    const std::size_t at = line.find(mark);
    if (at == 0 || at == std::string_view::npos)
      detail::fail_in_line(path, number, "expected the name of a .jpg, a comma and a caption");
    const std::string name(line.substr(0, at + mark.size() - 1));
    const auto [place, is_new] = places.try_emplace(name, pictures.size());
    if (is_new) pictures.push_back({.id = name, .file_name = name});
    pictures[place->second].captions.emplace_back(line.substr(at + mark.size()));
    pictures[place->second].caption_ids.emplace_back();
  }
  if (pictures.empty()) throw FileError(path, "lists no pictures");
  return pictures;
}

}  // namespace coca
