#include "coca/core/utf8.hpp"

#include <string>

#include "catch.hpp"

using namespace std::string_literals;

TEST_CASE("UTF-8 of every code point is read back") {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string bytes;
    coca::append_utf8(bytes, c);
    if (!coca::is_valid_utf8(bytes) || coca::decode_utf8(bytes) != std::u32string(1, c))
      FAIL("U+" << std::hex << static_cast<unsigned>(c));
  }
  CHECK(coca::encode_utf8(U"a\u00E9\u20AC\U0001F600") == "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
}

TEST_CASE("what is no code point is encoded as U+FFFD") {
  std::string bytes;
  coca::append_utf8(bytes, 0xD800);
  coca::append_utf8(bytes, 0x110000);
  CHECK(bytes == "\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("invalid UTF-8 is found") {
  CHECK(coca::is_valid_utf8(""));
  CHECK(coca::find_invalid_utf8("caf\xC3\xA9") == std::string::npos);
  CHECK(coca::find_invalid_utf8("caf\xC3") == 3);
  CHECK_FALSE(coca::is_valid_utf8("\xC0\x80"));          // overlong
  CHECK_FALSE(coca::is_valid_utf8("\xE0\x9F\xBF"));      // overlong
  CHECK_FALSE(coca::is_valid_utf8("\xED\xA0\x80"));      // surrogate
  CHECK_FALSE(coca::is_valid_utf8("\xF4\x90\x80\x80"));  // above U+10FFFF
  CHECK_FALSE(coca::is_valid_utf8("\x80"));
}

TEST_CASE("bytes that are not UTF-8 are replaced as by Python's errors=replace") {
  CHECK(coca::decode_utf8("a\xFFz") == U"a\uFFFDz");
  CHECK(coca::decode_utf8("\xE2\x82") == U"\uFFFD");                    // cut off: one
  CHECK(coca::decode_utf8("\xE2\x82z") == U"\uFFFDz");                  // a maximal prefix: one
  CHECK(coca::decode_utf8("\xF0\x9F\x98\xF0\x9F") == U"\uFFFD\uFFFD");  // two of them
  CHECK(coca::decode_utf8("\xED\xA0\x80") == U"\uFFFD\uFFFD\uFFFD");    // a surrogate: each byte
  CHECK(coca::decode_utf8("\xF4\x90\x80\x80") == U"\uFFFD\uFFFD\uFFFD\uFFFD");
  CHECK(coca::decode_utf8("a\0b"s) == U"a\0b"s);
}
