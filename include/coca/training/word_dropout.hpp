#pragma once
/// @file
/// Made-up words in the place of a caption's rare ones, so that a text with words never seen in
/// training is recognised by the others (word dropout, Kiperwasser & Goldberg 2016,
/// arXiv 1603.04351: the rarer a word, the more likely it is unknown). A subword vocabulary has no
/// unknown token; new words are made from the halves of two known ones.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/random_draws.hpp"
#include "coca/text/unicode.hpp"
#include "coca/training/share.hpp"

namespace coca {

/// How often words are replaced.
struct WordDropoutOptions {
  double chance = 0;        ///< probability for a word that is never seen, 0 to below 1
  std::size_t count = 100;  ///< a word seen this often in the captions is replaced half as often
};

/// Replaces words in the captions of a data set. A word consists of only letters and digits;
/// case is ignored.
class WordDropout {
 public:
  /// Reads all captions, and keeps how often each word is there.
  /// @throws ArgumentError for options outside of their range; UnavailableError beyond ASCII
  /// without utf8proc
  WordDropout(const AnyDataset& dataset, const WordDropoutOptions& options) : options_(options) {
    expect_share(options.chance, "word_dropout");
    if (options.count == 0) throw ArgumentError("word_dropout_count is 0, expected at least 1");
    for_each_readable_record(dataset, [this](std::size_t, const Record& record) {
      for (const std::string& caption : record.captions) count_words(caption);
    });
    for (const auto& [word, count] : counts_)
      if (word.size() >= shortest_source) sources_.push_back(word);
  }

  /// The caption with some of its words replaced; everything else is unchanged, except that bytes
  /// that are not UTF-8 become U+FFFD, as tokenizers read them.
  /// @throws UnavailableError beyond ASCII without utf8proc
  std::string operator()(std::string_view caption, RandomDraws draws) const {
    std::u32string read;
    for_each_part(decode_utf8(caption), [&](std::u32string_view part, bool is_word) {
      read += is_word && draws.chance(chance(part)) ? made_up(part, draws) : std::u32string(part);
    });
    return encode_utf8(read);
  }

  /// A word's probability of being replaced. @throws UnavailableError beyond ASCII without utf8proc
  double chance(std::u32string_view word) const {
    const auto found = counts_.find(to_lower(word));
    const auto seen = static_cast<double>(found == counts_.end() ? 0 : found->second);
    const auto half = static_cast<double>(options_.count);
    return options_.chance * half / (half + seen);
  }

 private:
  static constexpr std::size_t shortest_source = 4;  // letters: halves of "of" make no word

  static bool is_in_word(char32_t c) { return is_letter(c) || is_number(c); }

  // Calls visit(part, is_word) for the words and for what is between them, in their order.
  template <class Visitor>
  static void for_each_part(std::u32string_view text, Visitor&& visit) {
    while (!text.empty()) {
      const bool is_word = is_in_word(text[0]);
      std::size_t length = 1;
      while (length < text.size() && is_in_word(text[length]) == is_word) ++length;
      visit(text.substr(0, length), is_word);
      text.remove_prefix(length);
    }
  }

  void count_words(std::string_view caption) {
    for_each_part(decode_utf8(caption), [&](std::u32string_view part, bool is_word) {
      if (is_word) ++counts_[to_lower(part)];
    });
  }

  // The beginning of one word and the end of another; `word` if that is already a word.
  std::u32string made_up(std::u32string_view word, RandomDraws& draws) const {
    if (sources_.empty()) return std::u32string(word);
    const std::u32string& first = sources_[draws.below(sources_.size())];
    const std::u32string& second = sources_[draws.below(sources_.size())];
    const std::u32string made =
        first.substr(0, (first.size() + 1) / 2) + second.substr((second.size() + 1) / 2);
    return counts_.contains(made) ? std::u32string(word) : made;
  }

  WordDropoutOptions options_;
  std::map<std::u32string, std::size_t> counts_;
  std::vector<std::u32string> sources_;
};

}  // namespace coca
