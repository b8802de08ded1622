#include "coca/image/font.hpp"

#include <set>
#include <vector>

#include "catch.hpp"

TEST_CASE("Every printable character has a distinct shape, five pixels wide") {
  std::set<std::vector<std::uint8_t>> shapes;
  for (char32_t character = U' '; character <= U'~'; ++character) {
    const coca::Glyph& glyph = coca::glyph_of(character);
    bool blank = true;
    for (const std::uint8_t row : glyph.rows) {
      CHECK(row < 1 << coca::glyph_width);
      blank = blank && row == 0;
    }
    CHECK(blank == (character == U' '));
    shapes.insert({glyph.rows.begin(), glyph.rows.end()});
  }
  CHECK(shapes.size() == 95);
}

TEST_CASE("The letter T looks like a T") {
  const coca::Glyph expected = {{0x1F, 4, 4, 4, 4, 4, 4, 0, 0}};
  CHECK(coca::glyph_of(U'T').rows == expected.rows);
}

TEST_CASE("Unknown characters are question marks") {
  CHECK(&coca::glyph_of(U'\u00E9') == &coca::glyph_of(U'?'));
  CHECK(&coca::glyph_of(U'\n') == &coca::glyph_of(U'?'));
  CHECK(&coca::glyph_of(0xFFFFFFFF) == &coca::glyph_of(U'?'));
}
