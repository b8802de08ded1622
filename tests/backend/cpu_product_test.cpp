#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/cpu/product.hpp"

namespace ops = coca::ops;
using coca::testing::absent;
using coca::testing::call;
using coca::testing::columns;
namespace {

using coca::GemmKind;
using coca::InstructionSet;
using coca::detail::Operand;
using coca::detail::ProductCall;
using coca::detail::ProductOptions;

struct Case {
  std::size_t rows, columns, depth;
  int threads;
};

// Around the edges of tiles, panels, words and blocks of depth, for all instruction sets.
constexpr Case cases[] = {{1, 1, 1, 1},     {1, 40, 7, 2},    {2, 3, 16, 1},     {5, 33, 31, 2},
                          {7, 97, 65, 3},   {14, 32, 32, 1},  {15, 31, 33, 2},   {16, 130, 64, 1},
                          {17, 16, 513, 2}, {33, 65, 600, 4}, {63, 50, 1030, 2}, {300, 47, 20, 3},
                          {60, 300, 0, 2},  {570, 20, 40, 1}};

struct ProductSubject {
  std::string name;
  ProductOptions options;
};

std::vector<ProductSubject> subjects() {
  std::vector<ProductSubject> made;
  const auto best = coca::detail::best_instruction_set();
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    if (set > best) continue;
    const std::string name = coca::to_string(set);
    made.push_back({"packed float32 " + name, {GemmKind::packed, false, set}});
    made.push_back({"packed bfloat16 " + name, {GemmKind::packed, true, set}});
    made.push_back({"eigen " + name, {GemmKind::eigen, false, set}});
  }
  if (coca::detail::has_onednn) made.push_back({"onednn", {GemmKind::onednn, false, best}});
  return made;
}

/// Small whole numbers: exact in bfloat16, and all sums of them exact in float, in any order.
std::vector<float> whole_numbers(std::size_t count, std::uint64_t stream) {
  coca::testing::Random random(stream);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.below(9)) - 4.0f;
  return values;
}

/// A matrix in an array, perhaps the other way round.
struct Matrix {
  std::vector<float> values;
  std::size_t rows, columns;
  bool transposed;

  Matrix(std::size_t r, std::size_t c, bool other, std::uint64_t stream)
      : values(whole_numbers(r * c, stream)), rows(r), columns(c), transposed(other) {}

  Operand operand() const {
    return transposed ? Operand{values.data(), 1, rows} : Operand{values.data(), columns, 1};
  }
  float at(std::size_t r, std::size_t c) const {
    return values[transposed ? c * rows + r : r * columns + c];
  }
};

/// A product, what it is made of, and what is right.
struct Problem {
  Case c;
  Matrix left, right;
  std::vector<float> bias, scale, residual;

  Problem(const Case& size, bool left_transposed, bool right_transposed)
      : c(size),
        left(c.rows, c.depth, left_transposed, 1),
        right(c.depth, c.columns, right_transposed, 2),
        bias(whole_numbers(c.columns, 3)),
        scale(whole_numbers(c.columns, 4)),
        residual(whole_numbers(c.rows * c.columns, 5)) {}

  ProductCall call(std::vector<float>& output) const {
    ProductCall made;
    made.result.rows = c.rows;
    made.result.output = output.data();
    made.result.threads = c.threads;
    made.columns = c.columns;
    made.depth = c.depth;
    made.left = left.operand();
    made.right = right.operand();
    return made;
  }

  /// left right, exactly.
  std::vector<float> products() const {
    std::vector<float> made(c.rows * c.columns);
    for (std::size_t r = 0; r < c.rows; ++r)
      for (std::size_t o = 0; o < c.columns; ++o) {
        float sum = 0;
        for (std::size_t k = 0; k < c.depth; ++k) sum += left.at(r, k) * right.at(k, o);
        made[r * c.columns + o] = sum;
      }
    return made;
  }
};

std::size_t differences(const std::vector<float>& actual, const std::vector<float>& expected) {
  std::size_t count = actual.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i)
    count += actual[i] == expected[i] ? 0 : 1;
  return count;
}

template <class Check>
void for_all_problems(const Check& check) {
  for (const Case& c : cases)
    for (const bool left : {false, true})
      for (const bool right : {false, true}) {
        const Problem problem(c, left, right);
        const std::vector<float> products = problem.products();
        for (const ProductSubject& subject : subjects()) {
          INFO(subject.name << " " << c.rows << "x" << c.columns << "x" << c.depth
                            << (left ? " left transposed" : "")
                            << (right ? " right transposed" : "") << " threads " << c.threads);
          check(subject, problem, products);
        }
      }
}

}  // namespace

TEST_CASE("products of matrices in place, assigned and added", "[cpu]") {
  for_all_problems([](const ProductSubject& subject, const Problem& problem,
                      const std::vector<float>& products) {
    std::vector<float> output(products.size(), std::nanf(""));
    ProductCall call = problem.call(output);
    coca::detail::multiply_matrices(call, subject.options);
    CHECK(differences(output, products) == 0);
    call.result.residual = output.data();
    coca::detail::multiply_matrices(call, subject.options);
    std::vector<float> twice = products;
    for (float& value : twice) value *= 2;
    CHECK(differences(output, twice) == 0);
  });
}

TEST_CASE("products of matrices in place, with an epilogue", "[cpu]") {
  for_all_problems([](const ProductSubject& subject, const Problem& problem,
                      const std::vector<float>& products) {
    std::vector<float> output = problem.residual, expected = products;
    ProductCall call = problem.call(output);
    call.result.bias = problem.bias.data();
    call.result.scale = problem.scale.data();
    call.result.residual = output.data();
    coca::detail::multiply_matrices(call, subject.options);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const std::size_t column = i % problem.c.columns;
      expected[i] =
          problem.residual[i] + problem.scale[column] * (products[i] + problem.bias[column]);
    }
    CHECK(differences(output, expected) == 0);
  });
}

TEST_CASE("products too large for one piece are put together from chunks", "[cpu]") {
  // Deeper than a chunk, and more of either side than one holds at that depth.
  for (const Case& c : {Case{1500, 3, 9000, 2}, Case{3, 1500, 9000, 1}}) {
    const Problem problem(c, true, false);
    const std::vector<float> products = problem.products();
    for (const ProductSubject& subject : subjects()) {
      INFO(subject.name);
      std::vector<float> output(products.size(), 1.0f);
      ProductCall call = problem.call(output);
      coca::detail::multiply_matrices(call, subject.options);
      CHECK(differences(output, products) == 0);
      call.result.residual = problem.residual.data();
      coca::detail::multiply_matrices(call, subject.options);
      std::size_t wrong = 0;
      for (std::size_t i = 0; i < output.size(); ++i)
        wrong += output[i] == products[i] + problem.residual[i] ? 0 : 1;
      CHECK(wrong == 0);
      call.result.bias = problem.bias.data();  // not cut along the depth any more
      coca::detail::multiply_matrices(call, subject.options);
      for (std::size_t i = 0; i < output.size(); ++i)
        wrong +=
            output[i] == products[i] + problem.residual[i] + problem.bias[i % c.columns] ? 0 : 1;
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("products that round take the nearest bfloat16 of what they multiply", "[cpu]") {
  const Case c{20, 40, 50, 1};
  Problem problem(c, false, false);
  problem.left.values.assign(problem.left.values.size(), 1.0f);
  problem.right.values.assign(problem.right.values.size(), 1.0f + 0x1p-10f);
  for (const ProductSubject& subject : subjects()) {
    INFO(subject.name);
    std::vector<float> output(c.rows * c.columns);
    coca::detail::multiply_matrices(problem.call(output), subject.options);
    const float expected = subject.options.round_to_bfloat16 ? 50.0f : 50.0f * (1.0f + 0x1p-10f);
    for (const float value : output) REQUIRE(value == expected);
  }
}

TEST_CASE("a repeated product gives the same bits", "[cpu]") {
  coca::testing::Random random(7);
  const Case c{130, 200, 777, 3};
  Problem problem(c, true, false);
  problem.left.values = random.normals(problem.left.values.size());
  problem.right.values = random.normals(problem.right.values.size());
  for (const ProductSubject& subject : subjects()) {
    INFO(subject.name);
    std::vector<float> first(c.rows * c.columns), again(c.rows * c.columns);
    coca::detail::multiply_matrices(problem.call(first), subject.options);
    coca::detail::multiply_matrices(problem.call(again), subject.options);
    CHECK(differences(first, again) == 0);
  }
}

TEST_CASE("large products of views are measured once, small ones never", "[cpu]") {
  const ProductOptions options{GemmKind::automatic, false, coca::detail::best_instruction_set()};
  const auto multiply = [&](const Case& c) {
    const Problem problem(c, false, true);
    std::vector<float> output(c.rows * c.columns);
    coca::detail::multiply_matrices(problem.call(output), options);
    CHECK(differences(output, problem.products()) == 0);
  };
  const auto before = coca::GemmChoices::recorded().size();
  multiply({20, 90, 100, 1});
  CHECK(coca::GemmChoices::recorded().size() == before);
  multiply({250, 300, 260, 1});
  multiply({255, 270, 500, 1});  // of the same class
  CHECK(coca::GemmChoices::recorded().size() == before + 1);
  const std::string name =
      "product 256x512x512 nt float32 " + std::string(coca::to_string(options.set)) + " 1";
  CHECK(coca::GemmChoices::recorded().at(name) != GemmKind::automatic);
}

TEST_CASE("a preset choice for a product of views is used", "[cpu]") {
  // Added up in different orders, normal numbers give different last bits.
  const Case c{257, 300, 300, 1};
  const ProductOptions options{GemmKind::automatic, false, InstructionSet::baseline};
  coca::testing::Random random(8);
  Problem problem(c, false, true);
  problem.left.values = random.normals(problem.left.values.size());
  problem.right.values = random.normals(problem.right.values.size());
  for (const auto kind : {GemmKind::eigen, GemmKind::packed}) {
    coca::GemmChoices::preset({{"product 512x512x512 nt float32 baseline 1", kind}});
    std::vector<float> output(c.rows * c.columns), expected(c.rows * c.columns);
    coca::detail::multiply_matrices(problem.call(output), options);
    coca::detail::multiply_by(kind, problem.call(expected), options);
    CHECK(differences(output, expected) == 0);
  }
}

TEST_CASE("views read their values in place", "[cpu]") {
  const coca::Cpu<> cpu({.threads = 1});
  for (const bool transposed : {false, true}) {
    const auto values = cpu.allocate<float>({2, 3});
    for (std::size_t i = 0; i < 6; ++i) values.data()[i] = static_cast<float>(i);
    const auto matrix = cpu.view(values, transposed);
    CHECK(matrix.out_features() == (transposed ? 3 : 2));
    CHECK(matrix.in_features() == (transposed ? 2 : 3));
    CHECK(matrix.transposed() == transposed);
    CHECK(matrix.values().data() == values.data());
    std::vector<float> row(matrix.in_features());
    cpu.unpack(matrix, 1, 1, row.data());
    CHECK(row == (transposed ? std::vector<float>{1, 4} : std::vector<float>{3, 4, 5}));

    const auto input = cpu.allocate<float>({1, matrix.in_features()});
    const auto output = cpu.allocate<float>({1, matrix.out_features()});
    call<ops::Fill>(cpu, input, 1.0f);
    call<ops::Matmul>(cpu, input, matrix, absent, output);
    CHECK(output.data()[0] == 3.0f);
    values.data()[0] = 10.0f;
    call<ops::Matmul>(cpu, input, matrix, absent, output);
    CHECK(output.data()[0] == 13.0f);
  }
}

TEST_CASE("packed weights have no gradients and views are not filled", "[cpu]") {
  const coca::Cpu<> cpu({.threads = 1, .gemm = GemmKind::packed});
  const auto array = cpu.allocate<float>({1, 1});
  call<ops::Fill>(cpu, array, 1.0f);
  const coca::WeightSource source{coca::Shape{1, 1},
                                  [](std::size_t, std::size_t, float* out) { *out = 1.0f; }};
  const auto packed = cpu.pack(source, {.rows = 1});
  CHECK_FALSE(packed.values());
  CHECK_FALSE(packed.transposed());
  std::string message;
  try {
    call<ops::MatmulInputGradient>(cpu, array, packed, ops::Update(array, coca::Write::assign));
  } catch (const coca::ArgumentError& error) {
    message = error.what();
  }
  CHECK(message ==
        "matmul_input_gradient: weights packed for inference have no gradients, expected a view");
  message.clear();
  try {
    coca::detail::ViewWeight(array, false, {}).set({});
  } catch (const coca::ArgumentError& error) {
    message = error.what();
  }
  CHECK(message == "a view of a weight cannot be filled: its values are set in place");
}

TEST_CASE("the backends that train, and the one that does not", "[cpu]") {
  STATIC_REQUIRE(coca::DifferentiableBackend<coca::Cpu<float>>);
  STATIC_REQUIRE(coca::DifferentiableBackend<coca::Cpu<float, coca::bfloat16>>);
  STATIC_REQUIRE(coca::Backend<coca::Cpu<coca::bfloat16>>);
  STATIC_REQUIRE_FALSE(coca::DifferentiableBackend<coca::Cpu<coca::bfloat16>>);
}
