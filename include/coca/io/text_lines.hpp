#pragma once
/// @file
/// The lines of a file, such as the names of classes and answers.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "coca/io/mapped_file.hpp"

namespace coca {

/// The lines of a file without their ends, "\\n" or "\\r\\n", and without a byte order mark; else
/// whatever bytes they hold. @throws FileError if it cannot be read
inline std::vector<std::string> read_text_lines(const std::string& path) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  const MappedFile file(path);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.emplace_back(line);
    begin = end + 1;
  }
  return lines;
}

}  // namespace coca
