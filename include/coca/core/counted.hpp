#pragma once
/// @file
/// Numbers with what they count, for messages: "1 step", "2 steps".

#include <concepts>
#include <string>
#include <string_view>

namespace coca {

/// "1 picture", "2 pictures", "1 class", "0 classes".
/// @param one  what there is one of
/// @param many its plural; empty: `one` with an s
template <std::integral Number>
std::string counted(Number count, std::string_view one, std::string_view many = {}) {
  std::string text = std::to_string(count) + ' ';
  if (count != 1 && !many.empty()) return text.append(many);
  text.append(one);
  return count == 1 ? text : text + 's';
}

/// "there is 1 picture", "there are 2 pictures". @param one, many as of counted()
template <std::integral Number>
std::string there_are(Number count, std::string_view one, std::string_view many = {}) {
  return (count == 1 ? "there is " : "there are ") + counted(count, one, many);
}

}  // namespace coca
