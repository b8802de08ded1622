#include "coca/xtensor.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <xtensor/xarray.hpp>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include "catch.hpp"

namespace {

template <typename T>
concept HasView = requires(T&& object) {
  coca::as_xtensor(std::forward<T>(object));
};

// Views of temporaries would dangle.
static_assert(HasView<coca::Image&> && HasView<const coca::Pixels&>);
static_assert(!HasView<coca::Image> && !HasView<coca::Pixels> && !HasView<coca::PixelBatch>);

template <typename Call>
std::string shape_error(Call call) {
  try {
    call();
  } catch (const coca::ShapeError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("A picture seen by xtensor is the same memory, [height, width, 3]") {
  coca::Image image(3, 2, coca::Rgb{1, 2, 3});
  auto view = coca::as_xtensor(image);
  REQUIRE(view.dimension() == 3);
  CHECK(view.shape(0) == 2);
  CHECK(view.shape(1) == 3);
  CHECK(view.shape(2) == 3);
  CHECK(view.data() == image.data());
  view(1, 2, 0) = 77;
  CHECK(image.at(2, 1) == coca::Rgb{77, 2, 3});
  const coca::Image& constant = image;
  CHECK(coca::as_xtensor(constant)(1, 2, 0) == 77);
}

TEST_CASE("Pixels, batches and embeddings are seen without copying") {
  coca::Pixels pixels{3, 2, 2, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
  auto view = coca::as_xtensor(pixels);
  CHECK(view(2, 1, 0) == 10.0f);
  view(0, 0, 1) = -1.0f;
  CHECK(pixels.values[1] == -1.0f);
  const std::vector<coca::Pixels> two = {pixels, pixels};
  const coca::PixelBatch batch = coca::stack(two);
  const auto batch_view = coca::as_xtensor(batch);
  CHECK(batch_view.dimension() == 4);
  CHECK(batch_view(1, 2, 1, 1) == 11.0f);
  CHECK(batch_view.data() == batch.values.data());
  std::vector<float> embeddings = {1, 2, 3, 4, 5, 6};
  auto rows = coca::as_xtensor(embeddings, 2, 3);
  rows(1, 0) = 40;
  CHECK(embeddings[3] == 40.0f);
  CHECK(xt::sum(xt::view(rows, 1, xt::all()))() == 51.0f);
}

TEST_CASE("Arrays and expressions become pictures and pixels") {
  const xt::xarray<std::uint8_t> array = {{{1, 2, 3}, {4, 5, 6}}};  // [1, 2, 3]
  const coca::Image image = coca::image_from_xtensor(array);
  CHECK(image.width() == 2);
  CHECK(image.height() == 1);
  CHECK(image.at(1, 0) == coca::Rgb{4, 5, 6});
  CHECK(coca::image_from_xtensor(coca::as_xtensor(image)) == image);
  const xt::xarray<std::uint8_t, xt::layout_type::column_major> columns = array;
  CHECK(coca::image_from_xtensor(columns) == image);
  const coca::Pixels pixels = coca::pixels_from_xtensor(xt::transpose(array, {2, 0, 1}) * 0.5);
  CHECK(pixels.channels == 3);
  CHECK(pixels.height == 1);
  CHECK(pixels.width == 2);
  CHECK(pixels.values == std::vector<float>{0.5f, 2.0f, 1.0f, 2.5f, 1.5f, 3.0f});
}

TEST_CASE("Shapes that do not fit are reported") {
  const std::vector<float> values(5);
  CHECK(shape_error([&] { coca::as_xtensor(values, 2, 3); }) ==
        "a view of shape [2, 3] needs 6 values, got 5");
  const xt::xarray<std::uint8_t> flat = {1, 2, 3};
  CHECK(shape_error([&] { coca::image_from_xtensor(flat); }) ==
        "expected an array of shape [height, width, 3], got one of 1 axis");
  const xt::xarray<std::uint8_t> gray = xt::zeros<std::uint8_t>({1, 2, 1});
  CHECK(shape_error([&] { coca::image_from_xtensor(gray); }) ==
        "expected an array of shape [height, width, 3], got 1 channel");
  CHECK(shape_error([&] { coca::pixels_from_xtensor(flat); }) ==
        "expected an array of shape [channels, height, width], got one of 1 axis");
}
