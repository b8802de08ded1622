#pragma once
// Hand-made tar archives, for what no program writes.

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace coca_test {

/// An octal number with a fixed number of digits.
inline std::string octal(std::size_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value /= 8) text[i] = static_cast<char>('0' + value % 8);
  return text;
}

/// Writes the checksum of the header that a text begins with.
inline void set_tar_checksum(std::string& tar) {
  tar.replace(148, 8, "        ");
  std::size_t sum = 0;
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(tar[i]);
  tar.replace(148, 6, octal(sum, 6));
  tar[154] = '\0';
}

/// A ustar archive of names and contents.
inline std::string tar_of(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string tar;
  for (const auto& [name, content] : members) {
    std::string header(512, '\0');
    header.replace(0, name.size(), name);
    header.replace(100, 7, "0000644");
    header.replace(124, 11, octal(content.size(), 11));
    header[156] = '0';
    header.replace(257, 5, "ustar");
    header.replace(263, 2, "00");
    set_tar_checksum(header);
    tar += header + content + std::string((512 - content.size() % 512) % 512, '\0');
  }
  return tar + std::string(1024, '\0');
}

}  // namespace coca_test
