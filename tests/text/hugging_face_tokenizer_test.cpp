#include "coca/text/hugging_face_tokenizer.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "text/error_text.hpp"
#include "text/temporary_directory.hpp"

namespace {

using Ids = std::vector<std::int32_t>;

// The vocab.json of merges "a b" and "ab c</w>".
nlohmann::json small_vocabulary() {
  nlohmann::json object;
  const auto vocabulary = coca::parse_bpe_vocabulary("#\na b\nab c</w>\n", "v");
  for (std::int32_t id = 0; id < vocabulary.start_id(); ++id)
    object[coca::detail::written_token(vocabulary.token(id))] = id;
  object["<|startoftext|>"] = vocabulary.start_id();
  object["<|endoftext|>"] = vocabulary.end_id();
  return object;
}

struct Files {
  TemporaryDirectory directory;
  std::string merges = directory.write("merges.txt", "#version: 0.2\na b\nab c</w>\n");

  std::string refusal(const nlohmann::json& vocabulary) const {
    const auto path = directory.write("vocab.json", vocabulary.dump());
    const auto text =
        error_text<coca::FileError>([&] { coca::read_hugging_face_tokenizer(merges, path); });
    return text.starts_with(path + ": ") ? text.substr(path.size() + 2) : text;
  }
};

}  // namespace

TEST_CASE("only merges.txt") {
  const Files files;
  const auto tokenizer = coca::read_hugging_face_tokenizer(files.merges);
  CHECK(tokenizer.encode("abc") == Ids{513});
  CHECK(tokenizer.vocab_size() == 516);
}

TEST_CASE("merges.txt with a matching vocab.json") {
  const Files files;
  auto vocabulary = small_vocabulary();
  CHECK(vocabulary["\u0120</w>"] == 256 + 220);  // the space, as these files write it
  const auto path = files.directory.write("vocab.json", vocabulary.dump());
  CHECK(coca::read_hugging_face_tokenizer(files.merges, path).start_id() == 514);
  vocabulary.erase("<|endoftext|>");
  vocabulary["<end_of_text>"] = 515;
  files.directory.write("vocab.json", vocabulary.dump());
  CHECK(coca::read_hugging_face_tokenizer(files.merges, path).end_id() == 515);
}

TEST_CASE("a contradictory vocab.json is refused") {
  const Files files;
  auto vocabulary = small_vocabulary();
  vocabulary["ab"] = 7;
  CHECK(files.refusal(vocabulary) == "the token \"ab\" has id 7, but the merges give it 512");
  vocabulary["ab"] = "512";
  CHECK(files.refusal(vocabulary) == "the token \"ab\" has id \"512\", but the merges give it 512");
  vocabulary.erase("ab");
  CHECK(files.refusal(vocabulary) == "the token \"ab\" of the merges, with id 512, is missing");
  vocabulary = small_vocabulary();
  vocabulary["more"] = 516;
  CHECK(files.refusal(vocabulary) == "there are 517 tokens, but the merges make 516");
  vocabulary = small_vocabulary();
  vocabulary.erase("<|endoftext|>");
  CHECK(files.refusal(vocabulary) ==
        "the token \"<end_of_text>\" of the merges, with id 515, is missing");
  CHECK(files.refusal(nlohmann::json::array()) == "expected a JSON object from token to id");
  const auto path = files.directory.write("vocab.json", "{\"a\": ");
  CHECK(error_text<coca::FileError>([&] {
          coca::read_hugging_face_tokenizer(files.merges, path);
        }) == path + ": expected a JSON object from token to id");
}

TEST_CASE("a merges.txt without its first line is refused") {
  const TemporaryDirectory directory;
  const auto path = directory.write("merges.txt", "a b\nab c</w>\n");
  CHECK(error_text<coca::FileError>([&] { coca::read_hugging_face_tokenizer(path); }) ==
        path + ": line 1: expected \"#version\", as in every merges.txt");
}
