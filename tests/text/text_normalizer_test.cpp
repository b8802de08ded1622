#include "coca/text/text_normalizer.hpp"

#include <string>

#include "catch.hpp"
#include "coca/features.hpp"
#include "error_text.hpp"

using coca::Json;

namespace {

// The text after the steps of a normalizer.
std::string changed(const char* json, const std::string& text) {
  const auto steps = coca::parse_normalizer(Json::parse(json), "t");
  return coca::encode_utf8(coca::normalized(steps, coca::decode_utf8(text)));
}

std::string refusal(const char* json) {
  return error_text<coca::FileError>([&] { coca::parse_normalizer(Json::parse(json), "t"); });
}

}  // namespace

TEST_CASE("a normalizer's steps change a text in their order") {
  CHECK(changed("null", " A ") == " A ");
  CHECK(changed(R"({"type": "Lowercase"})", "A Cat") == "a cat");
  CHECK(changed(R"({"type": "Strip"})", " \t a b \n") == "a b");
  CHECK(changed(R"({"type": "Strip", "strip_left": false})", " a ") == " a");
  CHECK(changed(R"({"type": "Nmt"})",
                "a\tb\nc\rd\x01"
                "e\x7f") == "a b c de");
  const char* sequence = R"({"type": "Sequence", "normalizers": [
    {"type": "Replace", "pattern": {"Regex": "\\s+"}, "content": " "},
    {"type": "Sequence", "normalizers": [{"type": "Lowercase"}]},
    {"type": "Replace", "pattern": {"String": "aa"}, "content": "a"}]})";
  CHECK(changed(sequence, "AaA\n\t B") == "aa b");
  const char* blanks = R"({"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "_"})";
  CHECK(changed(blanks, "a b  c   d\t\te  ") == "a b_c_d\t\te_");
}

TEST_CASE("a normalizer knows Unicode") {
  if (!COCA_HAS_UTF8PROC) return;
  CHECK(changed(R"({"type": "NFC"})", "e\u0301\uff21") == "\u00e9\uff21");
  CHECK(changed(R"({"type": "NFKC"})", "e\u0301\uff21\ufb01") == "\u00e9Afi");
  CHECK(changed(R"({"type": "Lowercase"})", "\u0391\u03a3") == "\u03b1\u03c3");  // no final sigma
}

TEST_CASE("steps that cannot be read are named") {
  CHECK(refusal("{}") == "t: has no text \"type\" where one was expected");
  CHECK(refusal("7") == "t: has no text \"type\" where one was expected");
  CHECK(
      refusal(R"({"type": "StripAccents"})") ==
      "t: its normalizer has the step \"StripAccents\"; NFC, NFKC, Lowercase, Nmt, Replace, Strip "
      "and Precompiled can be read");
  CHECK(refusal(R"({"type": "Replace", "content": "", "pattern": {"String": ""}})") ==
        "t: its normalizer replaces {\"String\":\"\"}; a text and the regular expressions \"\\s+\" "
        "and \" {2,}\" can be");
  CHECK(refusal(R"({"type": "Precompiled", "precompiled_charsmap": "A*"})") ==
        "t: its \"precompiled_charsmap\" is no base64");
}
