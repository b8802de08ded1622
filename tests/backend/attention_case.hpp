#pragma once
/// @file
/// Arguments of attention for the typed tests, with every way of finding rows and columns.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "coca/backend/backend.hpp"
#include "comparison.hpp"

namespace coca::testing {

/// How keys and values are found.
enum class KeyRows {
  in_order,  ///< row batch * key_tokens + position
  shared,    ///< all sequences see the rows of one
  permuted,  ///< anywhere in a larger cache, whose other rows are NaN
};

struct AttentionCase {
  std::size_t batch = 1, queries = 1, keys = 1, heads = 1, head_width = 16;
  bool causal = false, hidden = false;
  KeyRows rows = KeyRows::in_order;
  bool fused = false, probabilities = false;
  float scale = 1;  // of the queries
  bool bias = false, pairs = false;
  float score_scale = 0;  // 0: 1 / sqrt(head_width)

  double scale_of_scores() const {
    return score_scale != 0 ? double{score_scale} : 1 / std::sqrt(static_cast<double>(head_width));
  }

  std::size_t width() const { return heads * head_width; }
  std::size_t stored_keys() const {
    return rows == KeyRows::shared
               ? keys
               : (rows == KeyRows::permuted ? 2 * batch * keys + 3 : batch * keys);
  }
};

/// A matrix of which `width` columns from `first` on are used; the others are NaN.
struct Part {
  Floats values;
  std::size_t rows = 0, row_width = 0, first = 0, width = 0;

  Part(std::size_t row_count, std::size_t total, std::size_t start, std::size_t used)
      : values(row_count * total, not_a_number),
        rows(row_count),
        row_width(total),
        first(start),
        width(used) {}

  float* row(std::size_t index) { return values.data() + index * row_width + first; }
  void fill(std::size_t index, Random& random, float scale) {
    for (std::size_t i = 0; i < width; ++i) row(index)[i] = scale * random.normal();
  }

  template <class Bench>
  coca::Columns<typename Bench::T, typename Bench::M> on(Bench& bench) const {
    return {bench.input(values, {rows, row_width}), first, width};
  }
};

struct AttentionInputs {
  AttentionCase the;
  Part query, key, value;
  std::vector<std::uint8_t> hidden;
  Indices rows;
  Floats bias;
  std::vector<std::uint8_t> pairs;

  AttentionInputs(const AttentionCase& c, Random& random)
      : the(c),
        query(c.batch * c.queries, c.fused ? 3 * c.width() : c.width(), c.fused ? c.width() : 0,
              c.width()),
        key(c.stored_keys(), c.fused ? 2 * c.width() + 5 : c.width(), c.fused ? 3 : 0, c.width()),
        value(c.stored_keys(), c.fused ? 2 * c.width() + 5 : c.width(), c.fused ? c.width() + 4 : 0,
              c.width()) {
    for (std::size_t r = 0; r < query.rows; ++r) query.fill(r, random, c.scale);
    const Indices order = random.permutation(c.stored_keys());
    for (std::size_t b = 0; b < c.batch; ++b)
      for (std::size_t k = 0; k < c.keys; ++k) {
        const std::size_t index = b * c.keys + k;
        rows.push_back(c.rows == KeyRows::permuted
                           ? order[index]
                           : static_cast<std::int32_t>(c.rows == KeyRows::shared ? k : index));
        // The first key stays visible, so that every query sees something.
        const bool hide = c.hidden && k != 0 && random.below(3) == 0;
        hidden.push_back(hide ? 1 : 0);
        // Keys that no query sees may be anything, so they are NaN.
        if (hide && c.rows != KeyRows::shared) continue;
        key.fill(rows.back(), random, 1);
        value.fill(rows.back(), random, 1);
      }
    if (c.bias) bias = random.normals(c.heads * c.queries * c.keys, 2);
    if (c.pairs)
      for (std::size_t i = 0; i < c.batch * c.queries * c.keys; ++i)
        pairs.push_back(i % c.keys != 0 && random.below(3) == 0 ? 1 : 0);
  }

  template <class B>
  auto on(Bench<B>& bench) const {
    coca::AttentionArguments<typename Bench<B>::T, typename Bench<B>::M> arguments{
        .query = query.on(bench),
        .key = key.on(bench),
        .value = value.on(bench),
        .batch = the.batch,
        .query_tokens = the.queries,
        .key_tokens = the.keys,
        .heads = the.heads,
        .causal = the.causal,
        .hidden_keys = {},
        .key_rows = {},
        .probabilities = {},
        .scale = the.score_scale,
        .bias = {},
        .hidden_pairs = {}};
    if (the.hidden) arguments.hidden_keys = bench.indices(hidden, {the.batch, the.keys});
    if (the.bias) arguments.bias = bench.input(bias, {the.heads, the.queries, the.keys});
    if (the.pairs)
      arguments.hidden_pairs = bench.indices(pairs, {the.batch, the.queries, the.keys});
    if (the.rows != KeyRows::in_order)
      arguments.key_rows = bench.indices(rows, {the.batch, the.keys});
    if (the.probabilities)
      arguments.probabilities =
          coca::ops::Out(bench.output({the.batch, the.heads, the.queries, the.keys}));
    return arguments;
  }

  template <class B>
  std::vector<double> run(Bench<B>& bench) const {
    const auto arguments = on(bench);
    const auto output = bench.output({the.batch * the.queries, the.width()});
    call<ops::Attention>(bench.backend, arguments, output);
    std::vector<double> results = bench.read(output);
    if (the.probabilities) {
      const std::vector<double> weights = bench.read(arguments.probabilities);
      results.insert(results.end(), weights.begin(), weights.end());
    }
    return results;
  }

  // The relative error of a probability before it is normalised: a score is a sum of head_width
  // products, at most |q| |k| / sqrt(head_width).
  double score_error() const {
    const double width = static_cast<double>(the.head_width);
    const double score = longest(query) * longest(key) * the.scale_of_scores();
    double largest = 0;  // bias
    for (const float b : bias) largest = std::max(largest, std::abs(double{b}));
    return (4 * std::sqrt(width) + 6) * unit_roundoff<float> * score +
           4 * unit_roundoff<float> * largest;
  }

  // The score's error is in the numerator and in the sum. The mean of the values is a sum of `keys`
  // terms whose weights add up to 1.
  double tolerance() const {
    const double sum = (4 * std::sqrt(static_cast<double>(the.keys)) + 16) * unit_roundoff<float>;
    double largest = 1;  // a probability's, or a value's
    for (const float v : value.values)
      if (!std::isnan(v)) largest = std::max(largest, std::abs(double{v}));
    return largest * (2 * score_error() + sum);
  }

  // The greatest norm of a head.
  double longest(const Part& part) const {
    double result = 0;
    for (std::size_t r = 0; r < part.rows; ++r)
      for (std::size_t h = 0; h < the.heads; ++h) {
        double squares = 0;
        for (std::size_t i = 0; i < the.head_width; ++i)
          squares += std::pow(
              double{part.values[r * part.row_width + part.first + h * the.head_width + i]}, 2);
        if (!std::isnan(squares)) result = std::max(result, std::sqrt(squares));
      }
    return result;
  }
};

}  // namespace coca::testing
