#include "coca/data/random_resized_crop.hpp"

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "planes.hpp"

using coca::CropBox;
using coca::CropOptions;
using coca::draw_crop;

namespace {
coca::RandomDraws draws(std::uint64_t epoch) { return {{.seed = 1, .epoch = epoch}, "crop"}; }
}  // namespace

TEST_CASE("A part is cut and resized as Pillow does") {
  const coca::Image part =
      coca::resized_crop(coca_test::torchvision.image("picture"), {5, 3, 22, 17},
                         {.height = 16, .width = 12}, {0, 0, 0});
  const auto difference = compare(part, coca_test::torchvision.image("crop"));
  CHECK(difference.largest <= 1);
  CHECK(difference.equal_fraction >= 0.999);
}

TEST_CASE("Crops have the requested area and ratio, and lie in the picture") {
  const CropOptions options{.scale = {0.2, 0.6}, .ratio = {0.5, 2.0}};
  double least_area = 1, most_area = 0, least_ratio = 9, most_ratio = 0;
  std::ptrdiff_t most_left = 0;
  for (std::uint64_t epoch = 0; epoch < 400; ++epoch) {
    const CropBox box = draw_crop(400, 300, options, draws(epoch));
    REQUIRE((box.left >= 0 && box.top >= 0 && box.width > 0 && box.height > 0));
    REQUIRE((box.left + box.width <= 400 && box.top + box.height <= 300));
    const double area = static_cast<double>(box.width * box.height) / (400.0 * 300.0);
    const double ratio = static_cast<double>(box.width) / static_cast<double>(box.height);
    least_area = std::min(least_area, area);
    most_area = std::max(most_area, area);
    least_ratio = std::min(least_ratio, ratio);
    most_ratio = std::max(most_ratio, ratio);
    most_left = std::max(most_left, box.left);
  }
  CHECK((least_area >= 0.199 && least_area < 0.22));
  CHECK((most_area <= 0.601 && most_area > 0.57));
  CHECK((least_ratio >= 0.495 && least_ratio < 0.55));
  CHECK((most_ratio <= 2.02 && most_ratio > 1.8));
  CHECK(most_left > 200);
  CHECK(draw_crop(400, 300, options, draws(3)) == draw_crop(400, 300, options, draws(3)));
}

TEST_CASE("Pictures that no crop fits show their centre") {
  const CropOptions options;  // ratio 3/4 to 4/3
  CHECK(draw_crop(900, 90, options, draws(0)) == CropBox{390, 0, 120, 90});
  CHECK(draw_crop(90, 900, options, draws(0)) == CropBox{0, 390, 90, 120});
  CHECK(draw_crop(1, 70000, options, draws(0)) == CropBox{0, 34999, 1, 1});
  CHECK(draw_crop(10, 10, {.scale = {1, 1}, .ratio = {1, 1}}, draws(0)) == CropBox{0, 0, 10, 10});
}

TEST_CASE("The area outside the picture is filled") {
  const coca::Image white(4, 2, coca::Rgb{255, 255, 255});
  const coca::PreprocessConfig config{.height = 8, .width = 8};
  const coca::Image out = coca::resized_crop(white, {0, -1, 4, 4}, config, {9, 8, 7});
  CHECK(out.at(0, 1) == coca::Rgb{9, 8, 7});
  CHECK(out.at(0, 2) == coca::Rgb{255, 255, 255});
  CHECK(out.at(7, 5) == coca::Rgb{255, 255, 255});
  CHECK(out.at(7, 6) == coca::Rgb{9, 8, 7});
  CHECK(coca::resized_crop(white, {10, 10, 3, 3}, config, {9, 8, 7}) ==
        coca::Image(8, 8, coca::Rgb{9, 8, 7}));
}

TEST_CASE("The whole picture is shown as preprocess shows it, in each mode for shapes") {
  const CropOptions all{.scale = {1, 1}, .ratio = {1, 1}};
  const coca::Image image = test_image(60, 30);
  for (const auto mode : {coca::ResizeMode::longest, coca::ResizeMode::squash}) {
    const coca::PreprocessConfig config{
        .height = 20, .width = 20, .resize_mode = mode, .fill_color = {1, 2, 3}};
    CHECK(coca::random_resized_crop(image, all, config, draws(0), {1, 2, 3}) ==
          coca::resize_and_crop(image, config));
  }
  const coca::PreprocessConfig shortest{.height = 20, .width = 20};
  const coca::Image middle = coca::random_resized_crop(image, all, shortest, draws(0), {1, 2, 3});
  CHECK(middle == coca::resized_crop(image, {15, 0, 30, 30}, shortest, {1, 2, 3}));
}

TEST_CASE("An encoder that is not square gets crops of its shape in mode longest") {
  const coca::PreprocessConfig config{
      .height = 10, .width = 20, .resize_mode = coca::ResizeMode::longest};
  const coca::Image image(30, 30, coca::Rgb{200, 200, 200});
  const coca::Image out = coca::random_resized_crop(image, {.scale = {1, 1}, .ratio = {1, 1}},
                                                    config, draws(0), {0, 0, 0});
  CHECK(out.at(4, 5) == coca::Rgb{0, 0, 0});
  CHECK(out.at(5, 5) == coca::Rgb{200, 200, 200});
  CHECK(out.at(14, 5) == coca::Rgb{200, 200, 200});
  CHECK(out.at(15, 5) == coca::Rgb{0, 0, 0});
}

TEST_CASE("An extremely narrow picture takes no more memory than it has pixels") {
  const coca::PreprocessConfig config{
      .height = 16, .width = 16, .resize_mode = coca::ResizeMode::longest};
  const coca::Image hair(1, 200000, coca::Rgb{255, 255, 255});
  const coca::Image out =
      coca::random_resized_crop(hair, CropOptions{}, config, draws(0), {4, 4, 4});
  CHECK(out.width() == 16);
}
