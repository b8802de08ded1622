// The included model, on the pictures bundled with it: each file has the name of what it
// shows.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace {

namespace fs = std::filesystem;

const std::string model = models + "/drawings_coca";

// "red_apple.png" is a red apple.
std::string name_of(const std::string& path) {
  std::string name = fs::path(path).stem().string();
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// Of images/trained or images/new, which the model never saw anything like.
std::vector<std::string> drawings(const std::string& kind) {
  std::vector<std::string> paths;
  for (const auto& entry : fs::directory_iterator(model + "/images/" + kind))
    if (entry.path().extension() == ".png") paths.push_back(entry.path().string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// That a program names most of these drawings right; its answer is at this place of a line.
void check_most_are_named(const std::string& command, const std::vector<std::string>& paths,
                          const char* answer) {
  std::string arguments;
  for (const std::string& path : paths) arguments += " " + path;
  const Result result = run(command + arguments);
  CAPTURE(result.err, result.out);
  REQUIRE(result.status == 0);
  const auto lines = result.json();
  REQUIRE(lines.size() == paths.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < paths.size(); ++i)
    right += lines[i].at(nlohmann::json::json_pointer(answer)) == name_of(paths[i]) ? 1 : 0;
  CHECK(4 * right >= 3 * lines.size());
}

}  // namespace

TEST_CASE("the included model captions drawings that it knows") {
  check_most_are_named("caption --json", drawings("trained"), "/captions/0/text");
}

TEST_CASE("the included model finds the name of new drawings among many") {
  check_most_are_named("classify --json --labels-file " + model + "/labels.txt", drawings("new"),
                       "/labels/0/label");
}

TEST_CASE("the included model is small, and its weights are enough on their own") {
  CHECK(fs::file_size(model + "/open_clip_model.safetensors") <= 25'000'000);
  // Vocabulary and preprocessing are those of the folder, wherever the weights are.
  const Folder folder;
  fs::copy_file(model + "/open_clip_model.safetensors", folder / "weights.safetensors");
  const std::string drawing = drawings("new").front();
  const Result expected = run("embed --json --text 'a drawing' " + drawing);
  REQUIRE(expected.status == 0);
  CHECK(same_embeddings(run("embed --json --text 'a drawing' --weights " +
                            (folder / "weights.safetensors ") + drawing),
                        expected));
}

TEST_CASE("the minimum length of captions is the model's, unless a flag overrides it") {
  const std::string drawing = " " + model + "/images/trained/horse.png";
  const std::string short_one = run("caption --json" + drawing).json()[0]["captions"][0]["text"];
  CHECK(short_one ==
        run("caption --json --min-length 0" + drawing).json()[0]["captions"][0]["text"]);
  CHECK(short_one !=
        run("caption --json --min-length 8" + drawing).json()[0]["captions"][0]["text"]);
  const Folder folder;
  for (const char* name :
       {"open_clip_model.safetensors", "open_clip_config.json", "bpe_simple_vocab.txt.gz"})
    fs::copy_file(model + "/" + name, folder / name);
  folder.write("generation_config.json", "{\"min_length\": 99}");
  const Result refused = run("caption --weights " + folder.path() + drawing);
  CHECK(refused.status == 2);
  CHECK(contains(refused.err, "min_length 99 of the model's generation_config.json is more than"));
  const std::string data = folder.write(
      "data.jsonl", nlohmann::json{{"image", drawing.substr(1)}, {"caption", short_one}}.dump());
  const auto exact = [&](const std::string& flag) {
    return run("evaluate --json " + data + flag).json()[0]["captioning"]["exact_match"];
  };
  CHECK(exact("") == 1.0);
  CHECK(exact(" --min-length 8") == 0.0);
}
