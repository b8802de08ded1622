#include "coca/pipelines/position_interpolation.hpp"

#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"

using namespace coca;
using coca::testing::first_difference;

namespace {

// Positions [1 + side * side, width]: class token's row 9, then ((7i + 3)(i + 5) mod 23) / 8 - 1
// in the first column, its negative in others.
WeightSource positions(std::size_t side, std::size_t width) {
  std::vector<float> values(width, 9);
  for (std::size_t i = 0; i < side * side; ++i)
    for (std::size_t c = 0; c < width; ++c)
      values.push_back((static_cast<float>((7 * i + 3) * (i + 5) % 23) / 8 - 1) *
                       (c == 0 ? 1.0f : -1.0f));
  return {Shape{1 + side * side, width},
          [values, width](std::size_t first, std::size_t count, float* out) {
            std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first * width), count * width,
                        out);
          }};
}

std::vector<float> resized(std::size_t from, std::size_t to, std::size_t width) {
  const WeightSource source =
      interpolated_positions(positions(from, width), Shape{1 + to * to, width});
  std::vector<float> values(source.shape.size());
  source.read(0, source.rows(), values.data());
  return values;
}

// torch 2.15: F.interpolate(mode="bicubic", antialias=True, align_corners=False)
const std::vector<float> torch_3_to_5{0.947624f, 0.974426f,  0.853774f,  -0.078077f, -0.683339f,
                                      0.566689f, 0.465875f,  0.267724f,  -0.000912f, -0.156646f,
                                      0.04717f,  -0.26959f,  -0.625f,    0.077426f,  0.584906f,
                                      0.358807f, -0.096082f, -0.686567f, -0.141401f, 0.288581f,
                                      0.625489f, 0.103615f,  -0.625f,    -0.295779f, 0.006586f};
const std::vector<float> torch_6_to_4{
    0.610673f, -0.183899f, -0.25522f, 0.393833f, 0.07f,      0.323894f, 0.397313f, 0.468577f,
    0.115909f, 0.497657f,  0.112823f, 0.483929f, -0.141056f, -0.32174f, 0.398694f, 0.348967f};

void check_against(const std::vector<float>& torch, std::size_t from, std::size_t to) {
  std::vector<float> one = resized(from, to, 1);
  CHECK(one.at(0) == 9);
  one.erase(one.begin());
  CHECK(first_difference(one, torch, 2e-6) == "");
  // Columns do not mix.
  const std::vector<float> two = resized(from, to, 2);
  for (std::size_t i = 0; i < torch.size(); ++i) {
    CHECK(coca::testing::close(double{two.at(2 + 2 * i)}, double{torch[i]}, 2e-6));
    CHECK(coca::testing::close(double{two.at(3 + 2 * i)}, -double{torch[i]}, 2e-6));
  }
}

}  // namespace

TEST_CASE("position interpolation: enlarged as torch does") { check_against(torch_3_to_5, 3, 5); }

TEST_CASE("position interpolation: reduced as torch does") { check_against(torch_6_to_4, 6, 4); }

TEST_CASE("position interpolation: the same size changes nothing") {
  std::vector<float> before(17 * 2);
  positions(4, 2).read(0, 17, before.data());
  CHECK(first_difference(resized(4, 4, 2), before, 1e-6) == "");
}

TEST_CASE("position interpolation: rows may be read one by one") {
  const WeightSource source = interpolated_positions(positions(3, 2), Shape{26, 2});
  const std::vector<float> all = resized(3, 5, 2);
  for (std::size_t row = 0; row < 26; ++row) {
    float values[2];
    source.read(row, 1, values);
    CHECK(values[0] == all[2 * row]);
    CHECK(values[1] == all[2 * row + 1]);
  }
}

TEST_CASE("position interpolation: without class token, the same patches") {
  const WeightSource with = positions(3, 2);
  std::vector<float> all(20), patches(50), resized(52);
  with.read(0, 10, all.data());
  const WeightSource without{Shape{9, 2}, [&](std::size_t first, std::size_t count, float* out) {
                               std::copy_n(all.begin() + 2 + static_cast<std::ptrdiff_t>(first * 2),
                                           count * 2, out);
                             }};
  interpolated_positions(without, Shape{25, 2}).read(0, 25, patches.data());
  interpolated_positions(with, Shape{26, 2}).read(0, 26, resized.data());
  CHECK(patches == std::vector<float>(resized.begin() + 2, resized.end()));
}

TEST_CASE("position interpolation: only of squares of patches of the same width") {
  const std::string path = "visual.positional_embedding";
  CHECK(can_interpolate_positions(path, Shape{10, 4}, Shape{26, 4}));
  CHECK_FALSE(can_interpolate_positions(path, Shape{10, 4}, Shape{26, 5}));
  CHECK_FALSE(can_interpolate_positions(path, Shape{11, 4}, Shape{26, 4}));
  CHECK_FALSE(can_interpolate_positions(path, Shape{10, 4}, Shape{27, 4}));
  CHECK_FALSE(can_interpolate_positions(path, Shape{1, 4}, Shape{26, 4}));
  CHECK(can_interpolate_positions(path, Shape{9, 4}, Shape{25, 4}));  // without class token
  CHECK_FALSE(can_interpolate_positions(path, Shape{9, 4}, Shape{26, 4}));
  CHECK_FALSE(can_interpolate_positions(path, Shape{10}, Shape{26}));
  CHECK_FALSE(can_interpolate_positions("text.positional_embedding", Shape{10, 4}, Shape{26, 4}));
}
