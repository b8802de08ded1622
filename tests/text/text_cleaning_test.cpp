#include "coca/text/text_cleaning.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "catch.hpp"

using coca::clean_text;
using coca::fix_text;

TEST_CASE("fix_text does what ftfy does") {
  CHECK(fix_text(U"plain ASCII, 100%") == U"plain ASCII, 100%");
  CHECK(fix_text(U"\u201Cit\u2019s\u201D \uFB02uffy \uFF2C\uFF2F\uFF35\uFF24 \uFF76\uFF9E\uFFA1") ==
        U"\"it's\" fluffy LOUD \u30AC\u1100");
  CHECK(fix_text(U"\u0149 \u01C4 \u0133") == U"'n D\u017D ij");
  CHECK(fix_text(U"a\r\nb\rc\u2028d\u2029e\u0085f\u0093g") == U"a\nb\nc\nd\ne\u2026f\"g");
  CHECK(fix_text(U"\x1B[36;44mblue\x1B[0m \x1B[") == U"blue [");
  CHECK(fix_text(U"a\u0007\uFEFF\u206Ab\uFFFC\u200D") == U"ab\u200D");
  CHECK(fix_text(U"e\u0301 q\u0307\u0323") == U"\u00E9 q\u0323\u0307");
  CHECK(fix_text(U"") == U"");
}

TEST_CASE("fix_text unescapes until nothing changes") {
  CHECK(fix_text(U"&amp;amp;amp;eacute;") == U"\u00E9");
  CHECK(fix_text(U"\uFF06amp;amp;") == U"&");
  CHECK(fix_text(U"&amp&#x37e;") == U"&");  // the Greek question mark is a semicolon
}

TEST_CASE("fix_text takes '<' for markup from its line on") {
  CHECK(fix_text(U"a &lt; b") == U"a < b");
  CHECK(fix_text(U"&eacute;\n<b> &eacute;\n&eacute;") == U"\u00E9\n<b> &eacute;\n&eacute;");
}

TEST_CASE("fix_text works on segments of a million characters at most") {
  std::u32string text(999'999, U'a');
  CHECK(fix_text(text + U"e\u0301") == text + U"e\u0301");  // the accent is in the next segment
  CHECK(fix_text(text + U"\ne\u0301") == text + U"\n\u00E9");
}

TEST_CASE("text that was escaped a million times is unescaped in one pass") {
  std::u32string text = U"&";
  for (int i = 0; i < 240'000; ++i) text += U"amp;";
  CHECK(fix_text(text + U"eacute;") == U"\u00E9");
  // Here each round's result must first be made half-width.
  text = U"&";
  for (int i = 0; i < 80'000; ++i) text += U"#65286;amp;";
  CHECK(fix_text(text + U"lt;") == U"<");
}

TEST_CASE("mojibake is left unchanged") {
  CHECK(clean_text("caf\u00C3\u00A9") == "caf\u00E3\u00A9");
}

TEST_CASE("clean_text unescapes twice more, trims and lowers") {
  CHECK(clean_text("  A \t Photo\n\u00A0of\u3000\u001Cit ") == "a photo of it");
  CHECK(clean_text("<b> &amp;eacute &lt;") == "<b> \u00E9 <");
  CHECK(clean_text("") == "");
  CHECK(clean_text(" \n ") == "");
  CHECK(clean_text("a\xFFz") == "a\uFFFDz");
}

TEST_CASE("cleaning agrees with OpenCLIP 3.3.0") {
  std::ifstream file(COCA_TEST_DATA "/text/open_clip_3_3_0.jsonl");
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const auto expected = nlohmann::json::parse(line);
    CAPTURE(line);
    CHECK(clean_text(expected["text"].get<std::string>()) ==
          expected["cleaned"].get<std::string>());
  }
  CHECK(lines == 250);
}
