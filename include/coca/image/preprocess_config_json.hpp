#pragma once
/// @file
/// Reading OpenCLIP's `preprocess_cfg`, the object next to `model_cfg` in open_clip_config.json:
/// `{"size": 224, "mode": "RGB", "mean": [..], "std": [..], "interpolation": "bicubic",
///   "resize_mode": "shortest", "fill_color": 0}`. Every key may be missing.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "coca/core/error.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

namespace detail {

/// A key for a message: escaped, and not too long.
inline std::string key_text(const std::string& key) {
  constexpr std::size_t most = 60;
  const std::string quoted = nlohmann::json(key.substr(0, most))
                                 .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2) + (key.size() > most ? "..." : "");
}

[[noreturn]] inline void refuse_preprocess_value(const std::string& key,
                                                 const nlohmann::json& value,
                                                 const std::string& expected) {
  std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  constexpr std::size_t shown = 80;
  if (text.size() > shown) text = text.substr(0, shown) + "...";
  throw ArgumentError("preprocess_cfg." + key + " is " + text + ", expected " + expected);
}

inline std::size_t parse_side(const nlohmann::json& value, const nlohmann::json& whole) {
  // As numbers: the library's comparison of JSON values costs every program a second to compile.
  const std::int64_t side = value.is_number_integer() ? value.get<std::int64_t>() : 0;
  if (side < 1 || side > 65536)
    refuse_preprocess_value("size", whole, "1 to 65536, or [height, width] of these");
  return static_cast<std::size_t>(side);
}

inline void parse_size(const nlohmann::json& value, PreprocessConfig& config) {
  if (value.is_array() && value.size() != 2) {
    refuse_preprocess_value("size", value, "a number or [height, width]");
  }
  config.height = parse_side(value.is_array() ? value[0] : value, value);
  config.width = parse_side(value.is_array() ? value[1] : value, value);
}

inline std::array<double, 3> parse_channel_numbers(const std::string& key,
                                                   const nlohmann::json& value) {
  bool numbers = value.is_array() && value.size() == 3;
  std::array<double, 3> parsed{};
  for (std::size_t c = 0; numbers && c < 3; ++c) {
    numbers = value[c].is_number() && std::isfinite(value[c].get<double>());
    if (numbers) parsed[c] = value[c].get<double>();
  }
  if (!numbers) refuse_preprocess_value(key, value, "three numbers");
  return parsed;
}

inline std::array<double, 3> parse_deviations(const nlohmann::json& value) {
  const std::array<double, 3> parsed = parse_channel_numbers("std", value);
  for (const double deviation : parsed) {
    if (!(deviation > 0)) refuse_preprocess_value("std", value, "three positive numbers");
  }
  return parsed;
}

/// A number for all channels, or one for each.
inline Rgb parse_fill_color(const nlohmann::json& value) {
  Rgb color{};
  const bool list = value.is_array() && value.size() == 3;
  for (std::size_t c = 0; c < 3; ++c) {
    const nlohmann::json& sample = list ? value[c] : value;
    if (!sample.is_number_integer() || sample < 0 || sample > 255) {
      refuse_preprocess_value("fill_color", value, "0 to 255, or three of these");
    }
    color[c] = sample.get<std::uint8_t>();
  }
  return color;
}

inline Interpolation parse_interpolation(const nlohmann::json& value) {
  if (value == "bicubic") return Interpolation::bicubic;
  if (value == "bilinear") return Interpolation::bilinear;
  refuse_preprocess_value("interpolation", value, "\"bicubic\" or \"bilinear\"");
}

inline ResizeMode parse_resize_mode(const nlohmann::json& value) {
  if (value == "shortest") return ResizeMode::shortest;
  if (value == "longest") return ResizeMode::longest;
  if (value == "squash") return ResizeMode::squash;
  refuse_preprocess_value("resize_mode", value, "\"shortest\", \"longest\" or \"squash\"");
}

}  // namespace detail

/// Reads a `preprocess_cfg` object; missing keys keep OpenCLIP's defaults.
/// @throws ArgumentError naming the key that is unknown or whose value is not supported.
inline PreprocessConfig parse_preprocess_config(const nlohmann::json& object) {
  if (!object.is_object()) throw ArgumentError("preprocess_cfg is not an object");
  PreprocessConfig config;
  for (const auto& [key, value] : object.items()) {
    if (key == "size") {
      detail::parse_size(value, config);
    } else if (key == "mode") {
      if (value != "RGB") detail::refuse_preprocess_value(key, value, "\"RGB\"");
    } else if (key == "mean") {
      config.mean = detail::parse_channel_numbers(key, value);
    } else if (key == "std") {
      config.std = detail::parse_deviations(value);
    } else if (key == "interpolation") {
      config.interpolation = detail::parse_interpolation(value);
    } else if (key == "resize_mode") {
      config.resize_mode = detail::parse_resize_mode(value);
    } else if (key == "fill_color") {
      config.fill_color = detail::parse_fill_color(value);
    } else {
      throw ArgumentError("preprocess_cfg." + detail::key_text(key) + " is not supported");
    }
  }
  return config;
}

}  // namespace coca
