#pragma once
/// @file
/// Numbers by the names that log, report and progress bar call them by.

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"

namespace coca {

/// A loss, a score, a temperature.
struct NamedNumber {
  std::string name;
  double value = 0;

  friend bool operator==(const NamedNumber&, const NamedNumber&) = default;
};

/// In the order in which they are shown. A point in a name groups: "image_to_text.r1".
using NamedNumbers = std::vector<NamedNumber>;

/// The number of that name, or nullptr.
inline const NamedNumber* find_number(const NamedNumbers& numbers, std::string_view name) {
  const auto found =
      std::find_if(numbers.begin(), numbers.end(),
                   [name](const NamedNumber& number) { return number.name == name; });
  return found == numbers.end() ? nullptr : &*found;
}

/// The same. @throws ArgumentError listing the existing names.
inline double number_of(const NamedNumbers& numbers, std::string_view name) {
  if (const NamedNumber* found = find_number(numbers, name)) return found->value;
  std::string known;
  for (const NamedNumber& number : numbers) known += (known.empty() ? "" : ", ") + number.name;
  throw ArgumentError("there is no \"" + std::string(name) + "\" among the numbers " + known);
}

/// Their sum.
inline double sum_of(const NamedNumbers& numbers) {
  double sum = 0;
  for (const NamedNumber& number : numbers) sum += number.value;
  return sum;
}

}  // namespace coca
