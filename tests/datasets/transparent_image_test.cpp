#include "coca/data/transparent_image.hpp"

#include <filesystem>
#include <string>

#include "catch.hpp"
#include "image/expected.hpp"

namespace {
const std::string folder = COCA_TEST_DATA "/image/";

coca::TransparentImage read(const std::string& name) {
  return coca::read_transparent_image(file_bytes(folder + name), name);
}
}  // namespace

TEST_CASE("Over white every picture is the result of read_image") {
  std::size_t transparent = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors")) continue;
    CAPTURE(name);
    const coca::TransparentImage picture = read(name);
    CHECK(coca::lay_over(picture) == coca::read_image(folder + name));
    transparent += !picture.opacity.empty();
  }
  CHECK(transparent >= 6);
}

TEST_CASE("The background shows where the picture is transparent") {
  const coca::TransparentImage picture{coca::Image(3, 1, coca::Rgb{100, 200, 0}), {0, 255, 51}};
  const coca::Image laid = coca::lay_over(picture, {10, 20, 250});
  CHECK(laid.at(0, 0) == coca::Rgb{10, 20, 250});
  CHECK(laid.at(1, 0) == coca::Rgb{100, 200, 0});
  CHECK(laid.at(2, 0) == coca::Rgb{28, 56, 200});  // a fifth of the picture
  CHECK(picture.bytes() == 12);
}

TEST_CASE("Opacity is rotated upright with the colours") {
  coca::DecodedImage decoded;
  decoded.mode = coca::ColorMode::gray_alpha;
  decoded.width = 3;
  decoded.height = 1;
  decoded.samples = {1, 10, 2, 20, 3, 30};
  const std::vector<std::uint8_t> plane = coca::detail::opacity_of(decoded);
  CHECK(plane == std::vector<std::uint8_t>{10, 20, 30});
  CHECK(coca::detail::orient_plane(plane, 3, 1, 2) == std::vector<std::uint8_t>{30, 20, 10});
  CHECK(coca::detail::orient_plane({1, 2, 3, 4, 5, 6}, 3, 2, 6) ==
        std::vector<std::uint8_t>{4, 1, 5, 2, 6, 3});
  decoded.samples = {1, 255, 2, 255, 3, 255};
  CHECK(coca::detail::opacity_of(decoded).empty());
}

TEST_CASE("Shrinking keeps the aspect ratio, and leaves small pictures unchanged") {
  const coca::TransparentImage opaque{test_image(40, 20), {}};
  const coca::TransparentImage small = coca::shrink(opaque, 10);
  CHECK(small.color == coca::resize(opaque.color, 20, 10));
  CHECK(small.opacity.empty());
  CHECK(coca::shrink(opaque, 20).color == opaque.color);
  CHECK(coca::shrink(opaque, 0).color == opaque.color);
}

TEST_CASE("Transparent colours do not bleed into a shrunk picture") {
  coca::TransparentImage picture{coca::Image(32, 32, coca::Rgb{0, 0, 255}),
                                 std::vector<std::uint8_t>(32 * 32, 0)};
  for (std::size_t y = 0; y < 32; ++y) {
    for (std::size_t x = 0; x < 15; ++x) {
      picture.color.set(x, y, {240, 120, 60});
      picture.opacity[y * 32 + x] = 255;
    }
  }
  const coca::TransparentImage small = coca::shrink(picture, 8);
  REQUIRE(small.opacity.size() == 64);
  CHECK(small.opacity[0] == 255);
  CHECK(small.opacity[7] == 0);
  bool mixed = false;
  for (std::size_t x = 0; x < 8; ++x) {
    const std::uint8_t opacity = small.opacity[x];
    mixed = mixed || (opacity > 40 && opacity < 220);
    if (opacity < 40) continue;
    const coca::Rgb color = small.color.at(x, 0);
    // The filter overshoots next to an edge, where opacity is cut at 255 and the colour is not.
    // Black that bleeds would show as tens of levels.
    CHECK(std::abs(int{color[0]} - 240) <= 10);
    CHECK(std::abs(int{color[1]} - 120) <= 10);
    CHECK(std::abs(int{color[2]} - 60) <= 10);
  }
  CHECK(mixed);
}
