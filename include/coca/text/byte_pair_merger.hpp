#pragma once
/// @file
/// Splits one word into tokens: starts from its bytes and merges, of all adjacent pairs, the one
/// of lowest rank, everywhere from left to right, until no pair merges.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <string_view>
#include <tuple>
#include <vector>

#include "coca/text/bpe_vocabulary.hpp"

namespace coca {

/// Merges words in time n log n, since a word may be a megabyte long. Holds scratch memory that is
/// used again for the next word; each thread needs its own.
class BytePairMerger {
 public:
  /// @param vocabulary must outlive the merger
  explicit BytePairMerger(const BpeVocabulary& vocabulary) : vocabulary_(vocabulary) {}

  /// Appends the ids of a word, given as its UTF-8 bytes.
  void append_tokens(std::string_view word, std::vector<std::int32_t>& ids) {
    start(word);
    while (!candidates_.empty()) merge_lowest_rank();
    for (std::size_t at = 0; at < nodes_.size(); at = nodes_[at].next)
      ids.push_back(vocabulary_.id(nodes_[at].symbol));
  }

 private:
  /// A symbol in a list linked by positions; `next` of the last one is the length of the word.
  struct Node {
    BpeVocabulary::Symbol symbol;
    std::size_t previous;
    std::size_t next;
    bool alive;
  };

  /// A pair that may merge: its rank, and where its left half is.
  struct Candidate {
    std::int32_t rank;
    std::size_t left;
    bool operator>(const Candidate& other) const {
      return std::tie(rank, left) > std::tie(other.rank, other.left);
    }
  };

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  void start(std::string_view word) {
    nodes_.clear();
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool last = i + 1 == word.size();
      const auto byte = static_cast<unsigned char>(word[i]);
      nodes_.push_back({vocabulary_.byte_symbol(byte, last), i == 0 ? none : i - 1, i + 1, true});
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) add_candidate(i, candidates_);
  }

  const BpeVocabulary::Merge* merge_at(std::size_t left) const {
    if (left == none || !nodes_[left].alive || nodes_[left].next == nodes_.size()) return nullptr;
    return vocabulary_.find_merge(nodes_[left].symbol, nodes_[nodes_[left].next].symbol);
  }

  template <typename Queue>
  void add_candidate(std::size_t left, Queue& queue) const {
    if (const auto* merge = merge_at(left)) queue.push({merge->rank, left});
  }

  /// One step of the algorithm: all occurrences of the best pair, before pairs that this creates
  /// are considered, even if they have a lower rank.
  void merge_lowest_rank() {
    const std::int32_t rank = candidates_.top().rank;
    changed_.clear();
    while (!candidates_.empty() && candidates_.top().rank == rank) {
      const std::size_t left = candidates_.top().left;
      candidates_.pop();
      const auto* merge = merge_at(left);
      if (merge == nullptr || merge->rank != rank) continue;  // changed since it was found
      unite(left, merge->merged);
      changed_.push_back(left);
    }
    for (const std::size_t at : changed_) {
      add_candidate(nodes_[at].previous, candidates_);
      add_candidate(at, candidates_);
    }
  }

  void unite(std::size_t left, BpeVocabulary::Symbol merged) {
    const std::size_t right = nodes_[left].next, next = nodes_[right].next;
    nodes_[right].alive = false;
    nodes_[left].symbol = merged;
    nodes_[left].next = next;
    if (next != nodes_.size()) nodes_[next].previous = left;
  }

  const BpeVocabulary& vocabulary_;
  std::vector<Node> nodes_;
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates_;
  std::vector<std::size_t> changed_;
};

}  // namespace coca
