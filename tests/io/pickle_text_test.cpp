#include "coca/io/pickle_text.hpp"

#include "catch.hpp"
#include "pickle_bytes.hpp"

using coca::detail::decode_quoted;
using coca::detail::decode_unicode_escapes;
using coca_test::contains;
using coca_test::message_of;

TEST_CASE("input is read from front to back and never beyond the end") {
  const std::string path = "memory";
  const std::string text("\x01\x02\x00line\r\nrest", 13);
  coca::detail::PickleInput input(path, coca_test::as_bytes(text));
  CHECK(input.number<std::uint8_t>() == 1);
  CHECK(input.number<std::uint16_t>() == 2);
  CHECK(input.line() == "line");
  CHECK(contains(message_of([&] { input.line(); }), "memory: the pickle is truncated (byte 13)"));
  CHECK(contains(message_of([&] { input.take(~std::uint64_t{0}); }), "truncated"));
  CHECK(input.take(4) == "rest");
  CHECK(input.position() == 13);
  CHECK(contains(message_of([&] { input.byte(); }), "truncated"));
}

TEST_CASE("text escapes become UTF-8") {
  CHECK(decode_unicode_escapes("plain") == "plain");
  CHECK(decode_unicode_escapes("\xe4\\u20ac\\U0001f600") == "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
  CHECK(decode_unicode_escapes("\\u12") == "\\u12");
  CHECK(decode_unicode_escapes("\\ud800\\U00110000") == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(decode_unicode_escapes("\\") == "\\");
  CHECK(decode_quoted("memory", "'a\\n\\x41\\'\\\\'") == "a\nA'\\");
  CHECK(decode_quoted("memory", "\"\"").empty());
  for (const char* wrong : {"", "'", "abc", "'abc\""})
    CHECK(contains(message_of([&] { decode_quoted("memory", wrong); }), "a string without quotes"));
}
