#pragma once
/// @file
/// What a list of options says of each: its name, its meaning, the names of its values.

#include <cstddef>

namespace coca {

/// An option's name (as in JSON; flags have - for _), what it means, and what it belongs to.
struct OptionInfo {
  const char* name;
  const char* description;
  const char* group;
};

/// The name of an enum's value.
template <class E>
struct NamedChoice {
  const char* name;
  E value;
};

/// The name of a value, empty if it has none.
template <class E, std::size_t n>
constexpr const char* choice_name(E value, const NamedChoice<E> (&choices)[n]) {
  for (const NamedChoice<E>& choice : choices)
    if (choice.value == value) return choice.name;
  return "";
}

}  // namespace coca
