// Attention on every backend against Reference<double>.

#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/attention_case.hpp"
#include "backend/bench.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;

namespace {

template <class B>
void check_attention(const B& backend, const AttentionCase& c, Random& random) {
  CAPTURE(c.batch, c.queries, c.keys, c.heads, c.head_width, c.causal, c.hidden,
          static_cast<int>(c.rows), c.fused, c.probabilities);
  const AttentionInputs inputs(c, random);
  const Results results = both(backend, [&](auto& bench) { return inputs.run(bench); });
  CHECK(first_difference(results.actual, results.expected, inputs.tolerance()) == "");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("attention with every option", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(20);
  for (const bool causal : {false, true})
    for (const bool hidden : {false, true})
      for (const KeyRows rows : {KeyRows::in_order, KeyRows::shared, KeyRows::permuted})
        for (const bool fused : {false, true})
          for (const bool probabilities : {false, true})
            check_attention(backend,
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
        check_attention(backend,
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
        check_attention(backend,
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
    check_attention(backend,
                    {.batch = 12,
                     .queries = 1,
                     .keys = keys,
                     .heads = 4,
                     .head_width = 64,
                     .causal = true,
                     .hidden = true,
                     .rows = KeyRows::permuted,
                     .fused = true},
                    random);
  // Six beams that share a picture of 255 tokens.
  check_attention(backend,
                  {.batch = 6,
                   .queries = 1,
                   .keys = 255,
                   .heads = 4,
                   .head_width = 64,
                   .rows = KeyRows::shared},
                  random);
}

TEMPLATE_LIST_TEST_CASE("attention of more queries than keys", "[primitives][attention]",
                        Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(24);
  check_attention(backend, {.batch = 2, .queries = 256, .keys = 50, .heads = 3, .head_width = 8},
                  random);
  check_attention(backend, {.batch = 1, .queries = 9, .keys = 1, .heads = 1, .head_width = 5},
                  random);
}

// Scores of some hundreds, whose exponentials overflow unless the largest is taken off.
TEMPLATE_LIST_TEST_CASE("attention with large scores", "[primitives][attention]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(25);
  for (const bool causal : {false, true})
    check_attention(backend,
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
  AttentionInputs inputs({.batch = 1, .queries = 20, .keys = 20, .heads = 2, .head_width = 8},
                         random);
  inputs.query.row(3)[10] = not_a_number;  // in the second head
  Bench bench(backend);
  const std::vector<double> output = inputs.run(bench);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < output.size(); ++i)
    wrong += std::isnan(output[i]) != (i / 16 == 3 && i % 16 >= 8);
  CHECK(wrong == 0);
}
