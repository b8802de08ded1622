// Gradients with enough work for every thread, on every backend that trains, against
// Reference<double>; the cases of each operation are in cases/.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Activation;
using coca::Shape;
using coca::Write;

namespace {

// Every operation of this file once, with enough work for every thread.
template <class B>
std::vector<double> large_gradients(Bench<B>& bench) {
  Random random(62);
  const std::size_t batch = 7, tokens = 61, width = 517, rows = batch * tokens, words = 100;
  const Shape shape{rows, width};
  const auto x = bench.input(random.normals(shape.size()), shape);
  const auto d = bench.input(random.normals(shape.size()), shape);
  const auto vector = bench.input(random.normals(width), {width});
  Indices picked(rows);
  for (std::int32_t& id : picked) id = static_cast<std::int32_t>(random.below(words));
  const auto ids = bench.indices(picked, {batch, tokens});
  std::vector<double> all;
  const auto collect = [&](const Shape& output_shape, const auto& run) {
    const auto output = bench.inplace(Floats(output_shape.size(), 0.5f), output_shape);
    run(output);
    const std::vector<double> values = bench.read(output);
    all.insert(all.end(), values.begin(), values.end());
  };
  const auto& on = bench.backend;
  const auto none = bench.nothing();
  collect({width}, [&](auto& out) { call<ops::SumRows>(on, d, out); });
  collect(shape, [&](auto& out) {
    call<ops::ActivationGradient>(on, x, Activation::gelu, d, ops::Update(out, Write::add));
  });
  collect({width}, [&](auto& out) {
    call<ops::ProductGradient>(on, x, vector, d, ops::Update(none, Write::add),
                               ops::Update(out, Write::add));
  });
  collect({width}, [&](auto& out) {
    call<ops::LayerNormGradient>(on, x, vector, d, ops::Update(none, Write::add), out, none);
  });
  collect(shape, [&](auto& out) {
    call<ops::LayerNormGradient>(on, x, vector, d, ops::Update(out, Write::add), none, none);
  });
  collect(shape, [&](auto& out) {
    call<ops::L2NormalizeGradient>(on, x, d, ops::Update(out, Write::add));
  });
  collect({words, width}, [&](auto& out) { call<ops::EmbedGradient>(on, ids, d, 0, out, none); });
  collect({tokens, width}, [&](auto& out) { call<ops::EmbedGradient>(on, ids, d, 0, none, out); });
  collect({1, tokens, width}, [&](auto& out) {
    call<ops::WriteTokensGradient>(on, d.reshaped({batch, tokens, width}), 0, tokens, out, none);
  });
  collect({words, width},
          [&](auto& out) { call<ops::GatherRowsGradient>(on, d, ids.reshaped({rows}), out); });
  const coca::Unfold windows{.channels = 3, .height = 70, .width = 84, .kernel = 14, .stride = 7};
  const std::size_t unfolded = 2 * windows.rows() * windows.columns();
  const auto patches = bench.input(random.normals(unfolded * 588), {unfolded, 588});
  collect({2, 3, 70, 84}, [&](auto& out) { call<ops::UnfoldGradient>(on, patches, windows, out); });
  return all;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("gradients of large arrays", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Results results = both(backend, [](auto& bench) { return large_gradients(bench); });
  CHECK(first_difference(results.actual, results.expected, sum_tolerance(results.expected, 427)) ==
        "");
}

TEMPLATE_LIST_TEST_CASE("the gradient of a row that no rows were multiplied with is zero",
                        "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend);
  const auto rows = bench.input({}, {0, 3}), row = bench.input({1, 2, 3}, {3});
  const auto gradient = bench.inplace({4, 5, 6}, {3}), none = bench.nothing();
  for (const Write write : {Write::add, Write::assign}) {
    call<ops::ProductGradient>(bench.backend, rows, row, rows, ops::Update(none, Write::add),
                               ops::Update(gradient, write));
    CHECK(bench.read(gradient) ==
          (write == Write::add ? std::vector<double>{4, 5, 6} : std::vector<double>{0, 0, 0}));
  }
}

TEMPLATE_LIST_TEST_CASE("the same gradients give the same bits", "[gradients]", TrainingSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend), again(backend);
  CHECK(first_inequality(large_gradients(again), large_gradients(bench)) == "");
}
