#include "coca/text/read_json_tokenizer.hpp"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "error_text.hpp"
#include "temporary_directory.hpp"

using coca::Json;
using coca::JsonTokenizer;
using coca::parse_json_tokenizer;

namespace {

using Ids = std::vector<std::int32_t>;

// Small tokenizers, and what the library `tokenizers` gives; see make_json_tokenizers.py.
const Json& expected() {
  static const Json json = coca::read_json_file(COCA_TEST_DATA "/text/json_tokenizers.json");
  return json;
}

bool is_ascii(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0; });
}

const Json& base(const char* name) { return expected().at("bases").at(name); }

std::string refusal(const char* name, const std::function<void(Json&)>& change) {
  Json json = base(name);
  change(json);
  return error_text<coca::FileError>([&] { parse_json_tokenizer(json.dump(), "t.json"); });
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a tokenizer.json gives the ids of the library tokenizers") {
  for (const Json& entry : expected().at("tokenizers")) {
    CAPTURE(entry.at("name").get<std::string>());
    Json json = base(entry.at("base").get<std::string>().c_str());
    json.update(entry.at("changed"));
    const JsonTokenizer tokenizer = parse_json_tokenizer(json.dump(), "t.json");
    for (const Json& given : entry.at("cases")) {
      const auto text = given.at("text").get<std::string>();
      if (!COCA_HAS_UTF8PROC && !is_ascii(text)) continue;
      CAPTURE(given.dump());
      CHECK(tokenizer.encode(text) == given.at("ids").get<Ids>());
    }
  }
}

TEST_CASE("a tokenizer.json has start, end and padding") {
  const JsonTokenizer clip = parse_json_tokenizer(base("clip").dump(), "t.json");
  CHECK(clip.vocab_size() == 914);
  CHECK(clip.start_id() == 912);
  CHECK(clip.end_id() == 913);
  CHECK(clip.pad_id() == 0);
  const JsonTokenizer unigram = parse_json_tokenizer(base("unigram").dump(), "t.json");
  CHECK(unigram.start_id() == 0);
  CHECK(unigram.end_id() == 2);
  CHECK(unigram.pad_id() == 1);
  Json json = base("clip");
  json["post_processor"] = nullptr;  // known by their names
  json["padding"] = {{"pad_id", 7}};
  const JsonTokenizer named = parse_json_tokenizer(json.dump(), "t.json");
  CHECK(named.start_id() == 912);
  CHECK(named.end_id() == 913);
  CHECK(named.pad_id() == 7);
}

TEST_CASE("ids of a tokenizer.json become text") {
  const JsonTokenizer clip = parse_json_tokenizer(base("clip").dump(), "t.json");
  const auto there_and_back = [](const JsonTokenizer& tokenizer, const std::string& text) {
    return tokenizer.decode(tokenizer.encode(text));
  };
  CHECK(there_and_back(clip, "A red house, 12") == "a red house , 1 2 ");
  CHECK(coca::decode_caption(clip, Ids{912, 320, 913, 0}) == clip.decode(Ids{320}).substr(0, 1));
  CHECK(clip.decode(Ids{912, 913}).empty());
  const JsonTokenizer unigram = parse_json_tokenizer(base("unigram").dump(), "t.json");
  CHECK(there_and_back(unigram, "a photo of a cat") == "a photo of a cat");
  CHECK(there_and_back(unigram, "a <mask> b") == "a b");
  for (const std::int32_t id : {-1, clip.vocab_size()})
    CHECK(error_text<coca::ArgumentError>([&] { clip.decode(Ids{id}); }) ==
          "token id " + std::to_string(id) + " is not in the vocabulary of 914 tokens");
  for (std::int32_t id = 0; id < unigram.vocab_size(); ++id) unigram.decode(Ids{id});
}

TEST_CASE("merges may be pairs or lines") {
  Json json = base("clip");
  for (Json& merge : json["model"]["merges"])
    merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
  const std::string text = "a red house on the beach";
  CHECK(parse_json_tokenizer(json.dump(), "t").encode(text) ==
        parse_json_tokenizer(base("clip").dump(), "t").encode(text));
}

TEST_CASE("a tokenizer.json of another kind is refused, naming the kind") {
  CHECK(error_text<coca::FileError>([] { parse_json_tokenizer("{\"a\": 1}", "t.json"); }) ==
        "t.json: is no tokenizer.json: it has no \"model\"; of a vocab.json and a merges.txt, the "
        "latter "
        "is needed");
  CHECK(refusal("clip", [](Json& json) { json["model"]["type"] = "WordPiece"; }) ==
        "t.json: has a model of the type \"WordPiece\"; CLIP's \"BPE\" and SentencePiece's "
        "\"Unigram\" can be read");
  CHECK(contains(refusal("clip", [](Json& json) { json["model"]["end_of_word_suffix"] = nullptr; }),
                 "is a byte-pair encoding of another form than CLIP's"));
  CHECK(contains(refusal("clip",
                         [](Json& json) {
                           json["pre_tokenizer"] = {{"type", "ByteLevel"}};
                         }),
                 "is a byte-pair encoding of another form than CLIP's"));
  CHECK(contains(refusal("clip", [](Json& json) { json["model"]["dropout"] = 0.1; }),
                 "has dropout, byte_fallback"));
  CHECK(contains(refusal("clip",
                         [](Json& json) {
                           json["normalizer"] = {{"type", "Bert"}};
                         }),
                 "its normalizer has the step \"Bert\""));
  CHECK(contains(refusal("clip",
                         [](Json& json) {
                           json["normalizer"] = {{"type", "Replace"},
                                                 {"pattern", {{"Regex", "[a-z]"}}},
                                                 {"content", ""}};
                         }),
                 "its normalizer replaces {\"Regex\":\"[a-z]\"}"));
  CHECK(contains(refusal("unigram", [](Json& json) { json["pre_tokenizer"] = nullptr; }),
                 "separates words in another way than SentencePiece's"));
  CHECK(contains(refusal("unigram", [](Json& json) { json["model"]["byte_fallback"] = true; }),
                 "has byte_fallback"));
  // As in T5 and SigLIP: no start token.
  CHECK(contains(refusal("unigram",
                         [](Json& json) {
                           json["post_processor"]["single"].erase(0);
                           json["added_tokens"].erase(0);
                         }),
                 "has no start token"));
}

TEST_CASE("a damaged tokenizer.json is refused") {
  const auto damaged = [](const char* name, const std::function<void(Json&)>& change) {
    const std::string message = refusal(name, change);
    INFO(message);
    CHECK(contains(message, "t.json: "));
  };
  damaged("clip", [](Json& json) { json["model"]["vocab"] = 7; });
  damaged("clip", [](Json& json) { json["model"]["merges"] = 7; });
  damaged("clip", [](Json& json) { json["model"]["merges"].push_back(7); });
  damaged("clip", [](Json& json) { json["model"]["merges"].push_back("no merge at all"); });
  damaged("clip", [](Json& json) { json["model"]["vocab"].erase("on"); });
  damaged("clip", [](Json& json) { json["model"]["vocab"]["on"] = -1; });
  damaged("clip", [](Json& json) { json["model"]["vocab"]["on"] = 4e9; });
  damaged("clip", [](Json& json) { json["model"]["unk_token"] = "none"; });
  damaged("clip", [](Json& json) { json["added_tokens"] = 7; });
  damaged("clip", [](Json& json) { json["added_tokens"][0]["id"] = "x"; });
  damaged("clip", [](Json& json) { json["added_tokens"][0].erase("content"); });
  damaged("clip", [](Json& json) { json["added_tokens"][0]["single_word"] = true; });
  damaged("unigram", [](Json& json) { json["model"]["vocab"] = Json::array(); });
  damaged("unigram", [](Json& json) { json["model"]["vocab"][5] = {1, 2}; });
  damaged("unigram", [](Json& json) { json["model"]["unk_id"] = 100'000; });
  damaged("unigram", [](Json& json) { json["model"]["vocab"][9][0] = std::string(2000, 'a'); });
  damaged("unigram", [](Json& json) { json["normalizer"]["precompiled_charsmap"] = "!"; });
  damaged("unigram", [](Json& json) { json["normalizer"]["precompiled_charsmap"] = "AAAA"; });
  damaged("unigram", [](Json& json) { json["pre_tokenizer"]["replacement"] = "__"; });
}

TEST_CASE("a tokenizer.json is read from a file") {
  const TemporaryDirectory directory;
  const std::string path = directory.write("tokenizer.json", base("clip").dump());
  CHECK(coca::read_json_tokenizer(path).encode("a") ==
        parse_json_tokenizer(base("clip").dump(), "t").encode("a"));
  CHECK(contains(error_text<coca::FileError>([&] { coca::read_json_tokenizer(path + "x"); }),
                 "cannot be opened"));
}
