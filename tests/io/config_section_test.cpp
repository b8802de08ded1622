#include "coca/io/config_section.hpp"

#include "catch.hpp"
#include "temporary_folder.hpp"

using coca::Json;
using coca::detail::ConfigSection;
using coca_test::message_of;

namespace {
std::string section_refusal(const char* text, const std::function<void(ConfigSection&)>& use) {
  const Json json = Json::parse(text);
  return message_of([&] {
    ConfigSection section("x.json", "part.", json);
    use(section);
  });
}
}  // namespace

TEST_CASE("values are read, and null counts as absent") {
  const Json json = Json::parse(R"({"i": 3, "b": true, "r": 1.5, "n": null, "s": [8, 8]})");
  ConfigSection section("x.json", "part.", json);
  CHECK(section.integer("i", 1, 0, 10) == 3);
  CHECK(section.integer("n", 7, 0, 10) == 7);
  CHECK(section.boolean("b", false));
  CHECK(section.real("r", 0, 0, 2) == 1.5);
  CHECK(section.side("s", 1, 100) == 8);
  CHECK(section.find("none") == nullptr);
  CHECK(message_of([&] { section.finish(); }) == "no error");
}

TEST_CASE("wrong values are reported with what was expected") {
  const auto integer = [](ConfigSection& section) { section.integer("i", 1, 1, 9); };
  CHECK(section_refusal(R"({"i": 10})", integer) ==
        "x.json: part.i must be an integer from 1 to 9, not 10");
  CHECK(section_refusal(R"({"i": -1})", integer) ==
        "x.json: part.i must be an integer from 1 to 9, not -1");
  CHECK(section_refusal(R"({"i": 18446744073709551615})", integer) ==
        "x.json: part.i must be an integer from 1 to 9, not 18446744073709551615");
  CHECK(section_refusal(R"({"i": 2.0})", integer) ==
        "x.json: part.i must be an integer from 1 to 9, not 2.0");
  CHECK(section_refusal("{}", [](ConfigSection& section) {
          section.required_integer("i", 1, 9);
        }) == "x.json: part.i is missing");
  CHECK(section_refusal(R"({"b": 1})", [](ConfigSection& section) {
          section.boolean("b", false);
        }) == "x.json: part.b must be true or false, not 1");
  CHECK(section_refusal(R"({"r": "a"})", [](ConfigSection& section) {
          section.real("r", 0, 0, 1);
        }) == "x.json: part.r is out of range: \"a\", expected a number from 0.0 to 1.0");
  CHECK(section_refusal(R"({"s": [8, 9]})", [](ConfigSection& section) {
          section.side("s", 1, 99);
        }) == "x.json: part.s must be square, not [8,9]");
  CHECK(section_refusal("[]", [](ConfigSection&) {}) == "x.json: part is not a JSON object");
}

TEST_CASE("keys are ignored, refused or unknown") {
  const auto use = [](ConfigSection& section) {
    section.ignore({"old"});
    section.require_default({{"flag", false}, {"kind", "plain"}, {"extra", nullptr}});
    section.finish();
  };
  CHECK(section_refusal(R"({"old": 1, "flag": false, "kind": "plain", "extra": {}})", use) ==
        "no error");
  CHECK(section_refusal(R"({"flag": true})", use) ==
        "x.json: part.flag is true, which is not supported");
  CHECK(section_refusal(R"({"kind": "odd"})", use) ==
        "x.json: part.kind is \"odd\", which is not supported");
  CHECK(section_refusal(R"({"extra": {"a": 1}})", use) ==
        "x.json: part.extra is {\"a\":1}, which is not supported");
  CHECK(section_refusal(R"({"new": 0})", use) ==
        "x.json: part.new is an unknown key; its value 0 might change the model");
  CHECK(section_refusal(R"({"new": null})", use) == "no error");
}
