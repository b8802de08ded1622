#include "coca/io/json_bytes.hpp"

#include "catch.hpp"
#include "coca/io/json.hpp"

using coca::Json;
using coca::parse_json;
using coca::to_json_text;

namespace {

std::string there_and_back(const std::string& bytes) {
  return parse_json(to_json_text(Json{{"name", bytes}}), "x").at("name").get<std::string>();
}

}  // namespace

TEST_CASE("JSON of UTF-8 is what nlohmann-json writes") {
  const nlohmann::ordered_json json{
      {"z", "caf\u00e9 \"quoted\" \\ \n"},
      {"a", {1, -2.5, true, nullptr, "x"}},
      {"empty", {{"list", nlohmann::json::array()}, {"object", nlohmann::json::object()}}}};
  CHECK(to_json_text(json) == json.dump());
  CHECK(to_json_text(json, 2) == json.dump(2));
}

TEST_CASE("bytes that are not UTF-8 are escapes in JSON, as Python's surrogateescape has them") {
  // json.dumps(os.fsdecode(b"caf\xe9 \xf0\x9f\x98.png"), ensure_ascii=True)
  CHECK(to_json_text(Json("caf\xe9 \xf0\x9f\x98.png")) == R"("caf\udce9 \udcf0\udc9f\udc98.png")");
  CHECK(to_json_text(Json{{"\xff", 1}}) == R"({"\udcff":1})");
  CHECK(to_json_text(Json{{"\xff", {"\xe9"}}}, 1) == "{\n \"\\udcff\": [\n  \"\\udce9\"\n ]\n}");
}

TEST_CASE("every name comes back from JSON byte for byte") {
  for (const std::string name :
       {"plain", "", "caf\xe9.png", "\xff\xfe", "caf\u00e9", "\u65e5\xe6\x97", "100%25.png",
        "\\udce9", "\\\xe9\\", "\"\xe9\"", "\xEF\xB7\x90", "\xEF\xB7\x90\xe9", "\xEF\xB7\xe9",
        "\xed\xb3\xa9", "\u00e9\xe9", "\U0001f600\xe9"})
    CHECK(there_and_back(name) == name);
  for (int byte = 1; byte < 256; ++byte) {
    const std::string name = "a" + std::string(1, static_cast<char>(byte)) + "b";
    CHECK(there_and_back(name) == name);
  }
}

TEST_CASE("what Python writes is read, pairs of surrogates as one character") {
  const auto read = [](const char* text) { return parse_json(text, "x").get<std::string>(); };
  CHECK(read(R"("\uDCE9")") == "\xe9");
  CHECK(read(R"("\ud83d\ude00\udce9")") == "\U0001f600\xe9");
  CHECK(read(R"("\ud83d\udce9")") == "\U0001f4e9");  // a pair whose second half looks like a byte
  CHECK(read(R"("\\udce9")") == "\\udce9");
  CHECK(read(R"("\ufdd0\udce9")") == "\uFDD0\xe9");
  CHECK(parse_json(R"({"\udce9": ["\udcff"]})", "x").at("\xe9")[0] == "\xff");
  CHECK_THROWS_AS(parse_json(R"("\udc7f")", "x"), coca::FileError);
  CHECK_THROWS_AS(parse_json(R"("\udce)", "x"), coca::FileError);
  CHECK_THROWS_AS(parse_json(R"("\udce9)", "x"), coca::FileError);
}
