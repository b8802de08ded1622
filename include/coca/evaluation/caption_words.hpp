#pragma once
/// @file
/// Captions as input of the metrics: the tokens that pycocoevalcap compares, and runs of them.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/text/ptb_tokenizer.hpp"

namespace coca {

/// A generated caption, and its references.
struct JudgedCaption {
  std::string candidate;
  std::vector<std::string> references;
};

/// The words of a caption: Stanford's PTB tokens without punctuation, as in pycocoevalcap.
/// @throws UnavailableError beyond ASCII without utf8proc
inline std::vector<std::string> caption_words(std::string_view caption) {
  thread_local PtbTokenizer tokenizer;
  return tokenizer(caption);
}

namespace detail {

/// The longest runs of words that BLEU and CIDEr count.
inline constexpr std::size_t longest_ngram = 4;

/// How often each run of words occurs.
using NgramCounts = std::map<std::vector<std::string>, std::size_t>;

/// The runs of one to four words.
inline NgramCounts count_ngrams(const std::vector<std::string>& words) {
  NgramCounts counts;
  for (std::size_t length = 1; length <= longest_ngram; ++length)
    for (std::size_t first = 0; first + length <= words.size(); ++first) {
      const auto begin = words.begin() + static_cast<std::ptrdiff_t>(first);
      ++counts[{begin, begin + static_cast<std::ptrdiff_t>(length)}];
    }
  return counts;
}

/// @throws ArgumentError if there is nothing to compare
inline void check_judged(std::span<const JudgedCaption> captions) {
  if (captions.empty()) throw ArgumentError("there are no captions to evaluate");
  for (std::size_t i = 0; i < captions.size(); ++i)
    if (captions[i].references.empty())
      throw ArgumentError("caption " + std::to_string(i) + ", \"" + captions[i].candidate +
                          "\", has no reference to compare with");
}

}  // namespace detail

}  // namespace coca
