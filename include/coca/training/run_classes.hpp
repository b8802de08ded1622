#pragma once
/// @file
/// Whether a run that is resumed still has the classes that it began with. A label is a class's
/// place in the list, so that a class that is renamed, added or lost moves others.

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/data/caption_list.hpp"

namespace coca {

namespace detail {

/// Those of some names that are not among others, in their order.
inline std::vector<std::string> names_not_in(const std::vector<std::string>& names,
                                             const std::vector<std::string>& others) {
  const std::set<std::string> known(others.begin(), others.end());
  std::vector<std::string> rest;
  for (const std::string& name : names)
    if (!known.contains(name)) rest.push_back(name);
  return rest;
}

}  // namespace detail

/// What sets the classes of the training data apart from those that a run began with, as the second
/// half of a sentence; empty if they are the same in the same order.
inline std::string class_difference(const std::vector<std::string>& run,
                                    const std::vector<std::string>& data) {
  if (run == data) return {};
  const std::vector<std::string> lost = detail::names_not_in(run, data);
  const std::vector<std::string> added = detail::names_not_in(data, run);
  const auto names = [](const std::vector<std::string>& some) {
    return detail::list_of_names(some, " and ");
  };
  if (!lost.empty() && !added.empty())
    return "the training data has " + names(added) + " instead of " + names(lost);
  if (!lost.empty()) return "the training data has no " + names(lost);
  if (!added.empty()) return "the training data also has " + names(added);
  if (run.size() != data.size())
    return "the training data has " + counted(data.size(), "class", "classes") + ", the run " +
           counted(run.size(), "class", "classes");
  const auto [before, now] = std::mismatch(run.begin(), run.end(), data.begin(), data.end());
  return "the training data has them in another order: class " +
         std::to_string(before - run.begin()) + " is " + names({*now}) + " instead of " +
         names({*before});
}

}  // namespace coca
