#pragma once
/// @file
/// Made-up words in the place of a caption's rare ones, so that a text with words that training
/// never shows is known by those that it does (word dropout, Kiperwasser & Goldberg 2016,
/// arXiv 1603.04351: the rarer a word, the likelier it is unknown). A vocabulary of
/// pieces has no unknown word to put there; new words are made of the halves of two known ones.

#include <cctype>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/random_draws.hpp"
#include "coca/text/utf8.hpp"

namespace coca {

/// How often words are replaced.
struct WordDropoutOptions {
  double chance = 0;        ///< of a word that is never seen, 0 to below 1
  std::size_t count = 100;  ///< a word seen so often in the captions is replaced half as often
};

/// What is replaced in the captions of a data set.
class WordDropout {
 public:
  /// Reads all captions, and keeps how often each word is there.
  /// @throws ArgumentError for options outside of their range; what the data set throws
  WordDropout(const AnyDataset& dataset, const WordDropoutOptions& options) : options_(options) {
    if (!(options.chance >= 0 && options.chance < 1))
      throw ArgumentError("word_dropout is " + std::to_string(options.chance) +
                          ", expected at least 0 and below 1");
    if (options.count == 0) throw ArgumentError("word_dropout_count is 0, expected at least 1");
    for (std::size_t i = 0; i < dataset.size(); ++i)
      for (const std::string& caption : dataset.record(i).captions) count_words(caption);
    for (const auto& [word, count] : counts_)
      if (decode_utf8(word).size() >= shortest_source) sources_.push_back(word);
  }

  /// The caption with some of its words replaced; all else stays as it is.
  std::string operator()(std::string_view caption, RandomDraws draws) const {
    std::string read;
    for_each_part(caption, [&](std::string_view part, bool is_word) {
      read += is_word && draws.chance(chance(part)) ? made_up(part, draws) : std::string(part);
    });
    return read;
  }

  /// Of a word, to be replaced.
  double chance(std::string_view word) const {
    const auto found = counts_.find(lower(word));
    const auto seen = static_cast<double>(found == counts_.end() ? 0 : found->second);
    const auto half = static_cast<double>(options_.count);
    return options_.chance * half / (half + seen);
  }

 private:
  static constexpr std::size_t shortest_source = 4;  // letters: halves of "of" make no word

  // Of ASCII alone, as words are told apart; a character beyond it is a letter.
  static bool is_letter(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0;
  }

  static std::string lower(std::string_view word) {
    std::string text(word);
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
  }

  // Calls visit(part, is_word) for the words and for what is between them, in their order.
  template <class Visitor>
  static void for_each_part(std::string_view text, Visitor&& visit) {
    while (!text.empty()) {
      const bool is_word = is_letter(text[0]);
      std::size_t length = 1;
      while (length < text.size() && is_letter(text[length]) == is_word) ++length;
      visit(text.substr(0, length), is_word);
      text.remove_prefix(length);
    }
  }

  void count_words(std::string_view caption) {
    for_each_part(caption, [&](std::string_view part, bool is_word) {
      if (is_word) ++counts_[lower(part)];
    });
  }

  // The beginning of one word and the end of another; `word` where that is a word already.
  std::string made_up(std::string_view word, RandomDraws& draws) const {
    if (sources_.empty()) return std::string(word);
    const std::u32string first = decode_utf8(sources_[draws.below(sources_.size())]);
    const std::u32string second = decode_utf8(sources_[draws.below(sources_.size())]);
    std::string made = encode_utf8(first.substr(0, (first.size() + 1) / 2) +
                                   second.substr((second.size() + 1) / 2));
    return counts_.contains(made) ? std::string(word) : made;
  }

  WordDropoutOptions options_;
  std::map<std::string, std::size_t, std::less<>> counts_;
  std::vector<std::string> sources_;
};

}  // namespace coca
