#include "coca/io/python_json.hpp"

#include <string>

#include "catch.hpp"
#include "temporary_folder.hpp"

using coca::parse_python_json;
using coca_test::message_of;

namespace python_json_test {

namespace {

coca::PythonJson parse(std::string_view text, coca::TextPlace begin = {}) {
  return parse_python_json({text, begin}, "x.json");
}

}  // namespace

// What json.dumps({"a": float("nan"), "b": [float("inf"), -float("inf")], ...}) of Python 3.11
// wrote.
TEST_CASE("numbers that are not finite, or beyond double, do no harm") {
  const coca::Json value =
      parse(R"({"a": NaN, "b": [Infinity, -Infinity], "c": 1e999, "d": -1E+400, "e": 12})").value;
  for (const char* key : {"a", "c", "d"}) CHECK(value.at(key) == coca::Json::object());
  CHECK(value.at("b") == coca::Json::parse("[{}, {}]"));
  CHECK(value.at("e") == 12);
  CHECK(parse("[" + std::string(400, '9') + ", 1e-999, 1e308]").value.dump() == "[{},0.0,1e+308]");
  CHECK(parse(R"({"NaN": "NaN, 1e999"})").value.at("NaN") == "NaN, 1e999");
}

TEST_CASE("halves of surrogate pairs are marked, whole pairs are characters") {
  const coca::Json value =
      parse(R"(["\ud83d", "a\udc00b", "\ud83d\ude00", "\\ud83d", "\u00e9"])").value;
  CHECK(coca::has_lone_surrogate(value[0].get<std::string>()));
  CHECK(value[1] ==
        "a\xEF\xBF\xBF"
        "b");
  CHECK(value[2] == "\U0001F600");
  CHECK(value[3] == "\\ud83d");
  CHECK(value[4] == "\u00e9");
  for (const std::size_t i : {2, 3, 4})
    CHECK_FALSE(coca::has_lone_surrogate(value[i].get<std::string>()));
  CHECK(coca::has_lone_surrogate(parse(R"(["\ud83d\ud83d\ude00"])").value[0].get<std::string>()));
  CHECK(parse(R"({"\udfff": 1})").value.size() == 1);
}

TEST_CASE("the last of repeated keys counts, and those of the outermost object are known") {
  const coca::PythonJson json = parse(R"({"a": 1, "b": {"c": 1, "c": 2}, "a": 3})");
  CHECK(json.value.at("a") == 3);
  CHECK(json.value.at("b").at("c") == 2);
  CHECK(json.doubled == std::set<std::string>{"a"});
}

TEST_CASE("errors have their position in the whole text") {
  const auto refusal = [](std::string_view text, coca::TextPlace begin = {}) {
    return message_of([&] { parse(text, begin); });
  };
  using coca_test::contains;
  CHECK(contains(refusal("{\"a\" 1}", {7, 3}), "x.json: line 7, column 8: syntax error"));
  CHECK(contains(refusal("{\n \"a\" 1}", {7, 3}), "x.json: line 8, column 6: syntax error"));
  CHECK(contains(refusal("", {2, 5}), "x.json: line 2, column 5: syntax error"));
  CHECK(refusal("[\"\xFF\"]", {2, 1}) == "x.json: line 2, column 3: the text is not UTF-8");
  CHECK(
      contains(refusal("[" + std::string(400, '9') + "id]"), "line 1, column 1: number overflow"));
  CHECK(contains(refusal("[nan]"), "line 1, column "));
  CHECK(contains(refusal("[NaNs]"), "line 1, column "));
  CHECK(contains(refusal("[1] 2"), "line 1, column 5: "));
  CHECK(refusal(std::string(100, '['), {4, 1}) ==
        "x.json: line 4, column 65: JSON nested deeper than 64 levels");
  CHECK(message_of([] {
          parse_python_json({"[1,2,3,4,5]", {3, 1}}, "x.json", {.max_values = 5});
        }) == "x.json: line 3, column 1: holds more than 5 JSON values");
}

}  // namespace python_json_test
