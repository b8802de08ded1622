#include "coca/data/random_affine.hpp"

#include <algorithm>
#include <string>

#include "catch.hpp"
#include "planes.hpp"

using coca::AffineFill;
using coca::AffineMotion;
using coca_test::difference;
using coca_test::torchvision;

namespace {
constexpr std::array<float, 3> black{0, 0, 0};

coca::Pixels moved(const AffineMotion& motion) {
  return coca::affine(torchvision.input(), motion, AffineFill::ground, black);
}
}  // namespace

TEST_CASE("Pictures are transformed as in torchvision") {
  // torchvision's positions are floats of a grid from -1 to 1: 2^-24 of 32 pixels, a few times
  // over.
  constexpr double tolerance = 2e-5;
  CHECK(difference(moved({.angle = 30}), torchvision, "affine.rotation", tolerance) == "");
  CHECK(difference(moved({.translate_x = 5, .translate_y = -3}), torchvision, "affine.translation",
                   tolerance) == "");
  CHECK(difference(moved({.scale = 0.7}), torchvision, "affine.scale", tolerance) == "");
  CHECK(difference(moved({.angle = -12,
                          .translate_x = 2,
                          .translate_y = 4,
                          .scale = 1.3,
                          .shear_x = 10,
                          .shear_y = -5}),
                   torchvision, "affine.all", tolerance) == "");
  CHECK(moved({}).values == torchvision.input().values);
}

TEST_CASE("A transformed picture is surrounded by the background or its edges") {
  const coca::Pixels input{3, 1, 3, {1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const AffineMotion left{.translate_x = -2};
  CHECK(coca::affine(input, left, AffineFill::ground, {10, 20, 30}).values ==
        std::vector<float>{3, 10, 10, 6, 20, 20, 9, 30, 30});
  CHECK(coca::affine(input, left, AffineFill::edge, {10, 20, 30}).values ==
        std::vector<float>{3, 3, 3, 6, 6, 6, 9, 9, 9});
}

TEST_CASE("Motions are drawn in their ranges") {
  const coca::AffineOptions options{.degrees = 20,
                                    .translate_x = 0.1,
                                    .translate_y = 0.2,
                                    .scale = {0.8, 1.1},
                                    .shear_x_degrees = 5,
                                    .shear_y_degrees = 0};
  AffineMotion low, high;
  low.scale = 9;
  for (std::uint64_t epoch = 0; epoch < 300; ++epoch) {
    coca::RandomDraws draws({.seed = 1, .epoch = epoch}, "affine");
    const AffineMotion motion = coca::draw_motion(100, 50, options, draws);
    CHECK(motion.translate_x == std::nearbyint(motion.translate_x));
    for (const auto member :
         {&AffineMotion::angle, &AffineMotion::translate_x, &AffineMotion::translate_y,
          &AffineMotion::scale, &AffineMotion::shear_x, &AffineMotion::shear_y}) {
      low.*member = std::min(low.*member, motion.*member);
      high.*member = std::max(high.*member, motion.*member);
    }
  }
  CHECK((low.angle >= -20 && low.angle < -19 && high.angle <= 20 && high.angle > 19));
  CHECK((low.translate_x == -10 && high.translate_x == 10));
  CHECK((low.translate_y == -10 && high.translate_y == 10));
  CHECK((low.scale >= 0.8 && low.scale < 0.81 && high.scale <= 1.1 && high.scale > 1.09));
  CHECK((low.shear_x < -4.8 && high.shear_x > 4.8 && low.shear_y == 0 && high.shear_y == 0));
}

TEST_CASE("A picture is moved with its probability") {
  const coca::Pixels input = torchvision.input();
  int moved_pictures = 0;
  for (std::uint64_t index = 0; index < 200; ++index) {
    coca::Pixels pixels = input;
    coca::random_affine(pixels, {.probability = 0.3, .degrees = 90},
                        {{.seed = 1, .index = index}, "affine"}, black);
    moved_pictures += pixels.values != input.values;
  }
  CHECK(std::abs(moved_pictures - 60) <= 5 * std::sqrt(200 * 0.21));
}
