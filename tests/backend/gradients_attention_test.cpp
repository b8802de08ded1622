// What is special about the gradient of attention on every backend that trains; its cases are in
// cases/attention.hpp.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backend/attention_case.hpp"
#include "backend/bench.hpp"
#include "backend/call.hpp"
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

struct GradientInputs {
  AttentionInputs forward;
  Part gradient, query, key, value;

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
    call<ops::Attention>(bench.backend, arguments, output);
    const auto place = [&](const Part& part) {
      return add_columns(bench.inplace(part.values, {part.rows, part.row_width}), part.first,
                         part.width);
    };
    const coca::AttentionGradients<typename Bench<B>::T, typename Bench<B>::M> gradients{
        place(query), place(key), place(value)};
    call<ops::AttentionGradient>(bench.backend, arguments, output, gradient.on(bench).rows,
                                 gradients);
    return read_all(bench, gradients.query.rows, gradients.key.rows, gradients.value.rows);
  }
};

}  // namespace

// Queries, keys and values as in a layer's fused projection, and gradients in the same layout.
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
    call<ops::Attention>(bench.backend, arguments, output);
    call<ops::AttentionGradient>(
        bench.backend, arguments, output, bench.input(gradient, narrow),
        attention_gradients(add_columns(dx, 0, width), add_columns(dx, width, width),
                            add_columns(dx, 2 * width, width)));
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

TEMPLATE_LIST_TEST_CASE("a query from which every key is hidden has no effect",
                        "[gradients][attention]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(89);
  GradientInputs inputs({.batch = 2,
                         .queries = 7,
                         .keys = 9,
                         .heads = 2,
                         .head_width = 8,
                         .bias = true,
                         .pairs = true},
                        random);
  std::fill_n(inputs.forward.pairs.begin() + (7 + 3) * 9, 9, std::uint8_t{1});  // query 10
  const Results results = both(backend, [&](auto& bench) { return inputs.run(bench); });
  CHECK(first_difference(results.actual, results.expected,
                         16 * sum_tolerance(results.expected, 24)) == "");
  for (std::size_t i = 0; i < 16; ++i)
    CHECK(results.actual[10 * 16 + i] == inputs.query.values[10 * 16 + i]);
}
