// Gradients of matrix products, and products with matrices that change, on every backend that
// trains, against Reference<double>.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/gradient_outputs.hpp"
#include "backend/subjects.hpp"
#include "catch.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Shape;
using coca::Write;

namespace {

// The three sides of a product: input [rows, in], weight [out, in], output [rows, out].
struct Sizes {
  std::size_t rows, out, in;
  std::string text() const {
    return std::to_string(rows) + " rows, " + std::to_string(out) + " x " + std::to_string(in);
  }
};

std::vector<Sizes> awkward_sizes() {
  std::vector<Sizes> all;
  for (const std::size_t rows : {1, 3, 17, 65})
    for (const std::size_t out : {1, 3, 17, 33, 65, 130})
      for (const std::size_t in : {1, 3, 17, 33, 65, 130}) all.push_back({rows, out, in});
  all.push_back({257, 129, 100});
  all.push_back({33, 512, 257});
  return all;
}

// Random factors with the spread that keeps the products' sums near 1, as they are stored in W.
template <class W>
Floats factors(std::size_t count, std::size_t terms, Random& random) {
  return rounded_to<W>(random.normals(count, std::pow(static_cast<float>(terms), -0.25f)));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("products with views", "[gradients][matmul]", TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Weight;
  Random random(70);
  std::size_t number = 0;
  for (const Sizes& n : awkward_sizes()) {
    const bool transposed = number++ % 2 == 1;
    CAPTURE(n.text(), transposed);
    const Floats input = factors<W>(n.rows * n.in, n.in, random),
                 weight = factors<W>(n.out * n.in, n.in, random), bias = random.normals(n.out),
                 residual = random.normals(n.rows * n.out);
    const Results results = both(backend, [&]<class B>(Bench<B>& bench) {
      const auto values = bench.input(weight, transposed ? Shape{n.in, n.out} : Shape{n.out, n.in});
      const auto matrix = bench.backend.view(values, transposed);
      CHECK(matrix.out_features() == n.out);
      CHECK(matrix.in_features() == n.in);
      CHECK(matrix.transposed() == transposed);
      CHECK(matrix.values().shape() == values.shape());
      const auto output = bench.output({n.rows, n.out});
      call<ops::Matmul>(bench.backend, bench.input(input, {n.rows, n.in}), matrix,
                        coca::Epilogue<typename B::value_type, typename B::memory_type>{
                            .bias = bench.input(bias, {n.out}),
                            .residual = bench.input(residual, {n.rows, n.out})},
                        output);
      return bench.read(output);
    });
    CHECK(first_difference(results.actual, results.expected,
                           sum_tolerance(results.expected, n.in)) == "");
  }
}

// A product with a view sees what the array holds when it runs.
TEMPLATE_LIST_TEST_CASE("views follow their arrays", "[gradients][matmul]",
                        TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  for (const std::size_t rows : {1, 40}) {
    CAPTURE(rows);
    const Results results = both(backend, [&](auto& bench) {
      const auto values = bench.inplace(Floats(33 * 17, 0.5f), {33, 17});
      const auto matrix = bench.backend.view(values, false);
      const auto input = bench.input(Floats(rows * 17, 1), {rows, 17});
      const auto before = bench.output({rows, 33}), after = bench.output({rows, 33});
      const auto gradient = bench.output({rows, 17});
      call<ops::Matmul>(bench.backend, input, matrix, absent, before);
      call<ops::Scale>(bench.backend, values, 3);
      call<ops::Matmul>(bench.backend, input, matrix, absent, after);
      call<ops::Scale>(bench.backend, values, -1);
      call<ops::MatmulInputGradient>(bench.backend, after, matrix,
                                     ops::Update(gradient, Write::assign));
      return read_all(bench, before, after, gradient);
    });
    CHECK(first_inequality(results.actual, results.expected) == "");
    CHECK(results.expected.front() == 8.5);
    CHECK(results.expected.back() == 25.5 * -1.5 * 33);
  }
}

TEMPLATE_LIST_TEST_CASE("matmul_input_gradient", "[gradients][matmul]", TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Weight;
  Random random(71);
  std::size_t number = 0;
  for (const Sizes& n : awkward_sizes())
    for (const Write write : both_writes) {
      const bool transposed = number++ / 2 % 2 == 1;
      CAPTURE(n.text(), transposed, static_cast<int>(write));
      const Floats gradient = factors<W>(n.rows * n.out, n.out, random),
                   weight = factors<W>(n.out * n.in, n.out, random),
                   before = random.normals(n.rows * n.in);
      const Results results = both(backend, [&](auto& bench) {
        const auto values =
            bench.input(weight, transposed ? Shape{n.in, n.out} : Shape{n.out, n.in});
        const auto input_gradient = written(bench, write, before, {n.rows, n.in});
        call<ops::MatmulInputGradient>(bench.backend, bench.input(gradient, {n.rows, n.out}),
                                       bench.backend.view(values, transposed),
                                       ops::Update(input_gradient, write));
        return bench.read(input_gradient);
      });
      CHECK(first_difference(results.actual, results.expected,
                             sum_tolerance(results.expected, n.out)) == "");
    }
}

TEMPLATE_LIST_TEST_CASE("matmul_weight_gradient", "[gradients][matmul]", TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  using W = typename TestType::Weight;
  Random random(72);
  for (const Sizes& n : awkward_sizes()) {
    CAPTURE(n.text());
    const Floats gradient = factors<W>(n.rows * n.out, n.rows, random),
                 input = factors<W>(n.rows * n.in, n.rows, random),
                 before = random.normals(n.out * n.in);
    for (const Write write : {Write::assign, Write::add}) {
      const Results results = both(backend, [&](auto& bench) {
        const auto weight_gradient = write == Write::assign ? bench.output({n.out, n.in})
                                                            : bench.inplace(before, {n.out, n.in});
        call<ops::MatmulWeightGradient>(bench.backend, bench.input(gradient, {n.rows, n.out}),
                                        bench.input(input, {n.rows, n.in}),
                                        ops::Update(weight_gradient, write));
        return bench.read(weight_gradient);
      });
      CHECK(first_difference(results.actual, results.expected,
                             sum_tolerance(results.expected, n.rows)) == "");
    }
  }
}

TEMPLATE_LIST_TEST_CASE("the same products' gradients give the same bits", "[gradients][matmul]",
                        TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  const Sizes n{301, 260, 190};
  const auto run = [&](auto& bench) {
    Random random(73);
    const auto gradient = bench.input(random.normals(n.rows * n.out), {n.rows, n.out});
    const auto input = bench.input(random.normals(n.rows * n.in), {n.rows, n.in});
    const auto weight = bench.input(random.normals(n.out * n.in), {n.out, n.in});
    const auto weight_gradient = bench.inplace(random.normals(n.out * n.in), {n.out, n.in});
    const auto input_gradient = bench.output({n.rows, n.in});
    call<ops::MatmulWeightGradient>(bench.backend, gradient, input,
                                    ops::Update(weight_gradient, Write::add));
    call<ops::MatmulInputGradient>(bench.backend, gradient, bench.backend.view(weight, false),
                                   ops::Update(input_gradient, Write::assign));
    return read_all(bench, weight_gradient, input_gradient);
  };
  Bench bench(backend), again(backend);
  CHECK(first_inequality(run(again), run(bench)) == "");
}

TEMPLATE_LIST_TEST_CASE("absent gradients of products are not computed", "[gradients][matmul]",
                        TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend);
  const auto gradient = bench.input(Floats(2 * 5, 1), {2, 5});
  const auto weight = bench.input(Floats(5 * 3, 1), {5, 3});
  call<ops::MatmulInputGradient>(bench.backend, gradient, bench.backend.view(weight, false),
                                 ops::Update(bench.nothing(), Write::add));
  call<ops::MatmulWeightGradient>(bench.backend, gradient, bench.input(Floats(2 * 3, 1), {2, 3}),
                                  ops::Update(bench.nothing(), Write::add));
  bench.backend.synchronize();
  CHECK(bench.damage() == "");
}

TEMPLATE_LIST_TEST_CASE("packed weights have no gradients", "[gradients][matmul]",
                        TrainingProductSubjects) {
  COCA_SKIP_UNAVAILABLE();
  Bench bench(backend);
  const auto packed = bench.weight(Floats(5 * 3, 1), {5, 3});
  CHECK_FALSE(static_cast<bool>(packed.values()));
  const auto input_gradient = bench.output({2, 3});
  std::string message;
  try {
    call<ops::MatmulInputGradient>(bench.backend, bench.input(Floats(2 * 5, 1), {2, 5}), packed,
                                   ops::Update(input_gradient, Write::assign));
    bench.backend.synchronize();
  } catch (const coca::ArgumentError& error) {
    message = error.what();
  }
  const std::string problem = "packed for inference have no gradients";
  CAPTURE(message);
  CHECK(message.find(problem) != std::string::npos);
}
