#include "coca/text/unicode.hpp"

#include <string>

#include "catch.hpp"

using coca::CharacterClass;

TEST_CASE("characters are classed by their Unicode category") {
  CHECK(coca::character_class('a') == CharacterClass::letter);
  CHECK(coca::character_class(U'\u00AA') == CharacterClass::letter);  // Lo
  CHECK(coca::character_class(U'\u01C5') == CharacterClass::letter);  // Lt
  CHECK(coca::character_class(U'\u02BC') == CharacterClass::letter);  // Lm
  CHECK(coca::character_class(U'\u6F22') == CharacterClass::letter);
  CHECK(coca::character_class('7') == CharacterClass::number);
  CHECK(coca::character_class(U'\u00BD') == CharacterClass::number);  // No
  CHECK(coca::character_class(U'\u2167') == CharacterClass::number);  // Nl
  CHECK(coca::character_class(U'\u0663') == CharacterClass::number);  // Nd
  CHECK(coca::character_class('_') == CharacterClass::other);
  CHECK(coca::character_class(U'\u0301') == CharacterClass::other);  // a mark
  CHECK(coca::character_class(U'\U0001F600') == CharacterClass::other);
  CHECK(coca::is_letter(U'\u0416'));
  CHECK_FALSE(coca::is_letter('1'));
  CHECK(coca::is_number('1'));
  CHECK(coca::is_decimal_digit(U'\u0967'));
  CHECK_FALSE(coca::is_decimal_digit(U'\u00B2'));
}

TEST_CASE("white space is that of Python") {
  for (const char32_t c : U"\t\n\v\f\r \u0085\u00A0\u1680\u2003\u2028\u2029\u202F\u205F\u3000") {
    if (c == 0) continue;
    CAPTURE(static_cast<unsigned>(c));
    CHECK(coca::is_space(c));
    CHECK(coca::is_python_space(c));
  }
  CHECK_FALSE(coca::is_space(0x1C));
  CHECK(coca::is_python_space(0x1C));
  CHECK(coca::is_python_space(0x1F));
  CHECK_FALSE(coca::is_python_space(0x200B));
  CHECK_FALSE(coca::is_python_space(0xFEFF));
}

TEST_CASE("lower case is Python's str.lower") {
  CHECK(coca::to_lower(U"A Photo, 42!") == U"a photo, 42!");
  CHECK(coca::to_lower(U"\u0130") == U"i\u0307");
  CHECK(coca::to_lower(U"\u1E9E \u01C5 \u212A \U00010400") == U"\u00DF \u01C6 k \U00010428");
  CHECK(coca::to_lower(U"\u017F\u00DF") == U"\u017F\u00DF");
}

TEST_CASE("a sigma at the end of a word is a final one") {
  CHECK(coca::to_lower(U"\u039F\u0394\u039F\u03A3") == U"\u03BF\u03B4\u03BF\u03C2");
  CHECK(coca::to_lower(U"\u03A3") == U"\u03C3");  // not final on its own
  CHECK(coca::to_lower(U"A\u03A3B") == U"a\u03C3b");
  CHECK(coca::to_lower(U"A\u03A3'") == U"a\u03C2'");  // what is ignorable does not count
  CHECK(coca::to_lower(U"A\u03A3'B") == U"a\u03C3'b");
  CHECK(coca::to_lower(U"A.\u0301\u03A3") == U"a.\u0301\u03C2");
  CHECK(coca::to_lower(U"1\u03A3 \u2167\u03A3") == U"1\u03C3 \u2177\u03C2");
  CHECK(coca::to_lower(U"\u24B6\u03A3") == U"\u24D0\u03C2");  // cased, though no letter
}

TEST_CASE("normalisation form C") {
  CHECK(coca::normalize_nfc(U"plain") == U"plain");
  CHECK(coca::normalize_nfc(U"e\u0301") == U"\u00E9");
  CHECK(coca::normalize_nfc(U"q\u0307\u0323") == U"q\u0323\u0307");  // ordered by class
  CHECK(coca::normalize_nfc(U"a\u0307\u0323") == U"\u1EA1\u0307");
  CHECK(coca::normalize_nfc(U"\u1100\u1161\u11A8") == U"\uAC01");  // Hangul
  CHECK(coca::normalize_nfc(U"\u212B \u2126 \u037E") == U"\u00C5 \u03A9 ;");
  CHECK(coca::normalize_nfc(U"\u0958") == U"\u0915\u093C");  // excluded from composition
  CHECK(coca::normalize_nfc(U"\uFDD0\uFFFE\U0010FFFF") == U"\uFDD0\uFFFE\U0010FFFF");
}

TEST_CASE("a long run of marks is ordered without quadratic time") {
  std::u32string marks = U"q";
  for (int i = 0; i < 500'000; ++i) marks += U"\u0307\u0323";
  const std::u32string ordered = coca::normalize_nfc(marks);
  REQUIRE(ordered.size() == 1'000'001);
  CHECK(ordered[1] == 0x323);
  CHECK(ordered[500'000] == 0x323);
  CHECK(ordered[500'001] == 0x307);
}

TEST_CASE("compatibility forms") {
  CHECK(coca::compatibility_form(U'\uFF21') == U"A");
  CHECK(coca::compatibility_form(U'\uFF76') == U"\u30AB");
  CHECK(coca::compatibility_form(U'\uFFE3') == U" \u0304");
  CHECK(coca::compatibility_form(U'\uFDFA').size() == 18);  // the longest of all
}
