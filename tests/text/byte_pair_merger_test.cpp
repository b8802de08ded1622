#include "coca/text/byte_pair_merger.hpp"

#include <algorithm>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"

namespace {

using Ids = std::vector<std::int32_t>;

// The algorithm as it is usually written down: find the best pair, replace it everywhere, repeat.
Ids merge_plainly(const coca::BpeVocabulary& vocabulary, const std::string& word) {
  std::vector<std::int32_t> symbols;
  for (std::size_t i = 0; i < word.size(); ++i)
    symbols.push_back(
        vocabulary.byte_symbol(static_cast<unsigned char>(word[i]), i + 1 == word.size()));
  while (true) {
    const coca::BpeVocabulary::Merge* best = nullptr;
    for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
      const auto* merge = vocabulary.find_merge(symbols[i], symbols[i + 1]);
      if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) best = merge;
    }
    if (best == nullptr) break;
    std::vector<std::int32_t> merged;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      const bool pair =
          i + 1 < symbols.size() && vocabulary.find_merge(symbols[i], symbols[i + 1]) == best;
      merged.push_back(pair ? best->merged : symbols[i]);
      if (pair) ++i;
    }
    symbols = merged;
  }
  Ids ids;
  for (const auto symbol : symbols) ids.push_back(vocabulary.id(symbol));
  return ids;
}

// A vocabulary over a, b and c of random merges, several of which may make the same string.
coca::BpeVocabulary random_vocabulary(std::mt19937& random) {
  std::vector<std::string> tokens = {"a", "b", "c"};
  std::set<std::string> lines;
  coca::BpeVocabularyBuilder builder("random");
  for (std::size_t i = 0; i < 25; ++i) {
    const std::string left = tokens[random() % tokens.size()];
    const std::string right = tokens[random() % tokens.size()];
    const std::string end = random() % 4 == 0 && right.size() == 1 ? "</w>" : "";
    const std::string line = left + " " + right + end;
    if (!lines.insert(line).second) continue;
    builder.add_merge(line, i);
    if (end.empty()) tokens.push_back(left + right);
  }
  return std::move(builder).finish();
}

}  // namespace

TEST_CASE("words are merged in the order of ranks") {
  const auto vocabulary = coca::parse_bpe_vocabulary("#\nb c\na b\nab bc\na a\n", "v");
  coca::BytePairMerger merger(vocabulary);
  Ids ids;
  merger.append_tokens("abcx", ids);  // b c merges first, so a b never does
  CHECK(ids == Ids{64, 512, 256 + 87});
  ids.clear();
  merger.append_tokens("aaax", ids);  // from left to right
  CHECK(ids == Ids{515, 64, 256 + 87});
  ids.clear();
  merger.append_tokens("abbcx", ids);
  CHECK(ids == Ids{514, 256 + 87});
  ids.clear();
  merger.append_tokens("", ids);
  CHECK(ids.empty());
  merger.append_tokens("a", ids);
  CHECK(ids == Ids{256 + 64});
}

TEST_CASE("merging equals the plain algorithm on random vocabularies") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 200; ++trial) {
    const auto vocabulary = random_vocabulary(random);
    coca::BytePairMerger merger(vocabulary);
    for (int i = 0; i < 20; ++i) {
      std::string word(1 + random() % 24, 'a');
      for (char& c : word) c = static_cast<char>('a' + random() % 3);
      Ids ids;
      merger.append_tokens(word, ids);
      CAPTURE(trial, word);
      CHECK(ids == merge_plainly(vocabulary, word));
    }
  }
}

TEST_CASE("a word of a million letters is merged") {
  const auto vocabulary = coca::clip_bpe_vocabulary();
  coca::BytePairMerger merger(*vocabulary);
  Ids ids;
  merger.append_tokens(std::string(1'000'000, 'a'), ids);
  std::string text;
  for (const auto id : ids) text += vocabulary->token(id);
  CHECK(text == std::string(1'000'000, 'a') + "</w>");
  CHECK(ids.size() < 300'000);
}
