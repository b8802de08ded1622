#include "coca/image/crop_border.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace crop_border_test {
using coca_test::message_of;

TEST_CASE("A border is cut off at each edge, as by Pillow's crop((2, 2, w - 2, h - 2))") {
  Image image(5, 6);
  image.set(2, 2, {1, 2, 3});
  image.set(2, 3, {4, 5, 6});
  image.set(1, 2, {9, 9, 9});
  const Image inner = crop_border(image, 2);
  REQUIRE(inner.width() == 1);
  REQUIRE(inner.height() == 2);
  CHECK(inner.at(0, 0) == Rgb{1, 2, 3});
  CHECK(inner.at(0, 1) == Rgb{4, 5, 6});
  CHECK(crop_border(image, 0) == image);
  CHECK(message_of([&] { crop_border(image, 3); }) ==
        "a picture of 5 x 6 pixels has nothing inside a border of 3");
  CHECK(message_of([&] { crop_border(Image(4, 4), 2); }) ==
        "a picture of 4 x 4 pixels has nothing inside a border of 2");
  CHECK(message_of([&] { crop_border(image, ~std::size_t{0}); }) ==
        "a picture of 5 x 6 pixels has nothing inside a border of 18446744073709551615");
}

TEST_CASE("The border of a picture in another mode is cut off too") {
  DecodedImage gray;
  gray.mode = ColorMode::gray;
  gray.width = gray.height = 3;
  gray.samples = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const DecodedImage inner = crop_border(gray, 1);
  CHECK(inner.width == 1);
  CHECK(inner.height == 1);
  CHECK(inner.samples == std::vector<std::uint8_t>{4});
}

}  // namespace crop_border_test
