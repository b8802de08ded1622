// The subcommands of evaluate that measure classifiers and probes.

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace evaluate_classify_test {
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

/// Class folders of the repository's 16 pictures, each three times, in two classes by their number.
void write_folders(const Folder& folder) {
  std::size_t number = 0;
  std::vector<fs::path> paths;
  for (const auto& entry : fs::directory_iterator(pictures))
    if (entry.path().extension() == ".png") paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  for (const fs::path& path : paths) {
    const std::string kind = number++ % 2 == 0 ? "even" : "odd";
    fs::create_directories(folder / ("data/" + kind));
    for (const char* copy : {"a", "b", "c"})
      fs::create_symlink(path, folder / ("data/" + kind + "/" + copy + path.filename().string()));
  }
}

std::size_t lines_of(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a trained classifier is measured without a list of labels") {
  const Folder folder;
  write_folders(folder);
  const std::string data = folder / "data", output = folder / "run";
  REQUIRE(run("train --task classify --head pooler --freeze visual --feature-cache " +
              (folder / "features") + " --model stamps_coca --init-from " + models +
              "/stamps_coca/model.safetensors --data " + data + " --validation " + data +
              " --output " + output +
              " --no-augment --steps 60 --batch-size 16 --learning-rate 2e-3 --threads 1")
              .status == 0);
  CHECK(fs::exists(folder / "features/training/features.json"));
  CHECK(fs::exists(folder / "features/validation/view-0-part-00000.safetensors"));

  const std::string evaluate = "evaluate classify " + data + " --weights " + output;
  const Result result = run(evaluate + " --json --report " + (folder / "report"));
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json scores = result.json().at(0);
  CHECK(scores.at("pictures") == 48);
  CHECK(scores.at("top_1") == 1.0);  // it has seen these pictures
  CHECK(scores.at("mean_per_class") == 1.0);
  CHECK_FALSE(scores.contains("top_5"));
  REQUIRE(scores.at("classes").size() == 2);
  CHECK(scores.at("classes")[0].at("class") == "even");
  CHECK(scores.at("classes")[0].at("count") == 24);
  CHECK(read_file(folder / "report/confusion.csv") == "true class,even,odd\neven,24,0\nodd,0,24\n");
  CHECK(lines_of(read_file(folder / "report/classes.csv")) == 3);
  CHECK(fs::exists(folder / "report/confusion.png"));
  CHECK_FALSE(fs::exists(folder / "report/mistakes.png"));  // there are none

  // Pictures under the wrong class are mistakes; a broken one is named and skipped.
  fs::rename(folder / "data/even", folder / "data/x");
  fs::rename(folder / "data/odd", folder / "data/even");
  fs::rename(folder / "data/x", folder / "data/odd");
  folder.write("data/odd/broken.png", "no picture");
  const Result wrong = run(evaluate + " --report " + (folder / "report"));
  CHECK(wrong.status == 1);
  CHECK(contains(wrong.out, "48 pictures, 1 skipped: top-1 0.00 %"));
  CHECK(contains(wrong.err, "broken.png"));
  CHECK(fs::exists(folder / "report/mistakes.png"));

  check_refused(run("evaluate classify " + data + " --model stamps_coca"), 2,
                {"stamps_coca has no classes of its own"});
  fs::create_directories(folder / "other/third");
  fs::create_symlink(slug, folder / "other/third/a.png");
  check_refused(run("evaluate classify " + (folder / "other") + " --weights " + output), 1,
                {"none of the pictures can be read; the first: ", "third"});
  folder.write("file", "");
  check_refused(run(evaluate + " --report " + (folder / "file/report")), 1,
                {folder / "file/report", "cannot be created"});
}

TEST_CASE("a classifier is measured on the list that it was trained on") {
  // The list has no captions, which train does not need for classes, and evaluate asked for.
  const Folder folder;
  std::string table = "file_name;kind\n";
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(pictures))
    if (entry.path().extension() == ".png")
      table += entry.path().string() + (count++ % 2 == 0 ? ";plant\n" : ";animal\n");
  const std::string list = folder.write("list.csv", table), output = folder / "run";
  REQUIRE(run("train --task classify --label-key kind --picture-count 1 --data " + list +
              " --output " + output + " --model stamps_coca --steps 1 --batch-size 4 --threads 1")
              .status == 0);
  const Result result =
      run("evaluate classify " + list + " --label-key kind --weights " + output + " --json");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.json().at(0).at("pictures") == count);

  // A picture that is cut off counts with --truncated, and is then reported as damaged.
  const std::string whole = read_file(std::string(COCA_TEST_DATA) + "/preprocess/baseline.jpg");
  folder.write("cut.jpg", whole.substr(0, whole.size() / 2));
  const std::string one = folder.write("one.csv", "file_name;kind\ncut.jpg;plant\n");
  const std::string evaluate =
      "evaluate classify " + one + " --label-key kind --json --weights " + output;
  check_refused(run(evaluate), 1, {"none of the pictures can be read; the first: ", "cut.jpg"});
  const Result truncated = run(evaluate + " --truncated");
  CAPTURE(truncated.err);
  REQUIRE(truncated.status == 0);
  CHECK(truncated.json().at(0).at("pictures") == 1);
  CHECK(contains(truncated.err, "1 picture is damaged, but was read: "));
}

TEST_CASE("a linear probe is fitted, chosen on held-out pictures, and tested") {
  const Folder folder;
  write_folders(folder);
  const std::string data = folder / "data";
  const std::string probe = "evaluate probe " + data + " --test " + data + " --json --threads 1" +
                            " --model stamps_coca --weights " + models +
                            "/stamps_coca/model.safetensors --feature-cache " + (folder / "cache");
  const Result missing = run("evaluate probe " + data + " --model stamps_coca");
  CHECK(missing.status == 2);
  CHECK(contains(missing.err, "--test is required"));
  const Result first = run(probe);
  if (contains(first.err, "liblbfgs")) return;  // a build without it says so
  CAPTURE(first.err);
  REQUIRE(first.status == 0);
  const json scores = first.json().at(0);
  CHECK(scores.at("top_1") == 1.0);  // three copies of each picture, two of them trained on
  CHECK(scores.at("features") == "pooled");
  CHECK(scores.contains("validation_top_1"));
  CHECK(fs::exists(folder / "cache/training.safetensors"));
  CHECK(run(probe).out == first.out);  // from the cache

  for (const char* c : {"0", "nan", "inf"})
    check_refused(run(probe + " --c " + c), 2, {"--c: expected"});

  const Result embedding = run(probe + " --features embedding");
  CHECK(embedding.status == 1);
  CHECK(contains(embedding.err, "features is pooled instead of embedding"));
  const Result few = run("evaluate probe " + data + " --test " + data +
                         " --json --threads 1 --model stamps_coca --features embedding --normalize"
                         " --c 10 --shots 30 --report " +
                         (folder / "report"));
  CAPTURE(few.err);
  REQUIRE(few.status == 0);
  CHECK(contains(few.err, "the class \"even\" has 24 pictures, fewer than 30 shots"));
  CHECK(few.json().at(0).at("c") == 10);
  CHECK_FALSE(few.json().at(0).contains("validation_top_1"));
  CHECK(lines_of(read_file(folder / "report/confusion.csv")) == 3);
}

}  // namespace evaluate_classify_test
