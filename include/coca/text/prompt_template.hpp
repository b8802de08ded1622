#pragma once
/// @file
/// Prompts around the name of a class: "a photo of a {}." as OpenAI's CLIP and OpenCLIP write them,
/// "a photo of a {c}." as CLIP_benchmark does.

#include <array>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"

namespace coca {

namespace detail {

/// What stands for the name in a template.
inline constexpr std::array<std::string_view, 2> placeholders{"{}", "{c}"};

/// The placeholder that begins at `at`; empty if none does.
inline std::string_view placeholder_at(std::string_view text, std::size_t at) {
  for (const std::string_view placeholder : placeholders)
    if (text.substr(at).starts_with(placeholder)) return placeholder;
  return {};
}

}  // namespace detail

/// Whether a text has a place for a name.
inline bool is_prompt_template(std::string_view text) {
  for (const std::string_view placeholder : detail::placeholders)
    if (text.find(placeholder) != std::string_view::npos) return true;
  return false;
}

/// Puts a label into a template, in the place of each "{}" and "{c}"; those within the label stay.
/// @throws ArgumentError for a template without either
inline std::string fill_template(std::string_view text, std::string_view label) {
  if (!is_prompt_template(text))
    throw ArgumentError("the prompt template \"" + std::string(text) +
                        "\" has no {} for the label");
  std::string filled;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view placeholder = detail::placeholder_at(text, at);
    if (placeholder.empty())
      filled += text[at++];
    else
      filled += label, at += placeholder.size();
  }
  return filled;
}

}  // namespace coca
