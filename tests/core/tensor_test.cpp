#include "coca/core/tensor.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include "catch.hpp"

using coca::Buffer;
using coca::HostMemory;
using coca::Shape;
using coca::Tensor;

namespace {

constexpr std::size_t most_elements = std::numeric_limits<std::size_t>::max();

// 0, 1, 2, ... in the given shape.
Tensor<float> counting(const Shape& shape) {
  Tensor<float> tensor(Buffer<HostMemory>::allocate(shape.size() * sizeof(float)), shape);
  std::iota(tensor.data(), tensor.data() + tensor.size(), 0.0f);
  return tensor;
}

std::vector<float> values(const Tensor<float>& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

template <class Call>
std::string refusal_of(Call call) {
  try {
    call();
  } catch (const coca::ShapeError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("an absent tensor has no elements", "[tensor]") {
  const Tensor<float> nothing;
  CHECK_FALSE(static_cast<bool>(nothing));
  CHECK(nothing.size() == 0);
  CHECK(nothing.shape() == Shape{});
}

TEST_CASE("a tensor without elements is still a tensor", "[tensor]") {
  const Tensor<float> empty = counting({0, 5});
  CHECK(static_cast<bool>(empty));
  CHECK(empty.size() == 0);
  CHECK(empty.slice(0, 0).shape() == Shape{0, 5});
}

TEST_CASE("a scalar has one element", "[tensor]") {
  const Tensor<float> scalar = counting({});
  CHECK(scalar.size() == 1);
  CHECK(values(scalar) == std::vector<float>{0});
}

TEST_CASE("copies, reshaped and sliced tensors share their elements", "[tensor]") {
  const Tensor<float> tensor = counting({4, 3});
  const Tensor<float> copy = tensor;
  const Tensor<float> reshaped = tensor.reshaped({2, 6});
  const Tensor<float> sliced = tensor.slice(1, 2);
  tensor.data()[4] = 40.0f;
  CHECK(copy.data() == tensor.data());
  CHECK(values(reshaped) == values(tensor));
  CHECK(values(sliced) == std::vector<float>{3, 40, 5, 6, 7, 8});
}

TEST_CASE("the last view keeps the elements alive", "[tensor]") {
  Tensor<float> tensor = counting({4, 3});
  const Tensor<float> row = tensor.slice(3, 1);
  tensor = {};
  CHECK(values(row) == std::vector<float>{9, 10, 11});
}

TEST_CASE("slices count entries of the outermost axis", "[tensor]") {
  const Tensor<float> tensor = counting({3, 2, 2});
  CHECK(tensor.slice(1, 2).shape() == Shape{2, 2, 2});
  CHECK(values(tensor.slice(2, 1)) == std::vector<float>{8, 9, 10, 11});
  CHECK(values(tensor.slice(1, 2).slice(1, 1)) == std::vector<float>{8, 9, 10, 11});
  CHECK(tensor.slice(3, 0).size() == 0);
  CHECK(values(tensor.slice(0, 3)) == values(tensor));
  CHECK(values(tensor.slice(1, 1).reshaped({4}).slice(3, 1)) == std::vector<float>{7});
}

TEST_CASE("slices beyond the end are refused", "[tensor]") {
  const Tensor<float> tensor = counting({3, 2});
  CHECK(refusal_of([&] { tensor.slice(2, 2); }) ==
        "entries 2 to 4 are outside a tensor of shape [3, 2]");
  CHECK(refusal_of([&] { tensor.slice(4, 0); }) ==
        "entries 4 to 4 are outside a tensor of shape [3, 2]");
  CHECK(refusal_of([&] { counting({}).slice(0, 1); }) ==
        "entries 0 to 1 are outside a tensor of shape []");
  // first + count wraps around to 1
  CHECK_THROWS_AS(tensor.slice(most_elements, 2), coca::ShapeError);
  CHECK_THROWS_AS(tensor.slice(2, most_elements), coca::ShapeError);
}

TEST_CASE("a tensor can only be viewed as a shape of its size", "[tensor]") {
  const Tensor<float> tensor = counting({3, 2});
  CHECK(tensor.reshaped({6}).shape() == Shape{6});
  CHECK(tensor.reshaped({1, 6, 1}).shape() == Shape{1, 6, 1});
  CHECK(refusal_of([&] {
          tensor.reshaped({4, 2});
        }) == "a tensor of shape [3, 2] cannot be viewed as [4, 2]");
}

TEST_CASE("a tensor lies within its buffer", "[tensor]") {
  const auto buffer = Buffer<HostMemory>::allocate(24);
  CHECK(Tensor<float>(buffer, {3}, 3).size() == 3);
  CHECK(Tensor<double>(buffer, {3}).size() == 3);
  CHECK(Tensor<std::uint8_t>(buffer, {4, 6}).size() == 24);
  CHECK(refusal_of([&] {
          Tensor<float>(buffer, {2, 4});
        }) == "a buffer of 24 bytes is too small for [2, 4]");
  CHECK(refusal_of([&] { Tensor<float>(buffer, {3}, 4); }) ==
        "a buffer of 24 bytes is too small for [3]");
  CHECK(refusal_of([&] { Tensor<double>(buffer, {4}); }) ==
        "a buffer of 24 bytes is too small for [4]");
  CHECK(refusal_of([&] { Tensor<float>(Buffer<HostMemory>(), {1}); }) ==
        "a buffer of 0 bytes is too small for [1]");
}

TEST_CASE("sizes that wrap around do not fit a buffer", "[tensor]") {
  const auto buffer = Buffer<HostMemory>::allocate(24);
  const std::size_t large = std::size_t{1} << 62;  // times 4 bytes is 0 in 64 bits
  CHECK_THROWS_AS(Tensor<float>(buffer, {large}), coca::ShapeError);
  CHECK_THROWS_AS(Tensor<float>(buffer, {large, 4}), coca::ShapeError);
  CHECK_THROWS_AS(Tensor<float>(buffer, {2}, most_elements), coca::ShapeError);
  CHECK_THROWS_AS(Tensor<float>(buffer, {1}, large), coca::ShapeError);
}

TEST_CASE("expect_shape says what was given and what was expected", "[tensor]") {
  const Tensor<float> tensor = counting({3, 2});
  CHECK(refusal_of([&] { expect_shape(tensor, {3, 2}, "bias"); }) == "accepted");
  CHECK(refusal_of([&] {
          expect_shape(tensor, {2, 3}, "bias");
        }) == "bias: got [3, 2], expected [2, 3]");
  CHECK(refusal_of([&] {
          expect_shape(Tensor<float>(), {2, 3}, "bias");
        }) == "bias: nothing given, expected [2, 3]");
}

TEST_CASE("a tensor names its element and its memory", "[tensor]") {
  STATIC_REQUIRE(std::is_same_v<Tensor<double>::value_type, double>);
  STATIC_REQUIRE(std::is_same_v<Tensor<double>::memory_type, HostMemory>);
  STATIC_REQUIRE(std::is_same_v<decltype(Tensor<double>().data()), double*>);
}
