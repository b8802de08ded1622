#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/io/json.hpp"
#include "coca/models/clip.hpp"
#include "coca/models/presets.hpp"
#include "pipelines/hollow.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace {

const std::string stamps = models + "/stamps_coca";
const std::string expected = slug + ": a brown slug .\n";

// A folder as OpenCLIP's repositories on Hugging Face are laid out.
void make_hugging_face_folder(const Folder& folder, const nlohmann::json& preprocess) {
  const nlohmann::json config = nlohmann::json::parse(read_file(stamps + "/config.json"));
  folder.write("open_clip_config.json",
               nlohmann::json{{"model_cfg", config}, {"preprocess_cfg", preprocess}}.dump());
  std::filesystem::create_symlink(stamps + "/model.safetensors",
                                  folder / "open_clip_model.safetensors");
}

}  // namespace

TEST_CASE("without --model, weights of a preset are opened as that") {
  const coca_test::TemporaryFolder folder;
  hollow<coca::Clip<coca::presets::clip_vit_b_16, coca::Reference<float>>>(folder);
  const std::string weights = folder.path("hollow.safetensors");
  const Result result = run("embed --json --text frog --weights " + weights);
  REQUIRE(result.status == 0);
  CHECK(result.json()[0]["embedding"].size() == 512);
  check_refused(run("embed --json --text frog --model ViT-B-32 --weights " + weights), 1,
                {weights + ": these weights fit the preset clip_vit_b_16, not --model ViT-B-32"});
}

TEST_CASE("without --model, the weights say which preset it is") {
  CHECK(run("caption --model stamps_coca " + slug).out == expected);
  CHECK(run("caption --weights " + stamps + "/model.safetensors " + slug).out == expected);
  const Folder folder;
  make_hugging_face_folder(folder, {{"interpolation", "bicubic"}});
  CHECK(run("caption --weights " + folder.path() + " " + slug).out == expected);
  CHECK(run("caption --model stamps_coca --weights " + folder.path() + " " + slug).out == expected);
}

TEST_CASE("a folder's preprocess_cfg is used") {
  const Folder folder;
  make_hugging_face_folder(folder, {{"mean", {0.5, 0.5, 0.5}}, {"resize_mode", "squash"}});
  const Result own = run("embed --json --weights " + folder.path() + " " + slug);
  REQUIRE(own.status == 0);
  CHECK(!same_embeddings(own, run_stamps("embed --json " + slug)));
  const Folder wrong;
  make_hugging_face_folder(wrong, {{"resize_mode", "weird"}});
  check_refused(run("embed --json --weights " + wrong.path() + " " + slug), 1,
                {wrong.path() + "/open_clip_config.json", "weird"});
}

TEST_CASE("a folder of another model than --model is refused") {
  const Folder folder;
  make_hugging_face_folder(folder, nlohmann::json::object());
  const Result other = run("caption --model coca_vit_b_32 --weights " + folder.path() + " " + slug);
  check_refused(other, 1,
                {"open_clip_config.json: is the configuration of --model stamps_coca",
                 "not of --model coca_vit_b_32"});
}

TEST_CASE("a folder whose weights are not those of its configuration is refused") {
  const Folder folder;
  make_hugging_face_folder(folder, nlohmann::json::object());
  nlohmann::json config = nlohmann::json::parse(read_file(stamps + "/config.json"));
  config["vision_cfg"]["layers"] = 5;
  folder.write("open_clip_config.json", nlohmann::json{{"model_cfg", config}}.dump());
  const Result result = run("caption --weights " + folder.path() + " " + slug);
  CHECK(result.status == 1);
  CHECK(contains(result.err, "the weights do not fit this model; missing tensors: 24"));
}

TEST_CASE("any configuration is opened by OpenCLIP's name, as a folder or as a file") {
  const Result named = run("embed --json --text frog --weights random --model ViT-S-32-alt");
  REQUIRE(named.status == 0);
  CHECK(named.json()[0]["embedding"].size() == 256);
  check_refused(run("embed --json --text frog --weights random --model ViT-S-33"), 2,
                {"there is no model ViT-S-33", "ViT-S-32-alt", "drawings_coca"});
  const Folder folder;
  nlohmann::json config = nlohmann::json::parse(read_file(stamps + "/config.json"));
  config["vision_cfg"]["layers"] = 1;
  const std::string file = folder.write("config.json", config.dump());
  const std::string embed = "embed --json --text frog --weights random --model ";
  const Result own = run(embed + file);
  REQUIRE(own.status == 0);
  CHECK(own.json()[0]["embedding"].size() == 64);
  CHECK(same_embeddings(own, run(embed + folder.path())));
  CHECK(run("caption --max-length 8 --weights random --model " + file + " " + slug).status == 0);
}

TEST_CASE("a model that is given by its path is not an included one") {
  // An absolute path counted as the name of an included model, whose labels have no prompt.
  const Folder folder;
  std::filesystem::create_directory(folder / "own");
  nlohmann::json config = nlohmann::json::parse(read_file(stamps + "/config.json"));
  config["vision_cfg"]["layers"] = 1;
  folder.write("own/config.json", config.dump());
  const auto share_of_cow = [&](const std::string& model, const std::string& more) {
    const Result result = run("classify --json --weights random --labels cow,frog --threads 1 " +
                                  more + " --model " + model + " " + slug,
                              "cd " + folder.path() + " &&");
    REQUIRE(result.status == 0);
    const auto first = result.json().at(0)["labels"][0];
    const double share = first["probability"].get<double>();
    return first["label"] == "cow" ? share : 1 - share;
  };
  const double prompt = share_of_cow("own", "--templates \"a photo of a {}.\"");
  REQUIRE(std::abs(prompt - share_of_cow("own", "--templates \"{}\"")) > 1e-3);
  for (const std::string& model : {std::string("own"), folder / "own"}) {
    CAPTURE(model);
    CHECK(std::abs(share_of_cow(model, "") - prompt) <= 1e-5);
  }
}

TEST_CASE("COCA_MODEL_DIR moves the included model") {
  const Folder folder;
  CHECK(run_stamps("caption " + slug, "COCA_MODEL_DIR=" + models).out == expected);
  const Result missing = run("caption " + slug, "COCA_MODEL_DIR=" + folder.path());
  CHECK(missing.status == 1);
  CHECK(contains(missing.err, folder.path() + "/drawings_coca"));
}

TEST_CASE("random weights depend only on the seed") {
  const std::string random = "embed --json --weights random --text 'a cat'";
  const Result first = run(random + " --seed 1");
  REQUIRE(first.status == 0);
  CHECK(same_embeddings(run(random + " --seed 1"), first));
  CHECK(!same_embeddings(run(random + " --seed 2"), first));
  const Result named = run("caption --model coca_vit_b_32 " + slug);
  CHECK(named.status == 2);
  CHECK(contains(named.err, "--weights"));
}

TEST_CASE("a model without captioner says so") {
  const Result result = run("caption --model clip_vit_b_32 --weights random " + slug);
  CHECK(result.status == 2);
  CHECK(contains(result.err, "no captioner"));
}

TEST_CASE("precision, tokenizer and preprocessing") {
  CHECK(run_stamps("caption --precision bf16 " + slug).out == expected);
  CHECK(run("caption --precision f8 " + slug).status == 2);
  CHECK(run_stamps("caption --interpolate-positions " + slug).out == expected);
  // OpenCLIP drops transparency, the default blends it over white.
  const std::string alpha = std::string(COCA_TEST_DATA) + "/preprocess/alpha.png";
  const Result letter = run("embed --json --open-clip-preprocessing " + alpha);
  REQUIRE(letter.status == 0);
  CHECK(!same_embeddings(letter, run("embed --json " + alpha)));
  const Folder folder;
  const Result none = run("caption --tokenizer " + (folder / "no.txt") + " " + slug);
  CHECK(none.status == 1);
  CHECK(contains(none.err, "no.txt"));
  const std::string small = folder.write("merges.txt", "#version: 0.2\nt h\nth e</w>\n");
  // Its end token would be another row of the model's table.
  check_refused(run_stamps("embed --json --text the --tokenizer " + small), 2,
                {small + " has 516 tokens", "49408"});
}

TEST_CASE("a tokenizer with more words than the model is refused") {
  const Folder folder;
  std::string pairs = "#version: 0.2\n", triples;
  for (char a = 'a'; a <= 'z'; ++a)
    for (char b = 'a'; b <= 'z'; ++b) {
      pairs += std::string{a, ' ', b, '\n'};
      for (char c = 'a'; c <= 'f'; ++c) triples += std::string{a, b, ' ', c, '\n'};
    }
  const std::string large = folder.write("merges.txt", pairs + triples);
  for (const std::string program :
       {"caption ", "embed ", "classify --labels a,b ", "search --image "})
    check_refused(run(program + slug + " --tokenizer " + large + (program[0] == 's' ? " ." : "")),
                  2, {large, "4096", "--tokenizer"});
}

TEST_CASE("flags that exclude each other are reported before the model is loaded") {
  const std::string none = " --weights no.safetensors " + slug;
  check_refused(run("caption --beams 1 --num-captions 3" + none), 2, {"--num-captions 3"});
  check_refused(run("caption --top-p 1.5" + none), 2, {"--top-p"});
  check_refused(run("caption --repetition-penalty 0" + none), 2, {"--repetition-penalty"});
  check_refused(run("embed --npy /dev/null/x.npy" + none), 1, {"/dev/null/x.npy"});
  check_refused(run("caption --attention /dev/null/maps" + none), 1, {"/dev/null/maps"});
  check_refused(run("search --weights no.safetensors --sheet s.jpg " + pictures + " cow"), 2,
                {"s.jpg", "PNG"});
  check_refused(run_stamps("caption --min-length 0 --max-length 1 " + slug), 2,
                {"--max-length 1 leaves no room"});
  check_refused(run_stamps("caption --min-length 9 --max-length 8 " + slug), 2,
                {"--min-length 9", "--max-length 8"});
  check_refused(run_stamps("caption --min-length 0 --max-length 4 --prompt 'a brown slug' " + slug),
                2, {"--prompt"});
}

TEST_CASE("an unchanged folder is not embedded again") {
  const Folder folder;
  const std::string search = "search --model stamps_coca " + pictures + " 'a brown slug' --index " +
                             (folder / "index") + " --top 1";
  CHECK(contains(run(search).err, "16 new"));
  const Result again = run(search);
  CHECK(again.err.empty());
  CHECK(contains(again.out, "08_Brown_slug.png"));
  // Another model's embeddings are not comparable.
  CHECK(contains(run(search + " --precision bf16").err, "16 new"));
  const std::string precious = folder.write("precious.txt", "not an index");
  CHECK(run("search " + pictures + " x --index " + precious).status == 1);
  CHECK(read_file(precious) == "not an index");
}

TEST_CASE("names that are not UTF-8 leave JSON valid") {
  const Folder folder;
  std::filesystem::copy_file(slug, folder / "caf\xe9.png");
  const Result result = run("embed --json " + folder.path() + "/caf*.png");
  REQUIRE(result.status == 0);
  CHECK(contains(result.out, "/caf\\udce9.png\""));  // as Python's json and os.fsdecode write it
  CHECK(coca::parse_json(result.out, "x")["image"] == folder.path() + "/caf\xe9.png");
}
