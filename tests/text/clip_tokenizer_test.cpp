#include "coca/text/clip_tokenizer.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "text/error_text.hpp"
#include "text/temporary_directory.hpp"

namespace {

using Ids = std::vector<std::int32_t>;

std::vector<nlohmann::json> read_lines(const std::string& name) {
  std::ifstream file(std::string(COCA_TEST_DATA) + "/" + name);
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("ids, rows and decoded text are OpenCLIP's") {
  const coca::ClipTokenizer tokenizer;
  const auto lines = read_lines("tokenizer.jsonl");
  REQUIRE(lines.size() == 30);
  for (const auto& line : lines) {
    const auto text = line["text"].get<std::string>();
    CAPTURE(text);
    const auto ids = tokenizer.encode(text);
    CHECK(ids == line["ids"].get<Ids>());
    CHECK(coca::tokenize(tokenizer, text, 77).ids == line["row77"].get<Ids>());
    CHECK(tokenizer.decode(ids) == line["decoded"].get<std::string>());
  }
}

TEST_CASE("unusual texts have OpenCLIP 3.3.0's ids") {
  const coca::ClipTokenizer tokenizer;
  const auto lines = read_lines("text/open_clip_3_3_0.jsonl");
  REQUIRE(lines.size() == 250);
  for (const auto& line : lines) {
    CAPTURE(line.dump());
    CHECK(tokenizer.encode(line["text"].get<std::string>()) == line["ids"].get<Ids>());
  }
}

TEST_CASE("special ids") {
  const coca::ClipTokenizer tokenizer;
  CHECK(tokenizer.start_id() == 49406);
  CHECK(tokenizer.end_id() == 49407);
  CHECK(tokenizer.pad_id() == 0);
  CHECK(tokenizer.vocab_size() == 49408);
}

TEST_CASE("special tokens in a text are found where CLIP's pattern finds them") {
  const coca::ClipTokenizer tokenizer;
  CHECK(tokenizer.encode("a<START_OF_TEXT>b") == Ids{320, 49406, 321});
  // After other punctuation the bracket belongs to that.
  CHECK(tokenizer.encode("!<end_of_text>") == Ids{0, 283, 806, 318, 539, 318, 4160, 285});
  // A long s ends the token like an s, but does not name the special one.
  CHECK(tokenizer.encode("<\u017Ftart_of_text>") ==
        Ids{27, 129, 123, 16707, 62, 684, 62, 18169, 285});
}

TEST_CASE("contractions and marks") {
  const coca::ClipTokenizer tokenizer;
  CHECK(tokenizer.encode("IT'S it'\u017F") == Ids{585, 568, 585, 6, 129, 379});
  CHECK(tokenizer.encode("a\u0345b") == Ids{320, 321});  // the other case of this mark is a letter
}

TEST_CASE("decoding joins the tokens") {
  const coca::ClipTokenizer tokenizer;
  CHECK(tokenizer.decode(Ids{49406, 320, 2368, 49407, 0}) == "<start_of_text>a cat <end_of_text>!");
  CHECK(tokenizer.decode(Ids{320, 127, 509, 128, 267, 0}) == "a \u00DF \uFFFD, !");
  CHECK(tokenizer.decode(Ids{}).empty());
  CHECK(error_text<coca::ArgumentError>([&] {
          tokenizer.decode(Ids{1, 49408});
        }) == "token id 49408 is not in the vocabulary of 49408 tokens");
}

TEST_CASE("captions are read without special tokens, and keep exclamation marks") {
  const coca::ClipTokenizer tokenizer;
  CHECK(coca::decode_caption(tokenizer, Ids{49406, 320, 2368, 49407, 0, 0, 0}) == "a cat");
  CHECK(coca::decode_caption(tokenizer, Ids{49406, 320, 2368, 0, 256, 49407, 0}) == "a cat !!");
}

TEST_CASE("threads may share a tokenizer") {
  const coca::AnyTokenizer tokenizer = coca::ClipTokenizer();
  const Ids expected = tokenizer.encode("two caf\u00E9s &amp; a dog");
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& result : results)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) result = tokenizer.encode("two caf\u00E9s &amp; a dog");
    });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) CHECK(result == expected);
}

TEST_CASE("a vocabulary is read from a file") {
  const TemporaryDirectory directory;
  const std::string content = "#version: 0.2\na b\nab c</w>\n";
  const auto tokenizer = coca::read_clip_tokenizer(directory.write("small.txt", content));
  CHECK(tokenizer.vocab_size() == 516);
  CHECK(tokenizer.encode("ABC ab") == Ids{513, 64, 256 + 65});
  CHECK(tokenizer.start_id() == 514);
  const unsigned char compressed[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
                                      0x53, 0x2e, 0x4b, 0x2d, 0x2a, 0xce, 0xcc, 0xcf, 0xb3, 0x52,
                                      0x30, 0xd0, 0x33, 0xe2, 0x4a, 0x54, 0x48, 0xe2, 0x4a, 0x4c,
                                      0x52, 0x48, 0xb6, 0xd1, 0x2f, 0xb7, 0xe3, 0x02, 0x00, 0x1f,
                                      0xb0, 0x0e, 0xe8, 0x1b, 0x00, 0x00, 0x00};
  const std::string gz(std::begin(compressed), std::end(compressed));
  CHECK(coca::read_clip_tokenizer(directory.write("small.txt.gz", gz)).encode("abc") == Ids{513});
  // What OpenCLIP makes of the same file.
  const auto as_open_clip = coca::read_clip_tokenizer(
      directory.path("small.txt.gz"), {.limit = 48894, .final_line_is_token = true});
  CHECK(as_open_clip.encode("<start_of_text>abc") == Ids{515, 513});
}

TEST_CASE("the vocabulary of examples/drawings gives OpenCLIP 3.3.0's ids") {
  const auto tokenizer =
      coca::read_clip_tokenizer(std::string(COCA_TEST_DATA) + "/text/drawings_vocabulary.txt.gz");
  CHECK(tokenizer.vocab_size() == 4096);
  CHECK(tokenizer.start_id() == 4094);
  CHECK(tokenizer.end_id() == 4095);
  CHECK(tokenizer.pad_id() == 0);
  const auto lines = read_lines("text/drawings_tokens.jsonl");
  REQUIRE(lines.size() == 100);
  for (const auto& line : lines) {
    CAPTURE(line.dump());
    CHECK(tokenizer.encode(line["text"].get<std::string>()) == line["ids"].get<Ids>());
  }
}

TEST_CASE("CLIP's own merges from a file give the compiled-in vocabulary") {
  std::string content = "\"bpe_simple_vocab_16e6.txt#version: 0.2\n";
  for (const auto chunk : coca::detail::clip_merges) content += chunk;
  content += "t rated\n";  // OpenAI's file continues; OpenCLIP ignores the rest
  const TemporaryDirectory directory;
  const auto tokenizer = coca::read_clip_tokenizer(directory.write("clip.txt", content));
  CHECK(tokenizer.vocab_size() == 49408);
  CHECK(tokenizer.encode("a photo of a cat") == Ids{320, 1125, 539, 320, 2368});
}

TEST_CASE("other texts are not taken for a vocabulary") {
  const TemporaryDirectory directory;
  const auto refusal = [&](const std::string& text) {
    const auto path = directory.write("labels.txt", text);
    return error_text<coca::FileError>([&] { coca::read_clip_tokenizer(path); })
        .substr(path.size());
  };
  const std::string kind =
      ": is not a vocabulary in CLIP's format, which has a merge of two tokens in each line after "
      "the first";
  CHECK(refusal("a dog") == kind);
  CHECK(refusal("a dog\n") == kind);
  CHECK(refusal("a dog\na cat\n") ==
        kind +
            ": line 2: \"cat\" is merged here, but is neither a byte nor the result of an earlier "
            "line");
  CHECK(refusal("one\ntwo\n").starts_with(kind + ": line 2: expected two tokens"));
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n") ==
        ": is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
  // A vocabulary with another first line is still one.
  const auto size = [&](const std::string& text) {
    return coca::read_clip_tokenizer(directory.write("v.txt", text)).vocab_size();
  };
  CHECK(size("header\na b\n") == 515);
  CHECK(size("#version: 0.2\n") == 514);
}

TEST_CASE("files that are not vocabularies are refused") {
  const TemporaryDirectory directory;
  const auto path = directory.write("broken.txt", "#version\na b\nnonsense\n");
  CHECK(error_text<coca::FileError>([&] { coca::read_clip_tokenizer(path); }) ==
        path + ": line 3: expected two tokens with a space between them, got " + "\"nonsense\"");
  CHECK(error_text<coca::ArgumentError>([] {
          coca::ClipTokenizer(std::shared_ptr<const coca::BpeVocabulary>());
        }) == "a ClipTokenizer needs a vocabulary, got null");
}
