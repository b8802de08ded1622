#include "coca/core/shape.hpp"

#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"

using coca::Shape;

namespace {
constexpr std::size_t most = std::numeric_limits<std::size_t>::max();

std::string refusal_of(std::initializer_list<std::size_t> extents) {
  try {
    Shape shape(extents);
  } catch (const coca::ShapeError& error) {
    return error.what();
  }
  return "accepted";
}
}  // namespace

TEST_CASE("a shape keeps its extents in order", "[shape]") {
  const Shape shape{16, 3, 224, 224};
  CHECK(shape.rank() == 4);
  CHECK(shape[0] == 16);
  CHECK(shape[1] == 3);
  CHECK(shape.back() == 224);
  CHECK(std::vector<std::size_t>(shape.begin(), shape.end()) ==
        std::vector<std::size_t>{16, 3, 224, 224});
}

TEST_CASE("size counts elements, rows folds all but the innermost extent", "[shape]") {
  STATIC_REQUIRE(Shape{2, 3, 5}.size() == 30);
  STATIC_REQUIRE(Shape{2, 3, 5}.rows() == 6);
  STATIC_REQUIRE(Shape{7}.size() == 7);
  STATIC_REQUIRE(Shape{7}.rows() == 1);
  STATIC_REQUIRE(Shape{2, 0, 5}.size() == 0);
  STATIC_REQUIRE(Shape{2, 5, 0}.rows() == 10);
}

TEST_CASE("a shape without extents is a scalar", "[shape]") {
  STATIC_REQUIRE(Shape{}.rank() == 0);
  STATIC_REQUIRE(Shape{}.size() == 1);
  STATIC_REQUIRE(Shape{}.rows() == 1);
  STATIC_REQUIRE(Shape{}.back() == 1);
}

TEST_CASE("sizes beyond a size_t do not wrap around", "[shape]") {
  const std::size_t half = std::size_t{1} << 32;
  CHECK(Shape{half, half}.size() == most);
  CHECK(Shape{half, half, half}.size() == most);
  CHECK(Shape{half, half, 1}.rows() == most);
  CHECK(Shape{half, half - 1}.size() == half * (half - 1));
  CHECK(Shape{most, 1}.size() == most);
  CHECK(Shape{half, half, 0}.size() == 0);
  CHECK(Shape{0, half, half}.size() == 0);
}

TEST_CASE("shapes are equal when rank and extents are", "[shape]") {
  STATIC_REQUIRE(Shape{2, 3} == Shape{2, 3});
  STATIC_REQUIRE(Shape{2, 3} != Shape{3, 2});
  STATIC_REQUIRE(Shape{2, 3} != Shape{2, 3, 1});
  STATIC_REQUIRE(Shape{} != Shape{1});
  Shape grown{2};
  grown.push_back(3);
  CHECK(grown == Shape{2, 3});
}

TEST_CASE("a shape has at most six extents", "[shape]") {
  CHECK(refusal_of({1, 2, 3, 4, 5, 6}) == "accepted");
  CHECK(refusal_of({1, 2, 3, 4, 5, 6, 7}) == "a tensor has at most 6 dimensions");
  Shape full{1, 2, 3, 4, 5, 6};
  CHECK_THROWS_AS(full.push_back(7), coca::ShapeError);
  CHECK(full == Shape{1, 2, 3, 4, 5, 6});
}

TEST_CASE("messages print shapes in brackets", "[shape]") {
  CHECK(to_string(Shape{16, 3, 224, 224}) == "[16, 3, 224, 224]");
  CHECK(to_string(Shape{7}) == "[7]");
  CHECK(to_string(Shape{}) == "[]");
}
