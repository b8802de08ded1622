// The example soup.

#include "catch.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace {

namespace fs = std::filesystem;

const std::string drawings_folder = models + "/drawings_coca";
const std::string stamps_weights = models + "/stamps_coca/model.safetensors";

}  // namespace

TEST_CASE("a soup of a model with itself is that model") {
  const Folder folder;
  const std::string output = folder / "soup";
  const Result result = run("soup " + drawings_folder + " " + drawings_folder +
                            "/open_clip_model.safetensors --shares 3 1 --json --output " + output);
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.json().at(0)["output"] == output);
  for (const char* name :
       {"open_clip_config.json", "bpe_simple_vocab.txt.gz", "generation_config.json"})
    CHECK(read_file(output + "/" + name) == read_file(drawings_folder + "/" + name));
  const auto soup = coca::open_checkpoint(output + "/open_clip_model.safetensors");
  const auto model = coca::open_checkpoint(drawings_folder + "/open_clip_model.safetensors");
  REQUIRE(soup.names() == model.names());
  for (const std::string& name : model.names()) {
    CAPTURE(name);
    CHECK(soup.tensor(name).dtype == model.tensor(name).dtype);
    CHECK(soup.read_floats(name) == model.read_floats(name));
  }
  const std::string picture = drawings_folder + "/images/new";
  const std::string first = fs::directory_iterator(picture)->path().string();
  CHECK(run("caption " + first + " --weights " + output).out == run("caption " + first).out);
}

TEST_CASE("a soup of files is a file") {
  const Folder folder;
  const std::string output = folder / "soup.safetensors";
  const Result result =
      run("soup " + stamps_weights + " " + stamps_weights + " --output " + output);
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.out == output + " is the average of 2 models\n");
  CHECK(coca::open_checkpoint(output).names() == coca::open_checkpoint(stamps_weights).names());
}

TEST_CASE("impossible soups") {
  const Folder folder;
  const std::string output = " --output " + (folder / "soup");
  check_refused(run("soup " + stamps_weights + output), 2, {"soup: give at least two models"});
  check_refused(run("soup " + stamps_weights + " " + stamps_weights), 2, {"--output is required"});
  check_refused(run("soup " + stamps_weights + " " + stamps_weights + output), 2,
                {"none of the models is a folder", "--output FILE.safetensors"});
  check_refused(run("soup " + drawings_folder + " " + stamps_weights + output), 1,
                {"stamps_coca/model.safetensors: has tensor", "of shape", "drawings_coca"});
  check_refused(run("soup " + drawings_folder + " " + (folder / "no") + output), 1,
                {folder / "no"});
  check_refused(run("soup " + drawings_folder + " " + drawings_folder + " --shares 1" + output), 2,
                {"there are 2 models and 1 --shares"});
  for (const std::string share : {"0", "-1", "nan", "x"})
    check_refused(
        run("soup " + drawings_folder + " " + drawings_folder + " --shares 1 " + share + output), 2,
        {"--shares: expected"});
  CHECK(!fs::exists(folder / "soup/open_clip_model.safetensors"));
  const std::string copy = folder / "copy";
  fs::copy(drawings_folder, copy, fs::copy_options::recursive);
  check_refused(run("soup " + copy + " " + drawings_folder + " --output " + copy), 2,
                {"--output would replace", "which is one of the models"});
  // Where the weights have another name, they would stay, but no longer be those of the folder.
  fs::rename(copy + "/open_clip_model.safetensors", copy + "/model.safetensors");
  const std::string refused = "soup " + drawings_folder + " " + copy + " --output ";
  check_refused(run(refused + copy), 2, {"--output would replace", copy});
  check_refused(run(refused + copy + "/model.safetensors"), 2, {"--output would replace", copy});
  CHECK(!fs::exists(copy + "/open_clip_model.safetensors"));
  const std::string file = folder.write("file", "x");
  check_refused(
      run("soup " + drawings_folder + " " + drawings_folder + " --output " + file + "/soup"), 1,
      {file + "/soup", "cannot be created"});
  check_refused(
      run("soup " + drawings_folder + " " + drawings_folder + " --output /dev/null/x.safetensors"),
      1, {"/dev/null/x.safetensors"});
}
