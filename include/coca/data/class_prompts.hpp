#pragma once
/// @file
/// The prompts of zero-shot classification: templates for all classes, as CLIP_benchmark's JSON
/// ({data set: [templates]}) or a template per line; or prompts for each class, which are used as
/// they are (CuPL, Pratt et al. 2022: {data set: {class: [prompts]}}).

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/class_names.hpp"
#include "coca/io/json.hpp"
#include "coca/text/prompt_template.hpp"

namespace coca {

/// Templates for all classes, or the prompts of each.
struct ClassPrompts {
  std::vector<std::string> templates{};  ///< with {} or {c}
  std::map<std::string, std::vector<std::string>>
      by_class{};        ///< by name; if there are no templates
  std::string source{};  ///< for messages
};

namespace detail {

/// @throws FileError that quotes a text without a place for the name
inline std::vector<std::string> checked_templates(std::vector<std::string> templates,
                                                  const std::string& path) {
  for (const std::string& text : templates)
    if (!is_prompt_template(text))
      throw FileError(path, "the template \"" + printable(text) +
                                "\" has neither {} nor {c} for the name of the class");
  return templates;
}

inline bool is_object_of_lists(const Json& json) {
  if (!json.is_object() || json.empty()) return false;
  for (const Json& value : json)
    if (!value.is_array()) return false;
  return true;
}

/// Whether an object has all of these keys.
inline bool has_all(const Json& object, std::span<const std::string> keys) {
  for (const std::string& key : keys)
    if (!object.contains(key)) return false;
  return !keys.empty();
}

/// A data set's value: templates, or prompts by class.
inline ClassPrompts prompts_of_value(const Json& value, const std::string& path) {
  if (!value.is_object())
    return {
        checked_templates(list_of_texts(value, "the value of a data set", path), path), {}, path};
  ClassPrompts prompts{{}, {}, path};
  for (const auto& [name, list] : value.items())
    prompts.by_class[name] = list_of_texts(list, "the value of a class", path);
  return prompts;
}

/// The data set's value, else ImageNet's if that is a list of templates, as CLIP_benchmark does.
inline const Json& templates_of_data_set(const Json& json, const std::string& data_set,
                                         const std::string& path) {
  std::vector<std::string> names = names_of_data_set(data_set);
  names.emplace_back("imagenet1k");
  return member_of_data_set(json, names, path);
}

}  // namespace detail

/// Prompts in any of the formats; the content says which.
/// @param data_set which prompts of a file of several data sets; if it is not there, ImageNet's
/// @param classes  their names: an object whose keys are these has the prompts of each
/// @throws FileError for a text that is none of these, and a template without {} or {c}
inline ClassPrompts parse_class_prompts(std::string_view text, const std::string& path,
                                        const std::string& data_set,
                                        std::span<const std::string> classes) {
  if (!detail::begins_as_json(text)) {
    std::vector<std::string> lines = detail::caption_lines_of(text);
    if (lines.empty()) throw FileError(path, "holds no templates");
    return {detail::checked_templates(std::move(lines), path), {}, path};
  }
  const Json json = parse_json(text, path);
  if (json.is_array()) return detail::prompts_of_value(json, path);
  if (detail::is_object_of_lists(json) && detail::has_all(json, classes))
    return detail::prompts_of_value(json, path);
  return detail::prompts_of_value(detail::templates_of_data_set(json, data_set, path), path);
}

/// The same of a file. @throws FileError if it cannot be read, and as above
inline ClassPrompts read_class_prompts(const std::string& path, const std::string& data_set,
                                       std::span<const std::string> classes) {
  return parse_class_prompts(detail::small_text(path), path, data_set, classes);
}

/// The prompts of each class. @throws FileError for a class that has none
inline std::vector<std::vector<std::string>> fill_prompts(const ClassPrompts& prompts,
                                                          std::span<const std::string> classes) {
  std::vector<std::vector<std::string>> filled;
  for (const std::string& name : classes) {
    std::vector<std::string>& some = filled.emplace_back();
    for (const std::string& text : prompts.templates) some.push_back(fill_template(text, name));
    if (!prompts.templates.empty()) continue;
    const auto found = prompts.by_class.find(name);
    if (found == prompts.by_class.end())
      throw FileError(prompts.source,
                      "has no prompts for the class \"" + detail::printable(name, 80) + '"');
    some = found->second;
  }
  return filled;
}

}  // namespace coca
