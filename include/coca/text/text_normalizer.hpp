#pragma once
/// @file
/// The normalisation of texts by a `tokenizer.json`, before they are cut into words: the steps of
/// its "normalizer", as in the library `tokenizers`.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/io/json.hpp"
#include "coca/text/normalization_map.hpp"
#include "coca/text/unicode.hpp"

namespace coca {

/// Steps that change a text, one after another.
using TextNormalizer = std::vector<std::function<std::u32string(std::u32string_view)>>;

/// The text after all steps.
inline std::u32string normalized(const TextNormalizer& steps, std::u32string_view text) {
  std::u32string changed(text);
  for (const auto& step : steps) changed = step(changed);
  return changed;
}

namespace detail {

/// A member of a JSON object; null if it is missing, or this is not an object.
inline const Json& member(const Json& object, const char* key) {
  static const Json none;
  if (!object.is_object()) return none;
  const auto found = object.find(key);
  return found == object.end() ? none : *found;
}

/// A text that a JSON object must have.
inline std::string text_member(const Json& object, const char* key, const std::string& path) {
  const Json& value = member(object, key);
  if (!value.is_string())
    throw FileError(path, "has no text \"" + std::string(key) + "\" where one was expected");
  return value.get<std::string>();
}

inline bool flag_member(const Json& object, const char* key, bool absent) {
  const Json& value = member(object, key);
  return value.is_boolean() ? value.get<bool>() : absent;
}

/// The bytes of base64 (RFC 4648). @throws FileError if it is not base64
inline std::string from_base64(std::string_view text, const std::string& path) {
  constexpr std::string_view alphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    const std::size_t digit = alphabet.find(c);
    if (digit == std::string_view::npos)
      throw FileError(path, "its \"precompiled_charsmap\" is no base64");
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xFFFFFF;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(bits >> count & 0xFF)));
  }
  return bytes;
}

/// Each character in lower case on its own, without Python's rule for the final sigma.
inline std::u32string lower_case(std::u32string_view text) {
  std::u32string lower;
  for (const char32_t c : text) lower += to_lower(std::u32string_view(&c, 1));
  return lower;
}

/// SentencePiece's rules of machine translation: control characters go, breaks are spaces.
inline std::u32string without_nmt_controls(std::u32string_view text) {
  std::u32string out;
  for (const char32_t c : text) {
    if ((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F ||
        c == 0x8F || c == 0x9F)
      continue;
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 ||
                       (c >= 0x200B && c <= 0x200F) || c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                       c == 0xFEFF || c == 0xFFFD;
    out.push_back(space ? U' ' : c);
  }
  return out;
}

/// Graphemes, or else characters, as the table has them.
inline std::u32string mapped(const NormalizationMap& map, std::u32string_view text) {
  constexpr std::size_t longest_grapheme = 5;  // in bytes
  std::string out;
  const auto append = [&](std::u32string_view part) {
    const std::string bytes = encode_utf8(part);
    out += map.find(bytes).value_or(bytes);
  };
  for (std::size_t length; !text.empty(); text.remove_prefix(length)) {
    length = grapheme_length(text);
    const std::u32string_view grapheme = text.substr(0, length);
    const std::string bytes = encode_utf8(grapheme);
    if (bytes.size() <= longest_grapheme && map.find(bytes))
      append(grapheme);
    else
      for (std::size_t i = 0; i < length; ++i) append(grapheme.substr(i, 1));
  }
  return decode_utf8(out);
}

/// Runs of at least `least` characters that `matches` become `content`.
template <class Matches>
std::u32string with_runs_replaced(std::u32string_view text, std::size_t least,
                                  const Matches& matches, std::u32string_view content) {
  std::u32string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && matches(text[end])) ++end;
    if (end - at >= least)
      out += content;
    else
      out += text.substr(at, std::max<std::size_t>(end - at, 1));
    at = std::max(end, at + 1);
  }
  return out;
}

/// All places of a text that is not empty become `content`.
inline std::u32string with_text_replaced(std::u32string_view text, std::u32string_view pattern,
                                         std::u32string_view content) {
  std::u32string out;
  std::size_t at = 0;
  for (std::size_t place; (place = text.find(pattern, at)) != std::u32string_view::npos;) {
    out.append(text.substr(at, place - at)).append(content);
    at = place + pattern.size();
  }
  return out.append(text.substr(at));
}

inline std::u32string stripped(std::u32string_view text, bool left, bool right) {
  while (left && !text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (right && !text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::u32string(text);
}

inline TextNormalizer::value_type parse_replacement(const Json& step, const std::string& path) {
  const std::u32string content = decode_utf8(text_member(step, "content", path));
  const Json &pattern = member(step, "pattern"), &text = member(pattern, "String"),
             &regex = member(pattern, "Regex");
  if (text.is_string() && !text.get_ref<const std::string&>().empty())
    return [from = decode_utf8(text.get<std::string>()), content](std::u32string_view whole) {
      return with_text_replaced(whole, from, content);
    };
  const auto is_blank = [](char32_t c) { return c == ' '; };
  if (regex == "\\s+")
    return [content](std::u32string_view whole) {
      return with_runs_replaced(
          whole, 1, [](char32_t c) { return is_space(c); }, content);
    };
  if (regex == " {2,}")
    return [content, is_blank](std::u32string_view whole) {
      return with_runs_replaced(whole, 2, is_blank, content);
    };
  throw FileError(path, "its normalizer replaces " + printable(to_json_text(pattern)) +
                            "; a text and the regular expressions \"\\s+\" and \" {2,}\" can be");
}

/// One step that is not a sequence.
inline TextNormalizer::value_type parse_normalizer_step(const Json& step, const std::string& path) {
  const std::string type = text_member(step, "type", path);
  if (type == "NFC") return normalize_nfc;
  if (type == "NFKC") return normalize_nfkc;
  if (type == "Lowercase") return lower_case;
  if (type == "Nmt") return without_nmt_controls;
  if (type == "Replace") return parse_replacement(step, path);
  if (type == "Strip")
    return [left = flag_member(step, "strip_left", true),
            right = flag_member(step, "strip_right", true)](std::u32string_view text) {
      return stripped(text, left, right);
    };
  if (type == "Precompiled") {
    const auto map = std::make_shared<const NormalizationMap>(
        from_base64(text_member(step, "precompiled_charsmap", path), path), path);
    return [map](std::u32string_view text) { return mapped(*map, text); };
  }
  throw FileError(path, "its normalizer has the step \"" + printable(type) +
                            "\"; NFC, NFKC, Lowercase, Nmt, Replace, Strip and "
                            "Precompiled can be read");
}

}  // namespace detail

/// The "normalizer" of a tokenizer.json; null has no steps.
/// @param path what errors call the file
/// @throws FileError for a step that is damaged, or of a kind that cannot be read
inline TextNormalizer parse_normalizer(const Json& json, const std::string& path) {
  if (json.is_null()) return {};
  const Json& steps = detail::member(json, "normalizers");
  if (detail::member(json, "type") != "Sequence" || !steps.is_array())
    return {detail::parse_normalizer_step(json, path)};
  TextNormalizer normalizer;
  for (const Json& step : steps)
    for (auto& part : parse_normalizer(step, path)) normalizer.push_back(std::move(part));
  return normalizer;
}

}  // namespace coca
