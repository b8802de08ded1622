#include "coca/io/json.hpp"

#include "catch.hpp"
#include "temporary_folder.hpp"

using coca::parse_json;
using coca_test::contains;
using coca_test::message_of;

namespace {
std::string json_refusal(const std::string& text, const coca::JsonLimits& limits = {}) {
  return message_of([&] { parse_json(text, "x.json", limits); });
}
}  // namespace

TEST_CASE("JSON is read from text and files") {
  CHECK(parse_json(R"({"a": [1, "]{", null]})", "x.json").at("a").size() == 3);
  const coca_test::TemporaryFolder folder;
  CHECK(coca::read_json_file(folder.write("a.json", "[1, 2]")).size() == 2);
  CHECK(message_of([&] { coca::read_json_file(folder.path("b.json")); }) ==
        folder.path("b.json") + ": cannot be opened: No such file or directory");
}

TEST_CASE("errors give line and column") {
  const std::string message = json_refusal("{\n  \"a\": 1,\n  \"b\": tru\n}");
  CHECK(contains(message, "x.json: line 3, column "));
  CHECK(contains(message, "syntax error"));
  CHECK(contains(json_refusal(""), "x.json: line 1, column 1: "));
  CHECK(contains(json_refusal("[1] 2"), "x.json: line 1, column 5: "));
  CHECK(contains(json_refusal("[1e999]"), "number overflow"));
  CHECK(contains(json_refusal("[\"\xff\"]"), "invalid string"));
}

TEST_CASE("duplicate keys are refused, at any depth") {
  CHECK(contains(json_refusal(R"({"a": 1, "a": 2})"), "the key \"a\" occurs twice"));
  CHECK(contains(json_refusal(R"([{"x": {"b": 1, "c": {}, "b": 2}}])"),
                 "the key \"b\" occurs twice"));
  CHECK(json_refusal(R"({"a": {"a": 1}, "b": {"a": 1}})") == "no error");
}

TEST_CASE("size, depth and number of values are bounded") {
  CHECK(contains(json_refusal("[1, 2, 3]", {.max_bytes = 8}), "holds 9 bytes of JSON, at most 8"));
  CHECK(json_refusal("[1, 2, 3]", {.max_bytes = 9}) == "no error");
  CHECK(contains(json_refusal(std::string(100'000, '[')), "nested deeper than 64 levels"));
  CHECK(json_refusal("[[[1], [2]]]", {.max_depth = 3}) == "no error");
  CHECK(contains(json_refusal("[[[1], [2]]]", {.max_depth = 2}),
                 "x.json: line 1, column 3: JSON nested deeper than 2 levels"));
  CHECK(contains(json_refusal("[1,2,3,4,5]", {.max_values = 5}), "more than 5 JSON values"));
  CHECK(json_refusal("[\",,,,,,[[[[\\\",,,\"]", {.max_depth = 1, .max_values = 3}) == "no error");
}
