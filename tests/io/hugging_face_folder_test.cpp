#include "coca/io/hugging_face_folder.hpp"

#include "catch.hpp"
#include "temporary_folder.hpp"

using coca::open_hugging_face_folder;
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {
const std::string config = R"({"embed_dim": 512, "vision_cfg": {}, "text_cfg": {}})";
std::string folder_refusal(const TemporaryFolder& folder) {
  return message_of([&] { open_hugging_face_folder(folder.path()); });
}
}  // namespace

TEST_CASE("a folder as OpenCLIP publishes it") {
  const TemporaryFolder folder;
  folder.write("open_clip_config.json", "{\"model_cfg\": " + config + "}");
  folder.write("config.json", "{\"architectures\": [\"CLIPModel\"]}");
  for (const char* name : {"open_clip_model.safetensors", "open_clip_pytorch_model.bin",
                           "pytorch_model.bin", "model.safetensors", "merges.txt", "vocab.json",
                           "tokenizer.json", "bpe_simple_vocab_16e6.txt.gz", "spiece.model"})
    folder.write(name, "x");
  const auto found = open_hugging_face_folder(folder.path());
  CHECK(found.config == folder.path("open_clip_config.json"));
  CHECK(found.weights == folder.path("open_clip_model.safetensors"));
  CHECK(std::get<coca::ClipConfig>(found.description.config).embed_dim == 512);
  CHECK(found.merges == folder.path("merges.txt"));
  CHECK(found.vocabulary == folder.path("vocab.json"));
  CHECK(found.tokenizer_json == folder.path("tokenizer.json"));
  CHECK(found.bpe_vocabulary == folder.path("bpe_simple_vocab_16e6.txt.gz"));
  CHECK(found.sentence_piece == folder.path("spiece.model"));
}

TEST_CASE("a folder lists what the model is beside its weights") {
  const TemporaryFolder folder;
  folder.write("open_clip_config.json", config);
  folder.write("generation_config.json", "{}");
  for (const char* name : {"model.safetensors", "merges.txt", "classes.txt", "task.json",
                           "answers.txt", "log.jsonl", "checkpoint.safetensors"})
    folder.write(name, "x");
  const auto found = open_hugging_face_folder(folder.path());
  CHECK(found.beside_weights ==
        std::vector<std::string>{folder.path("open_clip_config.json"), folder.path("merges.txt"),
                                 folder.path("generation_config.json"), folder.path("classes.txt"),
                                 folder.path("task.json"), folder.path("answers.txt")});
}

TEST_CASE("generation_config.json has the minimum length of captions") {
  const TemporaryFolder folder;
  folder.write("config.json", config);
  folder.write("model.safetensors", "x");
  CHECK(open_hugging_face_folder(folder.path()).min_length == std::nullopt);
  const auto read = [&](const char* json) {
    folder.write("generation_config.json", json);
    return open_hugging_face_folder(folder.path()).min_length;
  };
  CHECK(read("{\"min_length\": 0, \"max_length\": 20}") == std::size_t{0});
  CHECK(read("{\"min_length\": 7}") == std::size_t{7});
  CHECK(read("{\"max_length\": 20}") == std::nullopt);
  CHECK(read("{\"min_length\": null}") == std::nullopt);
  for (const char* wrong :
       {"{\"min_length\": -1}", "{\"min_length\": \"5\"}", "{\"min_length\": 1e18}", "[]", "{"}) {
    folder.write("generation_config.json", wrong);
    CHECK(contains(folder_refusal(folder), "generation_config.json"));
  }
}

TEST_CASE("the small trained model") {
  const auto found = open_hugging_face_folder(COCA_SOURCE "/examples/models/stamps_coca");
  CHECK(found.weights == COCA_SOURCE "/examples/models/stamps_coca/model.safetensors");
  CHECK(std::get<coca::CoCaConfig>(found.description.config).embed_dim == 64);
  CHECK_FALSE(found.merges.has_value());
}

TEST_CASE("weights with other names") {
  const TemporaryFolder folder;
  folder.write("config.json", config);
  CHECK(contains(folder_refusal(folder), "holds no weights"));
  folder.write("epoch_1.pt", "x");
  CHECK(open_hugging_face_folder(folder.path()).weights == folder.path("epoch_1.pt"));
  folder.write("epoch_2.pt", "x");
  CHECK(contains(folder_refusal(folder), "holds several .pt files ("));
  folder.write("model.safetensors.index.json", "{}");
  CHECK(open_hugging_face_folder(folder.path()).weights ==
        folder.path("model.safetensors.index.json"));
}

TEST_CASE("weights in several files") {
  const TemporaryFolder folder;
  folder.write("config.json", config);
  folder.write("pytorch_model-00001-of-00002.bin", "x");
  folder.write("pytorch_model-00002-of-00002.bin", "x");
  CHECK(folder_refusal(folder) ==
        folder.path() + ": holds weights in 2 files (" +
            folder.path("pytorch_model-00001-of-00002.bin") +
            ", ...), but not the index that says what is where, pytorch_model.bin.index.json");
  folder.write("pytorch_model.bin.index.json", "{}");
  CHECK(open_hugging_face_folder(folder.path()).weights ==
        folder.path("pytorch_model.bin.index.json"));
}

TEST_CASE("folders that are none, or hold no model") {
  const TemporaryFolder folder;
  CHECK(folder_refusal(folder) ==
        folder.path() + ": holds neither open_clip_config.json nor config.json");
  folder.write("config.json", "{\"architectures\": [\"CLIPModel\"]}");
  CHECK(contains(folder_refusal(folder), "/config.json: is not an OpenCLIP configuration"));
  folder.write("config.json", "{");
  CHECK(contains(folder_refusal(folder), "/config.json: line 1, column 2: "));
  CHECK(contains(message_of([&] { open_hugging_face_folder(folder.path("none")); }),
                 "/none: does not exist"));
  CHECK(contains(message_of([&] { open_hugging_face_folder(folder.path("config.json")); }),
                 "is not a folder"));
  folder.write("config.json", config);
  folder.write("model.safetensors", "x");
  folder.write("a.model", "x");
  folder.write("b.model", "x");
  CHECK(contains(folder_refusal(folder), "holds several vocabularies: "));
}

TEST_CASE("a path may be a model's folder, or a checkpoint") {
  const std::string stamps = COCA_SOURCE "/examples/models/stamps_coca";
  REQUIRE(coca::find_hugging_face_folder(stamps));
  CHECK(coca::find_hugging_face_folder(stamps)->weights == stamps + "/model.safetensors");
  CHECK_FALSE(coca::find_hugging_face_folder(stamps + "/model.safetensors"));
  CHECK_FALSE(coca::find_hugging_face_folder(stamps + "/none"));
  CHECK_FALSE(coca::find_hugging_face_folder(""));
  const TemporaryFolder empty;
  CHECK(contains(message_of([&] { coca::find_hugging_face_folder(empty.path()); }),
                 "holds neither open_clip_config.json nor config.json"));
}
