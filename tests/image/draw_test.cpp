#include "coca/image/draw.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "expected.hpp"

using coca::Image;
using coca::Rgb;

namespace {

constexpr Rgb white = {255, 255, 255};
constexpr Rgb red = {200, 0, 0};

std::size_t count(const Image& image, Rgb color) {
  std::size_t found = 0;
  for (std::size_t y = 0; y < image.height(); ++y) {
    for (std::size_t x = 0; x < image.width(); ++x) found += image.at(x, y) == color;
  }
  return found;
}

}  // namespace

TEST_CASE("Text is drawn at its position, scale and colour") {
  Image image(20, 20, white);
  coca::draw_text(image, 3, 2, "L", {.color = red, .scale = 2});
  CHECK(image.at(3, 2) == red);
  CHECK(image.at(4, 15) == red);
  CHECK(image.at(5, 2) == white);
  CHECK(image.at(12, 15) == red);
  CHECK(image.at(13, 15) == white);
  CHECK(count(image, red) == 11 * 4);  // 7 rows of a column and 4 more pixels, each 2 x 2
  CHECK(coca::text_width("L", 2) == 10);
  CHECK(coca::text_width("LL", 1) == 11);
  CHECK(coca::text_width("", 1) == 0);
}

TEST_CASE("Text outside the picture is clipped, not an error") {
  Image image(7, 7, white);
  coca::draw_text(image, -2, -3, "HHHHHHHHHH", {.color = red, .scale = 1});
  CHECK(count(image, red) > 0);
  Image untouched(4, 4, white);
  coca::draw_text(untouched, 100, 100, "H");
  coca::draw_text(untouched, -1000, -1000, "H");
  CHECK(untouched == Image(4, 4, white));
}

TEST_CASE("One character of UTF-8 is one glyph") {
  CHECK(coca::text_width("\xC3\xA9", 1) == coca::text_width("?", 1));
  Image a(6, 9, white);
  Image b(6, 9, white);
  coca::draw_text(a, 0, 0, "\xE2\x82\xAC", {.scale = 1});
  coca::draw_text(b, 0, 0, "?", {.scale = 1});
  CHECK(a == b);
}

TEST_CASE("Text is wrapped between words and ends in dots when it is too long") {
  using Lines = std::vector<std::string>;
  CHECK(coca::wrap_text("a small  dog runs", 7, 9) == Lines{"a small", "dog", "runs"});
  CHECK(coca::wrap_text("a small dog", 20, 1) == Lines{"a small dog"});
  CHECK(coca::wrap_text("abcdefghij", 4, 9) == Lines{"abcd", "efgh", "ij"});
  CHECK(coca::wrap_text("one two three", 5, 2) == Lines{"one", "tw..."});
  CHECK(coca::wrap_text("  ", 5, 2).empty());
  CHECK(coca::wrap_text("word", 5, 0).empty());
  CHECK(coca::wrap_text("two\nlines ", 20, 2) == Lines{"two lines"});
  CHECK(message_of<coca::ArgumentError>([] { coca::wrap_text("a", 2, 1); }) ==
        "lines of text need at least 3 characters");
}

TEST_CASE("A contact sheet is a grid of fitted pictures with labels") {
  const std::vector<Image> images = {Image(10, 10, red), Image(20, 5, red), Image(1, 1, red)};
  const std::vector<std::string> captions = {"one", "two", "three"};
  coca::ContactSheetOptions options;
  options.columns = 2;
  options.cell_size = 60;
  options.margin = 10;
  options.text.scale = 1;
  const Image sheet = coca::contact_sheet(images, captions, options);
  CHECK(sheet.width() == 10 + 2 * 70);
  CHECK(sheet.height() == 10 + 2 * (60 + 10 + coca::line_advance));
  CHECK(sheet.at(0, 0) == options.background);
  CHECK(sheet.at(10, 10) == red);
  CHECK(sheet.at(69, 69) == red);
  CHECK(sheet.at(80, 10) == options.mount);  // the second one is four times as wide as high
  CHECK(sheet.at(80, 40) == red);
  CHECK(sheet.at(10, 91) == red);  // the third one begins the second row
  CHECK(count(sheet, options.text.color) > 50);
}

TEST_CASE("Contact sheets that cannot be laid out are refused") {
  const std::vector<Image> images = {Image(4, 4)};
  const std::vector<std::string> two = {"a", "b"};
  CHECK(message_of<coca::ArgumentError>([&] { coca::contact_sheet(images, two); }) ==
        "a contact sheet needs pictures and as many captions, got 1 picture and 2 captions");
  const std::vector<std::string> one = {"a"};
  CHECK(
      message_of<coca::ArgumentError>([&] { coca::contact_sheet(images, one, {.cell_size = 10}); })
          .starts_with("a contact sheet needs columns, a text scale of at least 1, and cells of "
                       "36 pixels or more"));
  CHECK(message_of<coca::ArgumentError>([&] {
          coca::contact_sheet(images, one, {.columns = 0});
        }).starts_with("a contact sheet needs columns"));
}

TEST_CASE("Heat is brightest where the weight is largest") {
  const Image gray(40, 40, Rgb{128, 128, 128});
  std::vector<float> weights(16, -3.0f);
  weights[5] = 7.0f;  // row 1, column 1: centre at (15, 15)
  const Image heat = coca::heat_overlay(gray, weights, 4, 4, {.opacity = 1.0});
  const auto brightness = [&](std::size_t x, std::size_t y) {
    const Rgb color = heat.at(x, y);
    return color[0] + color[1] + color[2];
  };
  CHECK(brightness(15, 15) > 500);
  CHECK(brightness(15, 15) > brightness(20, 15));
  CHECK(brightness(20, 15) > brightness(35, 35));
  CHECK(heat.at(35, 35) == heat.at(2, 38));
}

TEST_CASE("No opacity leaves gray pictures unchanged, equal weights are legal") {
  const Image gray(5, 4, Rgb{90, 90, 90});
  const std::vector<float> weights = {1, 2};
  CHECK(coca::heat_overlay(gray, weights, 1, 2, {.opacity = 0}) == gray);
  const std::vector<float> equal = {2, 2};
  const Image even = coca::heat_overlay(gray, equal, 2, 1);
  CHECK(even == Image(5, 4, even.at(0, 0)));
}

TEST_CASE("Heat maps that do not fit are refused") {
  const Image image(4, 4);
  const std::vector<float> three(3);
  CHECK(message_of<coca::ArgumentError>([&] { coca::heat_overlay(image, three, 2, 2); }) ==
        "a heat map of 2 x 2 cells got 3 weights");
  CHECK(message_of<coca::ArgumentError>([&] { coca::heat_overlay(image, {}, 0, 0); }) ==
        "a heat map of 0 x 0 cells got 0 weights");
  const std::vector<float> bad = {1, std::numeric_limits<float>::quiet_NaN()};
  CHECK(message_of<coca::ArgumentError>([&] { coca::heat_overlay(image, bad, 1, 2); }) ==
        "a weight of a heat map is not finite");
  CHECK(message_of<coca::ArgumentError>([&] {
          coca::heat_overlay(image, three, 1, 3, {.opacity = 2});
        }) == "the opacity of a heat map is 0 to 1, got 2.000000");
}
