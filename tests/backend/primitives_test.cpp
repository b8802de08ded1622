// Norms and rows of large arrays, and NaN among them, on every backend; the cases of each operation
// are in cases/. u is the unit roundoff of float.

#include <cmath>
#include <cstddef>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;

TEMPLATE_LIST_TEST_CASE("norms keep NaN to its row", "[primitives][layer_norm]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(13);
  for (const std::size_t place : {0, 20, 34}) {
    CAPTURE(place);
    Floats input = random.normals(4 * 35);
    input[2 * 35 + place] = not_a_number;
    Bench bench(backend);
    const auto normed = bench.output({4, 35}), unit = bench.output({4, 35});
    const auto ones = bench.input(Floats(35, 1.0f), {35});
    call<ops::LayerNorm>(bench.backend, bench.input(input, {4, 35}), ones, ones, normed);
    call<ops::L2Normalize>(bench.backend, bench.input(input, {4, 35}), unit);
    std::size_t wrong = 0;
    for (const std::vector<double>& values : {bench.read(normed), bench.read(unit)})
      for (std::size_t i = 0; i < values.size(); ++i)
        wrong += std::isnan(values[i]) != (i / 35 == 2);
    CHECK(wrong == 0);
  }
}

// Enough work for every thread.
TEMPLATE_LIST_TEST_CASE("norms and rows of large arrays", "[primitives][rows]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Backend::weight_type;
  Random random(14);
  const std::size_t batch = 7, tokens = 61, width = 517, rows = batch * tokens, words = 100;
  const Floats input = random.normals(rows * width),
               table = rounded_to<W>(random.normals(words * width));
  Indices ids(rows);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(words));
  const Indices order = random.permutation(rows);
  const Results results = both(backend, [&](auto& bench) {
    const auto x = bench.input(input, {batch, tokens, width});
    const auto vector = bench.input(Floats(input.begin(), input.begin() + width), {width});
    const auto flat = x.reshaped({rows, width});
    const auto places = bench.indices(order, {rows});
    std::vector<double> all;
    const auto collect = [&](auto run) {
      const auto output = bench.output({batch, tokens, width});
      run(output);
      const std::vector<double> values = bench.read(output);
      all.insert(all.end(), values.begin(), values.end());
    };
    const auto& device = bench.backend;
    collect([&](auto& out) { call<ops::LayerNorm>(device, x, vector, vector, out); });
    collect([&](auto& out) { call<ops::L2Normalize>(device, x, out); });
    collect([&](auto& out) {
      call<ops::Embed>(device, bench.indices(ids, {batch, tokens}),
                       bench.table(table, {words, width}), flat, 5, out);
    });
    collect([&](auto& out) { call<ops::WriteTokens>(device, x, flat, 0, out); });
    collect([&](auto& out) { call<ops::GatherRows>(device, flat, places, out); });
    collect(
        [&](auto& out) { call<ops::ScatterRows>(device, columns(flat, 0, width), places, out); });
    return all;
  });
  CHECK(first_difference(results.actual, results.expected, 64 * u) == "");
}

TEMPLATE_LIST_TEST_CASE("unfold of large pictures", "[primitives][unfold]", Subjects) {
  COCA_SKIP_UNAVAILABLE();
  Random random(15);
  const coca::Unfold windows{
      .channels = 3, .height = 224, .width = 224, .kernel = 14, .stride = 14};
  const Floats pictures = random.normals(2 * 3 * 224 * 224);
  const Results results = both(backend, [&](auto& bench) {
    const auto output = bench.output({2 * 16 * 16, 3 * 14 * 14});
    call<ops::Unfold>(bench.backend, bench.input(pictures, {2, 3, 224, 224}), windows, output);
    return bench.read(output);
  });
  CHECK(first_difference(results.actual, results.expected, 0) == "");
}
