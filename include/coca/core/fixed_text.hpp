#pragma once
/// @file
/// Numbers with a fixed number of decimals, whatever the locale of the program.

#include <array>
#include <charconv>
#include <limits>
#include <string>

namespace coca {

/// "0.500" of 0.5 and 3 digits: what printf's "%.3f" prints in the C locale.
inline std::string fixed_text(double value, int digits) {
  constexpr std::size_t most = std::numeric_limits<double>::max_exponent10 + 32;
  std::array<char, most> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value,
                                 std::chars_format::fixed, digits);
  return {text.data(), end.ptr};
}

}  // namespace coca
