#include "coca/io/json_pieces.hpp"

#include <string>
#include <vector>

#include "catch.hpp"

using coca::JsonCursor;
using coca::JsonPiece;
using Texts = std::vector<std::string>;

namespace {

/// The values of a text, each with its place: "3:1 {}".
Texts values_of(std::string_view text) {
  Texts values;
  for (JsonCursor cursor({text, {}}); !cursor.at_end();) {
    const JsonPiece piece = cursor.value();
    values.push_back(std::to_string(piece.begin.line) + ":" + std::to_string(piece.begin.column) +
                     " " + std::string(piece.text));
  }
  return values;
}

Texts elements_of(std::string_view text) {
  Texts elements;
  coca::for_each_json_element({text, {}},
                              [&](const JsonPiece& piece) { elements.emplace_back(piece.text); });
  return elements;
}

Texts members_of(std::string_view text) {
  Texts members;
  coca::for_each_json_member({text, {}}, [&](std::string_view key, const JsonPiece& piece) {
    members.push_back(std::string(key) + "=" + std::string(piece.text));
  });
  return members;
}

}  // namespace

TEST_CASE("values follow one another, with the line and column of each") {
  CHECK(values_of("{\"a\": 1}\n{\"b\":\n [2]}  17 \"x\"") ==
        Texts{"1:1 {\"a\": 1}", "2:1 {\"b\":\n [2]}", "3:8 17", "3:11 \"x\""});
  CHECK(values_of(" \n\t").empty());
  CHECK(values_of("{}{}") == Texts{"1:1 {}", "1:3 {}"});
}

TEST_CASE("brackets and quotes in strings are text") {
  CHECK(values_of(R"({"a]}": "\"}\\"} 1)") == Texts{R"(1:1 {"a]}": "\"}\\"})", "1:18 1"});
}

TEST_CASE("a value that never ends is one value, and stray marks are values") {
  CHECK(values_of("{\"a\": [1, 2\n3") == Texts{"1:1 {\"a\": [1, 2\n3"});
  CHECK(values_of("\"abc\\") == Texts{"1:1 \"abc\\"});
  JsonCursor cut({"[1", {}});
  CHECK(cut.value().cut);
  CHECK_FALSE(JsonCursor({"[1]", {}}).value().cut);
  CHECK(values_of("],1,:") == Texts{"1:1 ]", "1:2 ,", "1:3 1", "1:4 ,", "1:5 :"});
}

TEST_CASE("elements of an array are visited, and a missing end is an empty one") {
  CHECK(elements_of(" [1, {\"a\": [2, 3]}, \"x\"] rest") == Texts{"1", "{\"a\": [2, 3]}", "\"x\""});
  CHECK(elements_of("[]").empty());
  CHECK(elements_of("[1, ") == Texts{"1", ""});
  CHECK(elements_of("[1, [2") == Texts{"1", "[2"});
  CHECK(elements_of("[") == Texts{""});
}

TEST_CASE("members of an object are visited up to the first invalid one") {
  CHECK(members_of("{\"a\" : 1, \"b\":[{}]}") == Texts{"a=1", "b=[{}]"});
  CHECK(members_of("{}").empty());
  CHECK(members_of("{\"a\" 1, \"b\": 2}").empty());
  CHECK(members_of("{\"a\": 1, b: 2}") == Texts{"a=1"});
  CHECK(members_of("{\"a\":") == Texts{"a="});
}

TEST_CASE("deep nesting needs no stack") {
  const std::string deep(1'000'000, '[');
  CHECK(values_of(deep).size() == 1);
}
