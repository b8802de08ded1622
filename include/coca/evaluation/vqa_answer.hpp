#pragma once
/// @file
/// Answers to questions about pictures, made comparable as VQA's official evaluation does.
/// Source: https://github.com/GT-Vision-Lab/VQA (vqaEval.py), its quirks included.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coca/core/utf8.hpp"
#include "coca/text/unicode.hpp"

namespace coca {

namespace detail {

/// Words without their apostrophes, and with them. The original's keys with capitals are left out:
/// they are looked up after lower-casing, and never found.
inline const std::unordered_map<std::string, std::string>& vqa_contractions() {
  static const std::unordered_map<std::string, std::string> words{
      {"aint", "ain't"},
      {"arent", "aren't"},
      {"cant", "can't"},
      {"couldve", "could've"},
      {"couldnt", "couldn't"},
      {"couldn'tve", "couldn't've"},
      {"couldnt've", "couldn't've"},
      {"didnt", "didn't"},
      {"doesnt", "doesn't"},
      {"dont", "don't"},
      {"hadnt", "hadn't"},
      {"hadnt've", "hadn't've"},
      {"hadn'tve", "hadn't've"},
      {"hasnt", "hasn't"},
      {"havent", "haven't"},
      {"hed", "he'd"},
      {"hed've", "he'd've"},
      {"he'dve", "he'd've"},
      {"hes", "he's"},
      {"howd", "how'd"},
      {"howll", "how'll"},
      {"hows", "how's"},
      {"isnt", "isn't"},
      {"itd", "it'd"},
      {"itd've", "it'd've"},
      {"it'dve", "it'd've"},
      {"itll", "it'll"},
      {"maam", "ma'am"},
      {"mightnt", "mightn't"},
      {"mightnt've", "mightn't've"},
      {"mightn'tve", "mightn't've"},
      {"mightve", "might've"},
      {"mustnt", "mustn't"},
      {"mustve", "must've"},
      {"neednt", "needn't"},
      {"notve", "not've"},
      {"oclock", "o'clock"},
      {"oughtnt", "oughtn't"},
      {"ow's'at", "'ow's'at"},
      {"'ows'at", "'ow's'at"},
      {"'ow'sat", "'ow's'at"},
      {"shant", "shan't"},
      {"shed've", "she'd've"},
      {"she'dve", "she'd've"},
      {"shouldve", "should've"},
      {"shouldnt", "shouldn't"},
      {"shouldnt've", "shouldn't've"},
      {"shouldn'tve", "shouldn't've"},
      {"somebody'd", "somebodyd"},
      {"somebodyd've", "somebody'd've"},
      {"somebody'dve", "somebody'd've"},
      {"somebodyll", "somebody'll"},
      {"somebodys", "somebody's"},
      {"someoned", "someone'd"},
      {"someoned've", "someone'd've"},
      {"someone'dve", "someone'd've"},
      {"someonell", "someone'll"},
      {"someones", "someone's"},
      {"somethingd", "something'd"},
      {"somethingd've", "something'd've"},
      {"something'dve", "something'd've"},
      {"somethingll", "something'll"},
      {"thats", "that's"},
      {"thered", "there'd"},
      {"thered've", "there'd've"},
      {"there'dve", "there'd've"},
      {"therere", "there're"},
      {"theres", "there's"},
      {"theyd", "they'd"},
      {"theyd've", "they'd've"},
      {"they'dve", "they'd've"},
      {"theyll", "they'll"},
      {"theyre", "they're"},
      {"theyve", "they've"},
      {"twas", "'twas"},
      {"wasnt", "wasn't"},
      {"wed've", "we'd've"},
      {"we'dve", "we'd've"},
      {"weve", "we've"},
      {"werent", "weren't"},
      {"whatll", "what'll"},
      {"whatre", "what're"},
      {"whats", "what's"},
      {"whatve", "what've"},
      {"whens", "when's"},
      {"whered", "where'd"},
      {"wheres", "where's"},
      {"whereve", "where've"},
      {"whod", "who'd"},
      {"whod've", "who'd've"},
      {"who'dve", "who'd've"},
      {"wholl", "who'll"},
      {"whos", "who's"},
      {"whove", "who've"},
      {"whyll", "why'll"},
      {"whyre", "why're"},
      {"whys", "why's"},
      {"wont", "won't"},
      {"wouldve", "would've"},
      {"wouldnt", "wouldn't"},
      {"wouldnt've", "wouldn't've"},
      {"wouldn'tve", "wouldn't've"},
      {"yall", "y'all"},
      {"yall'll", "y'all'll"},
      {"y'allll", "y'all'll"},
      {"yall'd've", "y'all'd've"},
      {"y'alld've", "y'all'd've"},
      {"y'all'dve", "y'all'd've"},
      {"youd", "you'd"},
      {"youd've", "you'd've"},
      {"you'dve", "you'd've"},
      {"youll", "you'll"},
      {"youre", "you're"},
      {"youve", "you've"}};
  return words;
}

inline const std::unordered_map<std::string, std::string>& vqa_numbers() {
  static const std::unordered_map<std::string, std::string> numbers{
      {"none", "0"}, {"zero", "0"}, {"one", "1"},   {"two", "2"},   {"three", "3"}, {"four", "4"},
      {"five", "5"}, {"six", "6"},  {"seven", "7"}, {"eight", "8"}, {"nine", "9"},  {"ten", "10"}};
  return numbers;
}

/// Whether a digit, a comma and a digit follow each other anywhere.
inline bool has_comma_in_number(std::u32string_view text) {
  for (std::size_t i = 1; i + 1 < text.size(); ++i)
    if (text[i] == U',' && is_decimal_digit(text[i - 1]) && is_decimal_digit(text[i + 1]))
      return true;
  return false;
}

/// Punctuation goes or becomes a space: it goes, everywhere, if the text has it next to a space
/// anywhere, or has a comma within a number. Then periods go that no digit follows, the first 32.
inline std::u32string without_vqa_punctuation(std::u32string_view text) {
  const bool number = has_comma_in_number(text);
  std::u32string kept(text);
  for (const char32_t mark : std::u32string_view(U";/[]\"{}()=+\\_-><@`,?!")) {
    const bool beside = text.find(std::u32string{mark, U' '}) != text.npos ||
                        text.find(std::u32string{U' ', mark}) != text.npos;
    if (beside || number)
      std::erase(kept, mark);
    else
      std::replace(kept.begin(), kept.end(), mark, U' ');
  }
  std::u32string result;
  std::size_t periods = 0;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const bool before_digit = i + 1 < kept.size() && is_decimal_digit(kept[i + 1]);
    const bool goes = kept[i] == U'.' && !before_digit && periods < 32;
    periods += goes ? 1 : 0;
    if (!goes) result += kept[i];
  }
  return result;
}

/// What white space separates, in lower case.
inline std::vector<std::string> lower_words(std::u32string_view text) {
  std::vector<std::string> words;
  bool inside = false;
  for (const char32_t c : to_lower(text)) {
    const bool space = is_python_space(c);
    if (!space && !inside) words.emplace_back();
    if (!space) append_utf8(words.back(), c);
    inside = !space;
  }
  return words;
}

}  // namespace detail

/// An answer before it is compared: line breaks and tabs are spaces, and none are at its ends.
inline std::string trimmed_vqa_answer(std::string_view answer) {
  std::u32string text = decode_utf8(answer);
  for (char32_t& c : text)
    if (c == U'\n' || c == U'\t') c = U' ';
  std::size_t first = 0, last = text.size();
  while (first < last && is_python_space(text[first])) ++first;
  while (last > first && is_python_space(text[last - 1])) --last;
  return encode_utf8(std::u32string_view(text).substr(first, last - first));
}

/// An answer as VQA compares it: without punctuation and articles, numbers up to ten as digits,
/// contractions with their apostrophes. It may be empty ("A").
/// @throws UnavailableError beyond ASCII without utf8proc
inline std::string normalized_vqa_answer(std::string_view answer) {
  const std::u32string text = decode_utf8(trimmed_vqa_answer(answer));
  std::string joined;
  for (std::string word : detail::lower_words(detail::without_vqa_punctuation(text))) {
    const auto number = detail::vqa_numbers().find(word);
    if (number != detail::vqa_numbers().end()) word = number->second;
    if (word == "a" || word == "an" || word == "the") continue;
    const auto contraction = detail::vqa_contractions().find(word);
    if (contraction != detail::vqa_contractions().end()) word = contraction->second;
    joined += (joined.empty() ? "" : " ") + word;
  }
  return joined;
}

}  // namespace coca
