#pragma once
/// @file
/// Configurations at run time: from an OpenCLIP description to a configuration value, to the preset
/// of that value, and to its C++ definition.

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "coca/io/model_config.hpp"
#include "coca/models/config.hpp"
#include "coca/models/presets.hpp"

namespace coca {

/// The preset that computes the same, if there is one.
inline std::optional<std::string_view> preset_name(const AnyConfig& config) {
  for (const NamedPreset& preset : named_presets())
    if (same_model(preset.config, config)) return preset.name;
  for (const NamedPreset& preset : open_clip_presets())
    if (same_model(preset.config, config)) return preset.name;
  return std::nullopt;
}

/// The configuration value of a description.
inline AnyConfig to_config(const ModelDescription& model) { return model.config; }

namespace detail {

inline std::string value_text(int value) { return std::to_string(value); }
inline std::string value_text(bool value) { return value ? "true" : "false"; }
inline std::string value_text(ConfigReal value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value.value(),
                                 std::chars_format::general, 17);
  return {text.data(), end.ptr};
}
template <class Choice>
requires std::is_enum_v<Choice> std::string value_text(Choice value) {
  for (const auto& choice : choices_of(value))
    if (choice.value == value) return std::string("coca::") + type_name(value) + "::" + choice.name;
  return "";
}

/// How the values of a configuration become text.
struct ConfigText {
  std::string_view first = "{", before{}, between = ", ", last = "}";
  bool mark_guesses = false;  ///< of fields that leave no trace in a checkpoint

  template <ConfigPart Config>
  std::string operator()(const Config& config) const {
    const Config defaults;
    std::string text;
    Config::for_each_field([&](const FieldInfo& field, auto member) {
      const auto& value = config.*member;
      if (field.rare && value == defaults.*member) return;
      text.append(text.empty() ? first : between).append(before);
      text.append(".").append(field.name).append(" = ");
      if constexpr (ConfigPart<std::remove_cvref_t<decltype(value)>>)
        text += ConfigText{.mark_guesses = mark_guesses}(value);
      else
        text.append(mark_guesses && field.kind == FieldKind::compute ? "/*guessed*/ " : "")
            .append(value_text(value));
    });
    return text + std::string(last);
  }
};

inline std::string definition(const AnyConfig& config, std::string_view name, bool mark_guesses) {
  const ConfigText lines{.first = "{\n",
                         .before = "    ",
                         .between = ",\n",
                         .last = ",\n}",
                         .mark_guesses = mark_guesses};
  const char* type = std::holds_alternative<CoCaConfig>(config) ? "CoCaConfig " : "ClipConfig ";
  return std::string("inline constexpr coca::") + type + std::string(name) +
         std::visit(lines, config) + ";\n";
}

}  // namespace detail

/// The C++ definition of a configuration: `inline constexpr coca::CoCaConfig name{...};`
inline std::string config_definition(const AnyConfig& config, std::string_view name) {
  return detail::definition(config, name, false);
}

}  // namespace coca
