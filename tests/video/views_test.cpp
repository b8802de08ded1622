#include "coca/video/views.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca_test;

namespace {

/// Each pixel says where it is.
coca::Image places(std::size_t width, std::size_t height) {
  coca::Image image(width, height);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x)
      image.set(x, y, {static_cast<std::uint8_t>(x), static_cast<std::uint8_t>(y), 0});
  return image;
}

}  // namespace

TEST_CASE("Crops are spread along the longer side", "[video]") {
  const auto wide = coca::square_crops(places(11, 4), 3);
  REQUIRE(wide.size() == 3);
  const std::vector<std::uint8_t> lefts{0, 3, 7};
  for (std::size_t k = 0; k < 3; ++k) {
    CHECK(wide[k].width() == 4);
    CHECK(wide[k].height() == 4);
    CHECK(wide[k].at(0, 0) == coca::Rgb{lefts[k], 0, 0});
    CHECK(wide[k].at(3, 3) == coca::Rgb{static_cast<std::uint8_t>(lefts[k] + 3), 3, 0});
  }
  const auto tall = coca::square_crops(places(3, 8), 1);
  REQUIRE(tall.size() == 1);
  CHECK(tall[0].at(0, 0) == coca::Rgb{0, 2, 0});
  CHECK(tall[0].at(2, 2) == coca::Rgb{2, 4, 0});
  CHECK(coca::square_crops(places(5, 5), 2)[1] == places(5, 5));
  CHECK(message_of([] { coca::square_crops(places(3, 8), 0); }) ==
        "0 crops of a frame were requested, expected at least 1");
  CHECK(message_of([] { coca::square_crops({}, 1); }) ==
        "a frame without pixels cannot be cropped");
}

TEST_CASE("Probabilities of views are averaged", "[video]") {
  // softmax(0, ln 3) = (1/4, 3/4); softmax(1000, 1000) = (1/2, 1/2)
  const std::vector<float> logits{0, std::log(3.0f), 1000, 1000};
  const std::vector<double> mean = coca::mean_probabilities(logits, 2);
  REQUIRE(mean.size() == 2);
  // log(3) is rounded to float: an error of 6e-8 in the logit, a quarter of it in the mean
  CHECK(std::abs(mean[0] - 0.375) <= 2e-8);
  CHECK(std::abs(mean[1] - 0.625) <= 2e-8);
  CHECK(message_of([&] { coca::mean_probabilities(logits, 3); }) ==
        "4 logits are not views of 3 classes");
  CHECK(message_of([] { coca::mean_probabilities({}, 2); }) ==
        "0 logits are not views of 2 classes");
}
