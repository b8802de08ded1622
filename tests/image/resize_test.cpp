#include "coca/image/resize.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/image/read_image.hpp"
#include "expected.hpp"

using coca::Interpolation;
using coca::Raster;

namespace {

std::vector<std::uint8_t> resize_row(const std::vector<std::uint8_t>& row, std::size_t width,
                                     Interpolation interpolation) {
  return coca::resize_window({row, row.size(), 1, 1}, width, 1, interpolation, {0, 0, width, 1});
}

}  // namespace

TEST_CASE("Bilinear weights of a halved row are 1 3 3 1 of 8, renormalised at its ends") {
  // Ends: 3 3 1 of 7. (3*0 + 3*70 + 140) / 7 = 50; (70 + 3*140 + 3*210 + 0) / 8 = 140;
  // (210 * 3 + 0 * 3 + 140) / 7 = 110.
  CHECK(resize_row({0, 70, 140, 210, 0, 0}, 3, Interpolation::bilinear) ==
        std::vector<std::uint8_t>{50, 140, 30});
}

TEST_CASE("Bicubic doubling overshoots at an edge and is clipped") {
  // At a quarter of a pixel the weights are -9/128, 111/128, 29/128, -3/128 (a = -0.5).
  const auto row = resize_row({0, 0, 0, 128, 128, 128}, 12, Interpolation::bicubic);
  CHECK(row[4] == 0);    // 128 * -3 / 128 is below zero
  CHECK(row[5] == 26);   // 128 * (29 - 3) / 128
  CHECK(row[6] == 102);  // 128 * (111 - 9) / 128
  CHECK(row[7] == 137);  // 128 * (128 + 9) / 128
  CHECK(row[8] == 131);  // 128 * (128 + 3) / 128
}

TEST_CASE("Nearest neighbour takes the pixel under the centre") {
  CHECK(resize_row({1, 2, 3, 4}, 2, Interpolation::nearest) == std::vector<std::uint8_t>{2, 4});
  CHECK(resize_row({1, 2}, 5, Interpolation::nearest) == std::vector<std::uint8_t>{1, 1, 2, 2, 2});
}

TEST_CASE("A constant picture stays constant, at every size and filter") {
  const coca::Image image(17, 9, coca::Rgb{255, 0, 93});
  for (const auto interpolation :
       {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic}) {
    for (const std::size_t size : {1, 5, 9, 17, 100}) {
      CHECK(coca::resize(image, size, 40, interpolation) ==
            coca::Image(size, 40, coca::Rgb{255, 0, 93}));
    }
  }
}

TEST_CASE("A window equals a crop of the whole") {
  const coca::Image image = test_image(53, 31);
  const Raster raster{image.pixels(), 53, 31, 3};
  for (const auto interpolation :
       {Interpolation::nearest, Interpolation::bilinear, Interpolation::bicubic}) {
    for (const auto& [width, height] :
         {std::pair{20, 70}, std::pair{53, 12}, std::pair{80, 31}, std::pair{53, 31}}) {
      const coca::Image whole = coca::resize(image, width, height, interpolation);
      const auto window = coca::resize_window(raster, width, height, interpolation, {3, 4, 11, 7});
      CHECK(coca::Image(11, 7, window).at(10, 6) == whole.at(13, 10));
      CHECK(coca::Image(11, 7, window).at(0, 0) == whole.at(3, 4));
      CHECK(window == coca::resize_window({whole.pixels(), whole.width(), whole.height(), 3}, width,
                                          height, Interpolation::nearest, {3, 4, 11, 7}));
    }
  }
}

TEST_CASE("Each channel is resized separately, 1 to 4 of them") {
  const coca::Image image = test_image(23, 19);
  for (std::size_t channels = 1; channels <= 4; ++channels) {
    std::vector<std::uint8_t> samples;
    for (std::size_t i = 0; i < 23 * 19; ++i) {
      for (std::size_t c = 0; c < channels; ++c) samples.push_back(image.pixels()[i * 3 + c % 3]);
    }
    const auto resized = coca::resize_window({samples, 23, 19, channels}, 10, 30,
                                             Interpolation::bicubic, {0, 0, 10, 30});
    const coca::Image expected = coca::resize(image, 10, 30);
    for (std::size_t i = 0; i < 10 * 30; ++i) {
      for (std::size_t c = 0; c < channels; ++c) {
        REQUIRE(resized[i * channels + c] == expected.pixels()[i * 3 + c % 3]);
      }
    }
  }
}

TEST_CASE("The vertical pass comes first if the height loses far more pixels") {
  const coca::Image image = test_image(20, 61);
  const auto columns_first = [&](std::size_t width, std::size_t height) {
    return coca::resize(coca::resize(image, width, 61), width, height);
  };
  const auto rows_first = [&](std::size_t width, std::size_t height) {
    return coca::resize(coca::resize(image, 20, height), width, height);
  };
  // Ten columns fewer: it takes more than 20 rows fewer.
  CHECK(coca::resize(image, 10, 20) == rows_first(10, 20));
  CHECK_FALSE(coca::resize(image, 10, 20) == columns_first(10, 20));
  CHECK(coca::resize(image, 10, 42) == columns_first(10, 42));
  CHECK(coca::resize(image, 10, 41) == columns_first(10, 41));
  CHECK(coca::resize(image, 10, 40) == rows_first(10, 40));
  CHECK_FALSE(columns_first(10, 41) == rows_first(10, 41));
  // Enlarged columns count as a negative loss.
  CHECK(coca::resize(image, 30, 60) == rows_first(30, 60));
  CHECK(coca::resize(image, 30, 90) == columns_first(30, 90));
}

TEST_CASE("Rows too long for one table of weights are resized in parts") {
  std::vector<std::uint8_t> row(700'000);
  for (std::size_t i = 0; i < row.size(); ++i) row[i] = static_cast<std::uint8_t>(i / 5000);
  const auto halved = resize_row(row, 350'000, Interpolation::bicubic);
  REQUIRE(halved.size() == 350'000);
  for (std::size_t i = 0; i < halved.size(); i += 1250) {  // off the steps
    if (i % 2500 != 0) REQUIRE(halved[i] == row[2 * i]);
  }
}

TEST_CASE("A window of an enormous picture takes no memory for the rest") {
  const std::vector<std::uint8_t> column(50'000, 9);
  const auto window = coca::resize_window({column, 1, 50'000, 1}, 224, std::size_t{224} * 50'000,
                                          Interpolation::bicubic, {0, 5'599'888, 224, 224});
  CHECK(window == std::vector<std::uint8_t>(224 * 224, 9));
}

TEST_CASE("A very tall picture is squashed in little memory") {
  const std::vector<std::uint8_t> tall(20'000'000, 7);
  CHECK(coca::resize_window({tall, 1, tall.size(), 1}, 500, 500, Interpolation::bilinear,
                            {0, 0, 500, 500}) == std::vector<std::uint8_t>(500 * 500, 7));
}

TEST_CASE("What cannot be resized is reported") {
  const coca::Image image(2, 3);
  const auto error = [](auto call) { return message_of<coca::ArgumentError>(call); };
  CHECK(error([&] { coca::resize(image, 0, 5); }) ==
        "a picture of 2 x 3 pixels cannot be resized to 0 x 5");
  CHECK(error([&] { coca::resize(coca::Image(), 4, 5); }) ==
        "a picture of 0 x 0 pixels cannot be resized to 4 x 5");
  const Raster raster{image.pixels(), 2, 3, 4};
  CHECK(error([&] { coca::resize_window(raster, 4, 5, Interpolation::bicubic, {}); }) ==
        "resizing: 18 samples are not a picture of 2 x 3 pixels of 4 channels (1 to 4)");
  const Raster fits{image.pixels(), 2, 3, 3};
  CHECK(error([&] {
          coca::resize_window(fits, 4, 5, Interpolation::bicubic, {2, 0, 3, 1});
        }) == "a window of 3 x 1 pixels at (2, 0) lies outside a picture of 4 x 5");
}
