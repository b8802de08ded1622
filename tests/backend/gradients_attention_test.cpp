// The gradient of attention on every backend that trains, against Reference<double>.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "backend/attention_case.hpp"
#include "backend/bench.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;

namespace {

// What the gradients are added to: numbers in the columns that are used, NaN next to them.
Part start_of(const Part& like, Random& random) {
  Part part(like.rows, like.row_width, like.first, like.width);
  for (std::size_t r = 0; r < part.rows; ++r) part.fill(r, random, 1);
  return part;
}

struct Present {
  bool query = true, key = true, value = true;
};

struct GradientInputs {
  AttentionInputs forward;
  Part gradient, query, key, value;
  Present present;

  GradientInputs(const AttentionCase& c, Random& random)
      : forward(c, random),
        gradient(c.batch * c.queries, c.width(), 0, c.width()),
        query(start_of(forward.query, random)),
        key(start_of(forward.key, random)),
        value(start_of(forward.value, random)) {
    for (std::size_t r = 0; r < gradient.rows; ++r) gradient.fill(r, random, 1);
  }

  // The gradients of query, key and value, each whole with the adjacent columns.
  template <class B>
  std::vector<double> run(Bench<B>& bench) const {
    const auto arguments = forward.on(bench);
    const auto output = bench.output({gradient.rows, gradient.width});
    bench.backend.attention(arguments, output);
    const auto place = [&](const Part& part, bool wanted) {
      return coca::Columns<typename Bench<B>::T, typename Bench<B>::M>{
          added(bench, wanted, part.values, {part.rows, part.row_width}), part.first, part.width};
    };
    const coca::AttentionGradients<typename Bench<B>::T, typename Bench<B>::M> gradients{
        place(query, present.query), place(key, present.key), place(value, present.value)};
    bench.backend.attention_gradient(arguments, output, gradient.on(bench).rows, gradients);
    return read_all(bench, gradients.query.rows, gradients.key.rows, gradients.value.rows);
  }

  // What the gradients that are present held.
  std::vector<double> before() const {
    std::vector<double> all;
    const auto append = [&](const Part& part, bool wanted) {
      if (wanted) all.insert(all.end(), part.values.begin(), part.values.end());
    };
    append(query, present.query);
    append(key, present.key);
    append(value, present.value);
    return all;
  }

  // The gradient of a score is p (g v - mean), of two sums of products of which each is at most
  // |g| |v|; p has the score's error twice. Keys and values collect it from all queries.
  std::vector<double> tolerances() const {
    const AttentionCase& c = forward.the;
    const double u = unit_roundoff<float>, scale = 1 / std::sqrt(static_cast<double>(c.head_width));
    const double queries =
        static_cast<double>(c.queries * (c.rows == KeyRows::shared ? c.batch : 1));
    const double terms = static_cast<double>(c.head_width) + static_cast<double>(c.keys) + queries;
    const double relative = 2 * forward.score_error() + (8 * std::sqrt(terms) + 32) * u;
    const double g = forward.longest(gradient);
    const double score = 2 * relative * g * forward.longest(forward.value) * scale;
    std::vector<double> all;
    const auto append = [&](const Part& part, bool wanted, double tolerance) {
      if (wanted) all.insert(all.end(), part.values.size(), tolerance + 16 * u);
    };
    append(query, present.query, score * forward.longest(forward.key));
    append(key, present.key, queries * score * forward.longest(forward.query));
    append(value, present.value, queries * relative * g);
    return all;
  }
};

template <class B>
void check_attention_gradient(const B& backend, const AttentionCase& c, Random& random,
                              Present present = {}) {
  CAPTURE(c.batch, c.queries, c.keys, c.heads, c.head_width, c.causal, c.hidden,
          static_cast<int>(c.rows), c.fused);
  GradientInputs inputs(c, random);
  inputs.present = present;
  const Results results = both(backend, [&](auto& bench) { return inputs.run(bench); });
  CHECK(first_difference_of_columns(results.actual, results.expected, inputs.before(),
                                    inputs.tolerances()) == "");
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("attention_gradient with every option", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(80);
  for (const bool causal : {false, true})
    for (const bool hidden : {false, true})
      for (const KeyRows rows : {KeyRows::in_order, KeyRows::shared, KeyRows::permuted})
        for (const bool fused : {false, true})
          check_attention_gradient(backend,
                                   {.batch = 3,
                                    .queries = 5,
                                    .keys = 9,
                                    .heads = 2,
                                    .head_width = 12,
                                    .causal = causal,
                                    .hidden = hidden,
                                    .rows = rows,
                                    .fused = fused},
                                   random);
}

TEMPLATE_LIST_TEST_CASE("attention_gradient for every head width", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(81);
  for (const std::size_t head_width : {1, 3, 17, 33, 64, 65, 130})
    for (const std::size_t heads : {1, 3})
      for (const bool fused : {false, true})
        check_attention_gradient(backend,
                                 {.batch = 2,
                                  .queries = 7,
                                  .keys = 7,
                                  .heads = heads,
                                  .head_width = head_width,
                                  .causal = fused,
                                  .fused = fused},
                                 random);
}

TEMPLATE_LIST_TEST_CASE("attention_gradient for every number of tokens", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(82);
  for (const std::size_t keys : {1, 3, 8, 16, 17, 33, 65, 77, 130, 257})
    for (const std::size_t queries : {std::size_t{1}, (keys + 1) / 2, keys})
      for (const bool causal : {false, true})
        check_attention_gradient(backend,
                                 {.batch = 1,
                                  .queries = queries,
                                  .keys = keys,
                                  .heads = 2,
                                  .head_width = 20,
                                  .causal = causal,
                                  .hidden = keys % 2 == 0},
                                 random);
}

TEMPLATE_LIST_TEST_CASE("attention_gradient of more queries than keys", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(83);
  check_attention_gradient(
      backend, {.batch = 2, .queries = 256, .keys = 50, .heads = 3, .head_width = 8}, random);
  check_attention_gradient(
      backend, {.batch = 1, .queries = 9, .keys = 1, .heads = 1, .head_width = 5}, random);
}

// Sequences that share the rows of one: queries of the poolers do, here keys.
TEMPLATE_LIST_TEST_CASE("attention_gradient adds up what shared rows get", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(84);
  check_attention_gradient(backend,
                           {.batch = 17,
                            .queries = 3,
                            .keys = 33,
                            .heads = 4,
                            .head_width = 16,
                            .hidden = true,
                            .rows = KeyRows::shared},
                           random);
}

TEMPLATE_LIST_TEST_CASE("attention_gradient with large scores", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(85);
  for (const bool causal : {false, true})
    check_attention_gradient(backend,
                             {.batch = 2,
                              .queries = 40,
                              .keys = 40,
                              .heads = 2,
                              .head_width = 16,
                              .causal = causal,
                              .scale = 100},
                             random);
}

TEMPLATE_LIST_TEST_CASE("absent gradients of attention are not computed", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(86);
  for (unsigned present = 0; present < 8; ++present) {
    CAPTURE(present);
    check_attention_gradient(backend,
                             {.batch = 2, .queries = 9, .keys = 17, .heads = 2, .head_width = 12},
                             random, {(present & 1) != 0, (present & 2) != 0, (present & 4) != 0});
  }
}

// Queries, keys and values as a layer's fused projection has them, and their gradients likewise.
TEMPLATE_LIST_TEST_CASE("attention_gradient into one fused array", "[gradients][attention]",
                        TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(87);
  const std::size_t batch = 3, tokens = 33, heads = 2, width = 34;
  const coca::Shape fused{batch * tokens, 3 * width}, narrow{batch * tokens, width};
  const Floats rows = random.normals(fused.size()), gradient = random.normals(narrow.size()),
               start = random.normals(fused.size());
  const Results results = both(backend, [&]<class B>(Bench<B>& bench) {
    const auto x = bench.input(rows, fused);
    const auto dx = bench.inplace(start, fused);
    const coca::AttentionArguments<typename Bench<B>::T, typename Bench<B>::M> arguments{
        .query = {x, 0, width},
        .key = {x, width, width},
        .value = {x, 2 * width, width},
        .batch = batch,
        .query_tokens = tokens,
        .key_tokens = tokens,
        .heads = heads,
        .causal = true,
        .hidden_keys = {},
        .key_rows = {},
        .probabilities = {}};
    const auto output = bench.output(narrow);
    bench.backend.attention(arguments, output);
    bench.backend.attention_gradient(arguments, output, bench.input(gradient, narrow),
                                     {{dx, 0, width}, {dx, width, width}, {dx, 2 * width, width}});
    return bench.read(dx);
  });
  CHECK(first_difference(results.actual, results.expected,
                         8 * sum_tolerance(results.expected, tokens)) == "");
}

TEMPLATE_LIST_TEST_CASE("the same attention's gradients give the same bits",
                        "[gradients][attention]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(88);
  const GradientInputs inputs({.batch = 5,
                               .queries = 65,
                               .keys = 65,
                               .heads = 3,
                               .head_width = 33,
                               .causal = true,
                               .rows = KeyRows::shared},
                              random);
  Bench bench(backend), again(backend);
  CHECK(first_inequality(inputs.run(again), inputs.run(bench)) == "");
}
