#include "coca/nn/parameter.hpp"

#include <array>
#include <cmath>

#include "backend/remote.hpp"
#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

template <class Parameter, class B>
std::vector<float> stored(const Parameter& parameter, const B& backend, std::size_t first,
                          std::size_t count) {
  const WeightSource source = parameter.store(backend);
  std::vector<float> values(count * source.row_size());
  source.read(first, count, values.data());
  return values;
}

}  // namespace

TEST_CASE("Parameters know their path and refuse other shapes", "[parameter]") {
  ArrayParameter<Near> bias("a.bias", {3}, Initializer::constant(2));
  CHECK(bias.path() == "a.bias");
  CHECK(bias.shape() == Shape{3});
  CHECK(bias.initializer().value == 2);
  CHECK_THROWS_WITH(
      bias.value(),
      "a.bias has no value yet: load a checkpoint into the model, or call initialize");
  CHECK_THROWS_WITH(bias.load(Near{}, source_of({2}, {1, 2})), "a.bias: got [2], expected [3]");
  bias.load(Near{}, source_of({3}, {1, 2, 3}));
  CHECK(stored(bias, Near{}, 0, 1) == std::vector<float>{1, 2, 3});
}

TEST_CASE("One number fits one number", "[parameter]") {
  ArrayParameter<Near> scale("logit_scale", {}, {});
  CHECK(scale.fits(Shape{1}));
  CHECK(scale.fits(Shape{}));
  CHECK_FALSE(scale.fits(Shape{2}));
  scale.load(Near{}, source_of({1}, {4.5f}));
  CHECK(stored(scale, Near{}, 0, 1) == std::vector<float>{4.5f});
}

TEMPLATE_TEST_CASE("Array parameters give back their rows", "[parameter]", Near, Remote) {
  ArrayParameter<TestType> positions("p", {3, 2}, {});
  const TestType backend;
  positions.load(backend, source_of({3, 2}, {0, 1, 2, 3, 4, 5}));
  CHECK(stored(positions, backend, 1, 2) == std::vector<float>{2, 3, 4, 5});
}

TEMPLATE_TEST_CASE("Tables are loaded in pieces and give back their rows", "[parameter]", Near,
                   Remote) {
  TableParameter<TestType> table("t", {600, 3}, {});
  const TestType backend;
  CHECK_THROWS_AS(table.value(), Error);
  const auto values = numbers(1800, 3);
  table.load(backend, source_of({600, 3}, values));
  CHECK(stored(table, backend, 0, 600) == values);
  CHECK(stored(table, backend, 300, 2) == part(values, 900, 6));
}

TEMPLATE_TEST_CASE("Matrices give back what they were packed from", "[parameter]", Near, Remote) {
  const TestType backend;
  const auto values = numbers(30, 4);
  SECTION("as stored") {
    MatrixParameter<TestType> matrix("m", {6, 5}, {});
    CHECK_THROWS_AS(matrix.value(), Error);
    matrix.load(backend, source_of({6, 5}, values));
    CHECK(matrix.value().out_features() == 6);
    CHECK(matrix.value().in_features() == 5);
    CHECK(stored(matrix, backend, 2, 3) == part(values, 10, 15));
  }
  SECTION("in two parts") {
    MatrixParameter<TestType> matrix("m", {6, 5}, {}, {.parts = {2, 4}});
    matrix.load(backend, source_of({6, 5}, values));
    CHECK(matrix.value(0).out_features() == 2);
    CHECK(matrix.value(1).out_features() == 4);
    CHECK(stored(matrix, backend, 0, 6) == values);
    CHECK(stored(matrix, backend, 1, 3) == part(values, 5, 15));
    CHECK(stored(matrix, backend, 3, 1) == part(values, 15, 5));
  }
  SECTION("transposed") {
    MatrixParameter<TestType> matrix("m", {6, 5}, {}, {.transposed = true});
    matrix.load(backend, source_of({6, 5}, values));
    CHECK(matrix.value().out_features() == 5);
    CHECK(matrix.value().in_features() == 6);
    CHECK(stored(matrix, backend, 0, 6) == values);
    CHECK(stored(matrix, backend, 4, 2) == part(values, 20, 10));
  }
  SECTION("with more than two dimensions") {
    MatrixParameter<TestType> convolution("c", {2, 3, 1, 5}, {});
    convolution.load(backend, source_of({2, 3, 1, 5}, values));
    CHECK(convolution.value().out_features() == 2);
    CHECK(convolution.value().in_features() == 15);
    CHECK(stored(convolution, backend, 0, 2) == values);
  }
}

TEST_CASE("Initial values are a function of seed, path and element", "[parameter]") {
  const ParameterBase one("one", {40, 25}, Initializer::normal(0.5f));
  const ParameterBase other("other", {40, 25}, Initializer::normal(0.5f));
  const auto values = [](const ParameterBase& parameter, std::uint64_t seed, std::size_t first,
                         std::size_t count) {
    std::vector<float> read(count * 25);
    initial_values(parameter, seed).read(first, count, read.data());
    return read;
  };
  const auto all = values(one, 1, 0, 40);
  CHECK(values(one, 1, 0, 40) == all);
  CHECK(values(one, 1, 7, 3) == part(all, 7 * 25, 3 * 25));  // however it is read
  CHECK(values(one, 2, 0, 40) != all);
  CHECK(values(other, 1, 0, 40) != all);
  double squares = 0;
  for (const float value : all) squares += static_cast<double>(value) * static_cast<double>(value);
  CHECK(close(std::sqrt(squares / 1000), 0.5, 0.03));
  const ParameterBase constant("constant", {2, 25}, Initializer::constant(3));
  CHECK(values(constant, 1, 0, 2) == std::vector<float>(50, 3));
}
