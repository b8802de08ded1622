#pragma once
/// @file
/// The best candidates of a search step out of rows of scores over a vocabulary.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/cpu_context.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/simd.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/random.hpp"

namespace coca::detail {

/// A score in the order of best_candidates: NaN first, then descending rank, then ascending id.
struct Candidate {
  float rank = 0;
  float value = 0;
  std::int32_t id = 0;

  bool is_better_than(const Candidate& other) const {
    const bool nan = rank != rank, other_nan = other.rank != other.rank;
    if (nan || other_nan) return nan != other_nan ? nan : id < other.id;
    return rank != other.rank ? rank > other.rank : id < other.id;
  }
};

/// The best `capacity` of the candidates that were offered, as a heap with the worst on top.
class BestCandidates {
 public:
  BestCandidates(Candidate* memory, std::size_t capacity) : kept_(memory), capacity_(capacity) {}

  bool is_full() const { return size_ == capacity_; }
  std::size_t size() const { return size_; }

  /// What the rank of a candidate must exceed, since ids only rise; NaN if only NaN may enter.
  float threshold() const {
    return is_full() ? kept_[0].rank : -std::numeric_limits<float>::infinity();
  }

  void offer(const Candidate& candidate) {
    const auto better = [](const Candidate& a, const Candidate& b) { return a.is_better_than(b); };
    if (is_full()) {
      if (!candidate.is_better_than(kept_[0])) return;
      std::pop_heap(kept_, kept_ + size_--, better);
    }
    kept_[size_++] = candidate;
    std::push_heap(kept_, kept_ + size_, better);
  }

 private:
  Candidate* kept_;
  std::size_t capacity_, size_ = 0;
};

/// The first position in [begin, end) of a row where score + added may exceed a threshold (or is
/// NaN), in whole blocks; `end` when there is none.
struct ScanKernel {
  static constexpr std::size_t block = 64;

  template <class S>
  [[gnu::always_inline]] static inline void run(const float* scores, float added, float threshold,
                                                std::size_t begin, std::size_t end,
                                                std::size_t* found) {
    typename S::F x, limit;
    simd::fill<S>(limit, threshold);
    std::size_t i = begin;
    for (; i + block <= end; i += block) {
      typename S::I all;
      std::memset(&all, 0xff, sizeof all);
      for (std::size_t j = 0; j < block; j += S::width) {
        simd::load<S>(x, scores + i + j);
        x = x + added;
        all &= x <= limit;
      }
      if (simd::any<S>(~all)) break;
    }
    *found = i;
  }
};

/// One call of best_candidates.
struct CandidateSearch {
  const float* scores = nullptr;  ///< [rows, vocabulary]
  const float* added = nullptr;   ///< [rows] or null
  GumbelNoise noise;
  std::size_t vocabulary = 0;
  std::size_t rows_per_group = 0;
  InstructionSet set = InstructionSet::baseline;

  /// Offers the scores [begin, end) of a group, counted over its rows.
  void search(std::size_t group, std::size_t begin, std::size_t end, BestCandidates& best) const {
    while (begin < end) {
      const std::size_t word = begin % vocabulary;
      const std::size_t stop = std::min(vocabulary, word + end - begin);
      search_row(group * rows_per_group + begin / vocabulary, word, stop, best);
      begin += stop - word;
    }
  }

 private:
  void search_row(std::size_t row, std::size_t begin, std::size_t end, BestCandidates& best) const {
    const float* words = scores + row * vocabulary;
    const float more = added == nullptr ? 0.0f : added[row];
    Words random(noise);
    std::size_t i = begin;
    while (i < end) {
      if (best.is_full()) dispatch<ScanKernel>(set, words, more, entry(best), i, end, &i);
      const std::size_t stop = std::min(i + ScanKernel::block, end);
      for (; i < stop; ++i) {
        const float value = words[i] + more;
        if (best.is_full() && value <= entry(best)) continue;
        const auto id = static_cast<std::int32_t>(row % rows_per_group * vocabulary + i);
        if (!noise.enabled) {
          best.offer({value, value, id});
          continue;
        }
        const std::uint32_t word = random.word(noise_element(row, i));
        if (best.is_full() && value + most_noise(word) <= entry(best, 0.0f)) continue;
        best.offer({value + to_gumbel(word), value, id});
      }
    }
  }

  /// The words of philox, generated four at a time.
  class Words {
   public:
    explicit Words(const GumbelNoise& noise) : noise_(noise) {}
    std::uint32_t word(std::size_t element) {
      if (element / 4 != counter_) {
        counter_ = element / 4;
        words_ = philox(noise_.seed, noise_.step, counter_);
      }
      return words_[element % 4];
    }

   private:
    const GumbelNoise& noise_;
    std::size_t counter_ = std::numeric_limits<std::size_t>::max();
    std::array<std::uint32_t, 4> words_{};
  };

  std::size_t noise_element(std::size_t row, std::size_t word) const {
    return (row % noise.rows_per_picture) * vocabulary + word;
  }

  // A bound of to_gumbel without logarithms: -log(u) >= 1 - u, so the noise is at most -log(1 - u),
  // whose whole powers of two are counted in the bits of 1 - u.
  static float most_noise(std::uint32_t word) {
    const std::uint32_t rest = 0x7fffffu - (word >> 9);
    return static_cast<float>(24 - std::bit_width(rest)) * 0.6931472f;
  }

  // What a value, with at most `more` noise to come, must exceed to have a chance. No noise is
  // above 16.64, as to_uniform ends at 1 - 2^-24; the rest of the margin covers rounding.
  float entry(const BestCandidates& best, float more = 16.65f) const {
    const float threshold = best.threshold();
    if (!noise.enabled) return threshold;
    return threshold - (more + 1e-4f + 1e-5f * std::fabs(threshold));
  }
};

inline void run(const ops::BestCandidates<float, HostMemory>& op, const CpuContext& context) {
  const std::size_t groups = op.values.shape()[0], count = op.values.shape()[1];
  if (groups == 0 || count == 0) return;
  CandidateSearch search;
  search.scores = op.scores.data();
  search.added = op.added ? op.added.data() : nullptr;
  search.noise = op.noise;
  search.vocabulary = op.scores.shape().back();
  search.rows_per_group = op.scores.size() / search.vocabulary / groups;
  search.set = context.set;
  const std::size_t size = op.scores.size() / groups;
  const int threads = worthwhile_threads(context.threads, op.scores.size() / 4);
  const std::size_t chunks = (static_cast<std::size_t>(threads) - 1) / groups + 1;
  auto* memory = scratch<CandidateSearch>().get<Candidate>(groups * chunks * count);
  parallel_for(threads, groups * chunks, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const Share part(size, i % chunks, chunks);
      BestCandidates best(memory + i * count, count);
      search.search(i / chunks, part.begin, part.end, best);
      // Entries that a chunk did not fill are worse than anything.
      for (std::size_t rest = best.size(); rest < count; ++rest)
        memory[i * count + rest] = {-std::numeric_limits<float>::infinity(), 0.0f,
                                    std::numeric_limits<std::int32_t>::max()};
    }
  });
  for (std::size_t g = 0; g < groups; ++g) {
    Candidate* first = memory + g * chunks * count;
    std::partial_sort(first, first + count, first + chunks * count,
                      [](const Candidate& a, const Candidate& b) { return a.is_better_than(b); });
    for (std::size_t i = 0; i < count; ++i) {
      op.values.data()[g * count + i] = first[i].value;
      op.ids.data()[g * count + i] = first[i].id;
    }
  }
}

}  // namespace coca::detail
