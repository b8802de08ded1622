// Attention on every backend against Reference<double>.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/bench.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;

namespace {

// How keys and values are found.
enum class Rows {
  in_order,  // row batch * key_tokens + position
  shared,    // all sequences see the rows of one
  permuted,  // anywhere in a larger cache, whose other rows are NaN
};

struct Case {
  std::size_t batch = 1, queries = 1, keys = 1, heads = 1, head_width = 16;
  bool causal = false, hidden = false;
  Rows rows = Rows::in_order;
  bool fused = false, probabilities = false;
  float scale = 1;  // of the queries

  std::size_t width() const { return heads * head_width; }
  std::size_t stored_keys() const {
    return rows == Rows::shared ? keys
                                : (rows == Rows::permuted ? 2 * batch * keys + 3 : batch * keys);
  }
};

// A matrix of which `width` columns from `first` on are used; the others are NaN.
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

struct Inputs {
  Case the;
  Part query, key, value;
  std::vector<std::uint8_t> hidden;
  Indices rows;

  Inputs(const Case& c, Random& random)
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
        rows.push_back(c.rows == Rows::permuted
                           ? order[index]
                           : static_cast<std::int32_t>(c.rows == Rows::shared ? k : index));
        // The first key stays visible, so that every query sees something.
        const bool hide = c.hidden && k != 0 && random.below(3) == 0;
        hidden.push_back(hide ? 1 : 0);
        // What nobody sees may be anything, so it is NaN.
        if (hide && c.rows != Rows::shared) continue;
        key.fill(rows.back(), random, 1);
        value.fill(rows.back(), random, 1);
      }
  }

  template <class B>
  std::vector<double> run(Bench<B>& bench) const {
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
        .probabilities = {}};
    if (the.hidden) arguments.hidden_keys = bench.indices(hidden, {the.batch, the.keys});
    if (the.rows != Rows::in_order) arguments.key_rows = bench.indices(rows, {the.batch, the.keys});
    if (the.probabilities)
      arguments.probabilities = bench.output({the.batch, the.heads, the.queries, the.keys});
    const auto output = bench.output({the.batch * the.queries, the.width()});
    bench.backend.attention(arguments, output);
    std::vector<double> results = bench.read(output);
    if (the.probabilities) {
      const std::vector<double> weights = bench.read(arguments.probabilities);
      results.insert(results.end(), weights.begin(), weights.end());
    }
    return results;
  }

  // A score is a sum of head_width products, at most |q| |k| / sqrt(head_width); its error is the
  // relative error of its exponential, in the numerator and in the sum. The mean of the values is a
  // sum of `keys` terms whose weights add up to 1.
  double tolerance() const {
    const double u = unit_roundoff<float>;
    const double width = static_cast<double>(the.head_width);
    const double score = longest(query) * longest(key) / std::sqrt(width);
    const double delta = (4 * std::sqrt(width) + 6) * u * score;
    const double sum = (4 * std::sqrt(static_cast<double>(the.keys)) + 16) * u;
    double largest = 1;  // a probability's, or a value's
    for (const float v : value.values)
      if (!std::isnan(v)) largest = std::max(largest, std::abs(double{v}));
    return largest * (2 * delta + sum);
  }

 private:
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

template <class B>
void check(const B& backend, const Case& c, Random& random) {
  CAPTURE(c.batch, c.queries, c.keys, c.heads, c.head_width, c.causal, c.hidden,
          static_cast<int>(c.rows), c.fused, c.probabilities);
  const Inputs inputs(c, random);
  const Results results = both(backend, [&](auto& bench) { return inputs.run(bench); });
  CHECK(first_difference(results.actual, results.expected, inputs.tolerance()) == "");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("attention with every option", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(20);
  for (const bool causal : {false, true})
    for (const bool hidden : {false, true})
      for (const Rows rows : {Rows::in_order, Rows::shared, Rows::permuted})
        for (const bool fused : {false, true})
          for (const bool probabilities : {false, true})
            check(backend,
                  {.batch = 3,
                   .queries = 5,
                   .keys = 9,
                   .heads = 2,
                   .head_width = 12,
                   .causal = causal,
                   .hidden = hidden,
                   .rows = rows,
                   .fused = fused,
                   .probabilities = probabilities},
                  random);
}

TEMPLATE_LIST_TEST_CASE("attention for every head width", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(21);
  for (const std::size_t head_width : {1, 5, 12, 16, 64, 88})
    for (const std::size_t heads : {1, 3})
      for (const bool fused : {false, true})
        check(backend,
              {.batch = 2,
               .queries = 7,
               .keys = 7,
               .heads = heads,
               .head_width = head_width,
               .causal = fused,
               .fused = fused},
              random);
}

TEMPLATE_LIST_TEST_CASE("attention for every number of tokens", "[primitives][attention]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(22);
  for (const std::size_t keys : {1, 2, 3, 8, 15, 16, 17, 31, 33, 50, 64, 65, 77, 129, 257, 300})
    for (const std::size_t queries : {std::size_t{1}, (keys + 1) / 2, keys})
      for (const bool causal : {false, true})
        check(backend,
              {.batch = 1,
               .queries = queries,
               .keys = keys,
               .heads = 2,
               .head_width = 20,
               .causal = causal,
               .hidden = keys % 2 == 0},
              random);
}

TEMPLATE_LIST_TEST_CASE("attention of a decoding step", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(23);
  for (const std::size_t keys : {1, 6, 20, 77})
    check(backend,
          {.batch = 12,
           .queries = 1,
           .keys = keys,
           .heads = 4,
           .head_width = 64,
           .causal = true,
           .hidden = true,
           .rows = Rows::permuted,
           .fused = true},
          random);
  // Six beams that share a picture of 255 tokens.
  check(backend,
        {.batch = 6, .queries = 1, .keys = 255, .heads = 4, .head_width = 64, .rows = Rows::shared},
        random);
}

TEMPLATE_LIST_TEST_CASE("attention of more queries than keys", "[primitives][attention]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(24);
  check(backend, {.batch = 2, .queries = 256, .keys = 50, .heads = 3, .head_width = 8}, random);
  check(backend, {.batch = 1, .queries = 9, .keys = 1, .heads = 1, .head_width = 5}, random);
}

// Scores of some hundreds, whose exponentials overflow unless the largest is taken off.
TEMPLATE_LIST_TEST_CASE("attention with large scores", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(25);
  for (const bool causal : {false, true})
    check(backend,
          {.batch = 2,
           .queries = 40,
           .keys = 40,
           .heads = 2,
           .head_width = 16,
           .causal = causal,
           .probabilities = true,
           .scale = 100},
          random);
}

TEMPLATE_LIST_TEST_CASE("attention keeps NaN to its query", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(26);
  Inputs inputs({.batch = 1, .queries = 20, .keys = 20, .heads = 2, .head_width = 8}, random);
  inputs.query.row(3)[10] = not_a_number;  // in the second head
  Bench bench(backend);
  const std::vector<double> output = inputs.run(bench);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < output.size(); ++i)
    wrong += std::isnan(output[i]) != (i / 16 == 3 && i % 16 >= 8);
  CHECK(wrong == 0);
}
