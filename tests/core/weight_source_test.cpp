#include "coca/core/weight_source.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"

using coca::Shape;
using coca::WeightSource;

TEST_CASE("a row is everything inside the outermost extent", "[weight_source]") {
  const WeightSource matrix{Shape{3, 5}, {}};
  CHECK(matrix.rows() == 3);
  CHECK(matrix.row_size() == 5);
  const WeightSource convolution{Shape{8, 3, 4, 4}, {}};
  CHECK(convolution.rows() == 8);
  CHECK(convolution.row_size() == 48);
}

TEST_CASE("a scalar and a vector are one row", "[weight_source]") {
  const WeightSource scalar{Shape{}, {}};
  CHECK(scalar.rows() == 1);
  CHECK(scalar.row_size() == 1);
  const WeightSource vector{Shape{7}, {}};
  CHECK(vector.rows() == 1);
  CHECK(vector.row_size() == 7);
}

TEST_CASE("a source without rows has rows without elements", "[weight_source]") {
  const WeightSource empty{Shape{0, 5}, {}};
  CHECK(empty.rows() == 0);
  CHECK(empty.row_size() == 0);
}

TEST_CASE("a source delivers the requested rows", "[weight_source]") {
  const std::vector<float> stored{1, 2, 3, 4, 5, 6, 7, 8};
  const WeightSource source{Shape{4, 2}, [&](std::size_t first, std::size_t count, float* out) {
                              std::copy_n(stored.data() + first * 2, count * 2, out);
                            }};
  std::vector<float> rows(2 * source.row_size());
  source.read(1, 2, rows.data());
  CHECK(rows == std::vector<float>{3, 4, 5, 6});
}

TEST_CASE("the parts of a tensor are its elements in their order") {
  const auto elements = [](const coca::Shape& shape) {
    coca::WeightSource source{shape, {}};
    source.read = [width = source.row_size()](std::size_t first, std::size_t count, float* out) {
      for (std::size_t i = 0; i < count * width; ++i)
        out[i] = static_cast<float>(first * width + i);
    };
    std::size_t next = 0, parts = 0;
    bool in_order = true;
    coca::for_each_part(source, [&](std::span<const float> values) {
      ++parts;
      for (const float value : values) in_order = in_order && value == static_cast<float>(next++);
    });
    CHECK(in_order);
    CHECK(next == shape.size());
    return parts;
  };
  CHECK(elements({3, 1 << 19}) == 2);
  CHECK(elements({5, 7}) == 1);
  CHECK(elements({9}) == 1);
  CHECK(elements({}) == 1);
  elements({0, 4});
}
