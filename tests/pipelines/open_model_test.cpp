#include "coca/pipelines/open_model.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/plain.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca::testing::stamps_folder;
using coca_test::contains;
using coca_test::message_of;

namespace {

const std::string slug = stamps_folder + "/images/08_Brown_slug.png";

std::string first_caption(AnyModel& model) {
  const std::vector<Pixels> pictures{model.read_pixels(slug)};
  return model.caption(pictures, {.beams = 6}).at(0).at(0).text;
}

// A folder as OpenCLIP's repositories on Hugging Face are laid out.
void make_folder(const coca_test::TemporaryFolder& folder, const Json& preprocess) {
  const Json config = read_json_file(stamps_folder + "/config.json");
  folder.write("open_clip_config.json",
               Json{{"model_cfg", config}, {"preprocess_cfg", preprocess}}.dump());
  std::filesystem::create_symlink(stamps_folder + "/model.safetensors",
                                  folder.path("open_clip_model.safetensors"));
}

}  // namespace

TEST_CASE("open_model: OpenCLIP's names stand for models of its sizes", "[open_model]") {
  // Parameters of the models that OpenCLIP 3.3.0 makes of these names.
  const std::map<std::string_view, std::size_t> parameters{
      {"coca_ViT-B-32", 253560065},
      {"coca_ViT-L-14", 638450177},
      {"coca_base", 440337409},
      {"ViT-B-32", 151277313},
      {"ViT-B-32-quickgelu", 151277313},
      {"ViT-B-32-256", 151288833},
      {"ViT-B-32-plus-256", 210297473},
      {"ViT-B-16", 149620737},
      {"ViT-B-16-quickgelu", 149620737},
      {"ViT-B-16-plus", 208351361},
      {"ViT-B-16-plus-240", 208377345},
      {"ViT-L-14", 427616513},
      {"ViT-L-14-quickgelu", 427616513},
      {"ViT-L-14-280", 427763969},
      {"ViT-L-14-336", 427944193},
      {"ViT-L-14-336-quickgelu", 427944193},
      {"ViT-L-16", 427739393},
      {"ViT-L-16-320", 427948289},
      {"ViT-H-14", 986109441},
      {"ViT-H-14-quickgelu", 986109441},
      {"ViT-H-14-378", 986714881},
      {"ViT-H-14-378-quickgelu", 986714881},
      {"ViT-H-16", 986263041},
      {"ViT-g-14", 1366678273},
      {"ViT-bigG-14", 2539567105},
      {"ViT-bigG-14-quickgelu", 2539567105},
      {"ViT-e-14", 4581086465},
      {"ViT-M-32", 103119873},
      {"ViT-M-32-alt", 80070273},
      {"ViT-M-16", 102015489},
      {"ViT-M-16-alt", 78978177},
      {"ViT-S-32", 63085825},
      {"ViT-S-32-alt", 43224449},
      {"ViT-S-16", 62257537},
      {"ViT-S-16-alt", 42396161},
      {"ViT-L-14-CLIPA", 414210561},
      {"ViT-L-14-CLIPA-336", 414538241},
      {"ViT-H-14-CLIPA", 968235009},
      {"ViT-H-14-CLIPA-336", 968644609},
      {"ViT-bigG-14-CLIPA", 2517223937},
      {"ViT-bigG-14-CLIPA-336", 2517756417},
      {"ViT-H-14-worldwide", 1858783745},
      {"ViT-H-14-worldwide-quickgelu", 1858783745},
      {"ViT-H-14-worldwide-378", 1859389185},
      {"ViT-bigG-14-worldwide", 3630409985},
      {"ViT-bigG-14-worldwide-378", 3631197057}};
  REQUIRE(open_clip_presets().size() == parameters.size());
  for (const NamedPreset& preset : open_clip_presets()) {
    INFO(preset.name);
    const auto count = [](const auto& config) { return parameter_count(config); };
    CHECK(std::visit(count, preset.config) == parameters.at(preset.name));
    std::visit([](const auto& config) { checked(config.vision), checked(config.text); },
               preset.config);
  }
  CHECK(find_configuration("ViT-B-32").description.config == AnyConfig(presets::clip_vit_b_32));
  CHECK(find_configuration("ViT-B/32").name == "ViT-B-32");
  CHECK(find_configuration("coca_vit_b_32").description.config ==
        AnyConfig(presets::coca_vit_b_32));
}

TEST_CASE("open_model: the model of a folder gives the captions of its type", "[open_model]") {
  const auto model = open_model(stamps_folder);
  CHECK(first_caption(*model) == "a brown slug .");
  CHECK(model->info().captions);
  CHECK(model->info().vocab_size == 49408);
  const std::vector<Pixels> pictures{model->read_pixels(slug)};
  Context<Cpu<float>> context;
  const auto& typed = coca::testing::stamps_model<Cpu<float>>();
  CHECK(model->embed_images(pictures).values == embed_images(context, typed, pictures).values);
  const std::vector<std::string> texts{"a brown slug", "a cow"};
  const AnyTokenizer clip{ClipTokenizer{}};
  CHECK(model->embed_texts(texts).values == embed_texts(context, typed, clip, texts).values);
  const auto ids = model->caption(pictures, {.beams = 6}).at(0).at(0).ids;
  CHECK(model->attention_maps(pictures[0], ids).size() == ids.size() - 1);
  const std::vector<std::string> templates{"a {}"};
  const auto classifier = model->classifier({"cow", "brown slug"}, templates);
  CHECK(classifier(model->embed_images(pictures)[0]).front().label == "brown slug");
}

TEST_CASE("open_model: bfloat16, and the weights' file of a known folder", "[open_model]") {
  const std::vector<std::string> known{stamps_folder};
  CHECK(first_caption(*open_model(stamps_folder, {.precision = ModelPrecision::bfloat16})) ==
        "a brown slug .");
  const std::string file = stamps_folder + "/model.safetensors";
  for (const auto& model : {find_model(file, {.known_folders = known}),
                            find_model("stamps_coca", {.known_folders = known})}) {
    CHECK(model.name == "stamps_coca");
    CHECK(model.weights == file);
    CHECK(model.description.config == AnyConfig(coca::testing::stamps_coca));
  }
  CHECK(contains(message_of([&] { find_model(file); }),
                 "these weights have the sizes of no model that is known by name"));
}

TEST_CASE("open_model: preprocess_cfg of a folder", "[open_model]") {
  const coca_test::TemporaryFolder folder;
  make_folder(folder, {{"mean", {0.5, 0.5, 0.5}}, {"resize_mode", "squash"}});
  const auto model = open_model(folder.path(), {.known_folders = {stamps_folder}});
  CHECK(model->info().preset == "stamps_coca");
  CHECK(model->info().preprocessing.mean[0] == 0.5);
  CHECK(model->info().preprocessing.resize_mode == ResizeMode::squash);
  CHECK(model->info().preprocessing.width == 64);
  const coca_test::TemporaryFolder wrong;
  make_folder(wrong, {{"resize_mode", "weird"}});
  const std::string message = message_of([&] { open_model(wrong.path()); });
  CHECK(contains(message, wrong.path("open_clip_config.json") + ": "));
  CHECK(contains(message, "weird"));
}

TEST_CASE("open_model: a custom configuration with random weights", "[open_model]") {
  const coca_test::TemporaryFolder folder;
  Json json = read_json_file(stamps_folder + "/config.json");
  json["vision_cfg"]["layers"] = 1;
  json["init_logit_bias"] = -7;
  json["init_logit_scale"] = 2.5;
  folder.write("config.json", json.dump());
  const auto open = [&](std::uint64_t seed) {
    return open_model(folder.path("config.json"), {.weights = "random", .seed = seed});
  };
  const std::vector<std::string> texts{"a cow"};
  const auto one = open(1)->embed_texts(texts).values;
  CHECK(open(1)->embed_texts(texts).values == one);
  CHECK(open(2)->embed_texts(texts).values != one);
  CHECK(open(1)->info().identity == open(1)->info().identity);
  CHECK(open(1)->info().identity != open(2)->info().identity);
  CHECK(open_model(folder.path(), {.weights = "random", .seed = 1})->embed_texts(texts).values ==
        one);
  // With a model for SigLIP's loss each label has a separate probability.
  const std::vector<std::string> templates{"{}"};
  const auto classifier = open(1)->classifier({"a", "b"}, templates);
  const auto found = classifier(std::vector<float>(64, 0.0f));
  CHECK(coca_test::message_of([&] { open_model(folder.path()); }) ==
        folder.path() +
            ": holds no weights: no open_clip_model.safetensors, model.safetensors, "
            "open_clip_pytorch_model.bin, pytorch_model.bin or .pt file");
  CHECK(found[0].probability == found[1].probability);
  CHECK(found[0].probability < 0.01f);
}

TEST_CASE("open_model: a model with another tokenizer than CLIP's reads pictures without it",
          "[open_model]") {
  CHECK(find_configuration("ViT-L-14-CLIPA").description.tokenizer ==
        NamedTokenizer{"bert-base-uncased", true});
  const coca_test::TemporaryFolder folder;
  const Json json{{"embed_dim", 16},
                  {"vision_cfg", {{"image_size", 32}, {"width", 64}, {"layers", 1}}},
                  {"text_cfg",
                   {{"width", 32},
                    {"heads", 2},
                    {"layers", 1},
                    {"vocab_size", 49410},
                    {"hf_tokenizer_name", "facebook/xlm-v-base"}}}};
  folder.write("config.json", json.dump());
  const auto model = open_model(folder.path("config.json"), {.weights = "random"});
  const std::vector<Pixels> pictures{model->read_pixels(slug)};
  CHECK(model->embed_images(pictures).width == 16);
  const std::vector<std::string> texts{"a cow"};
  CHECK(message_of([&] { model->embed_texts(texts); }) ==
        "the model reads texts with the tokenizer facebook/xlm-v-base, which is not part of it; "
        "--tokenizer FILE gives it");
}

TEST_CASE("open_model: CLIP by OpenCLIP's name has no captioner", "[open_model]") {
  const auto model = open_model("ViT-S-32-alt", {.weights = "random"});
  CHECK_FALSE(model->info().captions);
  CHECK(model->info().embed_dim == 256);
  const std::vector<Pixels> pictures{model->read_pixels(slug)};
  CHECK(model->embed_images(pictures).width == 256);
  const std::string sentence = "the model ViT-S-32-alt has no captioner; captions need a CoCa";
  CHECK(message_of([&] { model->caption(pictures, {}); }) == sentence);
  CHECK(message_of([&] { model->attention_maps(pictures[0], {1, 2}); }) == sentence);
  CHECK(message_of([] { open_model("ViT-S-32-alt", {.weights = "random", .captions = true}); }) ==
        sentence);
}

TEST_CASE("open_model: mistakes", "[open_model]") {
  const std::vector<std::string> known{stamps_folder};
  CHECK(message_of([] { open_model("coca_vit_b_32"); }) ==
        "the model coca_vit_b_32 needs --weights: a file, a folder as on Hugging Face, or "
        "\"random\" to try it without");
  const std::string unknown = message_of([] { open_model("ViT-B-33", {.weights = "random"}); });
  CHECK(
      unknown.starts_with("there is no model ViT-B-33: no such file or folder, and the names are "
                          "coca_vit_b_32, "));
  CHECK(contains(unknown, "; did you mean ViT-B-32"));
  CHECK(unknown.ends_with("?"));
  CHECK(contains(unknown, ", ViT-H-14-378-quickgelu, "));
  CHECK(message_of([&] {
          find_model("coca_vit_b_32", {.weights = stamps_folder, .known_folders = known});
        }) == stamps_folder +
                  "/config.json: is the configuration of --model stamps_coca, not of --model "
                  "coca_vit_b_32");
  CHECK(message_of([&] {
          find_model("coca_vit_b_32",
                     {.weights = stamps_folder + "/model.safetensors", .known_folders = known});
        }) == stamps_folder +
                  "/model.safetensors: these weights fit the preset stamps_coca, not "
                  "--model coca_vit_b_32");
  CHECK(message_of([] { open_model("coca_base", {.weights = "random"}); }) ==
        "the tokenizer has 49408 tokens, but the model coca_base a vocabulary of 64000; "
        "--tokenizer FILE gives it its own");
  CHECK_FALSE(contains(message_of([] { open_model("zebra", {.weights = "random"}); }), "did you"));
  const coca_test::TemporaryFolder folder;
  const auto refusal = [&](const std::string& text) {
    const std::string path = folder.write("model.json", text);
    const std::string message = message_of([&] { open_model(path, {.weights = "random"}); });
    return message.starts_with(path) ? message.substr(path.size()) : message;
  };
  CHECK(refusal(R"({"embed_dim": 64})") == ": vision_cfg is missing");
  CHECK(refusal(R"({"text_cfg": {}})") == ": embed_dim is missing");
  for (const char* other : {"[]", "{}", "7", R"({"architectures": []})"})
    CHECK(refusal(other) ==
          ": is neither a model configuration (an object with embed_dim, vision_cfg and text_cfg) "
          "nor an index of weights (an object with weight_map)");
  folder.write("other.safetensors", "x");
  CHECK(contains(message_of([&] { open_model(folder.path("other.safetensors")); }),
                 folder.path("other.safetensors") + ": "));
}

TEST_CASE("open_model: the case of a name does not matter", "[open_model]") {
  for (const char* name : {"vit-b-32", "VIT-B-32", "vit/b/32"})
    CHECK(find_configuration(name).name == "ViT-B-32");
  CHECK(find_configuration("COCA_VIT_B_32").name == "coca_vit_b_32");
  // A folder of that name is meant where there is one.
  const coca_test::TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("vit-b-32"));
  CHECK(contains(message_of([&] { find_configuration(folder.path("vit-b-32")); }), "vit-b-32: "));
}
