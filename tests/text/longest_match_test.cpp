#include "coca/text/longest_match.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using namespace coca;

namespace {

// "number:length" of what a text begins with.
std::string longest(const std::vector<std::string>& patterns, const std::u32string& text) {
  LongestMatch match(patterns);
  const LongestMatch::Match found = match(text);
  if (found.pattern == LongestMatch::none) return "none";
  return std::to_string(found.pattern) + ":" + std::to_string(found.length);
}

}  // namespace

TEST_CASE("The longest match counts, and of equal ones the first", "[text]") {
  CHECK(longest({"ab", "a", "a[bc]"}, U"abc") == "0:2");
  CHECK(longest({"a", "a[bc]", "ab"}, U"abc") == "1:2");
  CHECK(longest({"a", "(bc|abc)"}, U"abcd") == "1:3");
  CHECK(longest({"b"}, U"ab") == "none");
  CHECK(longest({"a"}, U"") == "none");
}

TEST_CASE("Patterns repeat, choose and exclude", "[text]") {
  CHECK(longest({"a*b"}, U"aaab") == "0:4");
  CHECK(longest({"a+b?"}, U"aac") == "0:2");
  CHECK(longest({"(ab){2}"}, U"ababab") == "0:4");
  CHECK(longest({"(ab){2}"}, U"ab") == "none");
  CHECK(longest({"a{1,3}"}, U"aaaaa") == "0:3");
  CHECK(longest({"a{0,2}b"}, U"b") == "0:1");
  CHECK(longest({"[a-cx-]+"}, U"bx-ad") == "0:4");
  CHECK(longest({"[^a-c]+"}, U"xyza") == "0:3");
  CHECK(longest({"a\\.[\\]]"}, U"a.]") == "0:3");
  CHECK(longest({"a-c"}, U"a-c") == "0:3");
}

TEST_CASE("Classes are Unicode's", "[text]") {
  CHECK(longest({"\\L+", "\\D+"}, U"Äщ漢1") == "0:3");
  CHECK(longest({"\\L+", "\\D+"}, U"1٣x") == "1:2");
  CHECK(longest({"[\\L\\D]+"}, U"e\u0301\u00AD9.") == "0:4");
}

TEST_CASE("No match is longer than a limit", "[text]") {
  CHECK(longest({"a*"}, std::u32string(5000, U'a')) == "0:1000");
}

TEST_CASE("A matcher that has forgotten what it knew finds the same", "[text]") {
  LongestMatch match({"[^x]+", "x"});
  for (char32_t c = 0x100; c < 0x40100; ++c)
    if (match(std::u32string(1, c)).length != 1) FAIL("character " << std::size_t{c});
  CHECK(match(U"abx").length == 2);
}

TEST_CASE("A pattern that cannot be read is refused", "[text]") {
  CHECK_THROWS_WITH(longest({"a)b"}, U"a"), "the pattern \"a)b\" cannot be read from \")b\"");
  CHECK_THROWS_WITH(longest({"(a"}, U"a"), "the pattern \"(a\" cannot be read from \"\"");
  for (const char* pattern :
       {"[a", "a\\", "a{2", "a{}", "a{,2}", "a{2,}", "a{0}", "a{3,2}", "a{99999999999999999999}"})
    CHECK_THROWS_AS(longest({pattern}, U"a"), ArgumentError);
}
