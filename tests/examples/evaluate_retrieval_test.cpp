// The example evaluate: retrieval.

#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace evaluate_retrieval_test {
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

const std::string drawings = models + "/drawings_coca/images/new/";

Result run_retrieval(const std::string& arguments) {
  return run("evaluate retrieval " + arguments + " --threads 1");
}

// Three drawings with ids, in Karpathy's form; each caption names its drawing.
std::string write_karpathy(const Folder& folder) {
  json images = json::array();
  int number = 0;
  for (const char* name : {"guitar", "penguin", "blue_truck"}) {
    std::string text = name;
    for (char& c : text)
      if (c == '_') c = ' ';
    json sentences = json::array();
    for (const std::string& caption : {text, "the " + text, text + " again"})
      sentences.push_back({{"raw", caption}, {"sentid", 100 + number * 10 + sentences.size()}});
    images.push_back({{"filename", std::string(name) + ".png"},
                      {"imgid", number},
                      {"cocoid", 7 + number},
                      {"split", number == 1 ? "val" : "test"},
                      {"sentences", sentences}});
    ++number;
  }
  return folder.write("karpathy.json", json{{"images", images}, {"dataset", "coco"}}.dump());
}

}  // namespace

TEST_CASE("evaluate retrieval measures Karpathy's splits", "[examples]") {
  const Folder folder;
  const std::string data = write_karpathy(folder) + " --image-folder " + drawings;
  const Result result = run_retrieval(data + " --split test --split val --captions 2 --json " +
                                      "--results " + (folder / "results") + " --page " +
                                      (folder / "page.html") + " --cache " + (folder / "cache"));
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json line = result.json().at(0);
  CHECK(line["dataset"] == "karpathy");
  CHECK(line["task"] == "zeroshot_retrieval");
  CHECK(line["pictures"] == 3);
  CHECK(line["captions"] == 6);
  CHECK(line["skipped"] == 0);
  const json& metrics = line["metrics"];
  CHECK(metrics["text_retrieval_recall@1"] == 1.0);
  CHECK(metrics["image_retrieval_recall@5"] == 1.0);
  CHECK(metrics["text_retrieval_median_rank"] == 1.0);
  CHECK(metrics.contains("image_retrieval_mean_rank"));
  CHECK(metrics["text_retrieval_recall@1_low"] == 1.0);
  CHECK(fs::exists(folder / "results/karpathy_included_drawings_coca_en_zeroshot_retrieval.json"));
  CHECK(fs::exists(folder / "cache/karpathy_pictures.safetensors"));
  CHECK(fs::exists(folder / "cache/karpathy_texts.safetensors"));
  const std::string page = read_file(folder / "page.html");
  CHECK(contains(page, "data:image/png;base64,"));
  CHECK(contains(page, "image to text"));
  CHECK_FALSE(contains(page, "http"));

  const Result table = run_retrieval(data);
  CHECK(contains(table.out, "image to text        2  100.0"));
  CHECK(contains(table.out, "text to image        6"));
  CHECK(contains(table.out, "among all captions"));
}

TEST_CASE("evaluate retrieval measures further right answers", "[examples]") {
  const Folder folder;
  const std::string data =
      write_karpathy(folder) + " --split test --split val --image-folder " + drawings;
  const std::string images = folder.write("i.json", R"({"7": [100, 101, 102], "8": [110, 999]})");
  const Result one = run_retrieval(data + " --json --positives " + images);
  CAPTURE(one.err);
  REQUIRE(one.status == 0);
  const json metrics = one.json().at(0)["metrics"];
  CHECK(metrics["text_retrieval_positives_recall@1"].is_number());
  CHECK(metrics["text_retrieval_map@r"].is_number());
  CHECK(metrics["image_retrieval_r_precision"].is_number());  // from the inverse of the file
  CHECK(contains(one.err, "1 of its ids are not in the data"));
  const std::string captions = folder.write("c.json", R"({"120": [9]})");
  const Result both = run_retrieval(data + " --positives " + images + " --positives " + captions);
  REQUIRE(both.status == 0);
  CHECK(contains(both.out, "R-precision"));
  check_refused(run_retrieval(data + " --positives " + folder.write("x.json", R"({"1": [2]})")), 1,
                {"none of its ids is that of a picture and of a caption"});
}

TEST_CASE("evaluate retrieval does not take one result for another", "[examples]") {
  const Folder folder;
  const std::string arguments = write_karpathy(folder) + " --image-folder " + drawings +
                                " --json --skip-existing --results " + (folder / "results");
  const Result first = run_retrieval(arguments);
  CAPTURE(first.err);
  REQUIRE(first.status == 0);
  const Result again = run_retrieval(arguments);
  CHECK(again.status == 0);
  CHECK(contains(again.err, "karpathy: its result exists already"));
  CHECK(again.json().at(0)["metrics"] == first.json().at(0)["metrics"]);
  check_refused(run_retrieval(arguments + " --protocol concepts"), 1,
                {"was measured with --protocol captions and --captions all of the split test, not "
                 "with --protocol concepts"});
  check_refused(run_retrieval(arguments + " --captions 1"), 1, {"not with", "--captions 1"});
  check_refused(run_retrieval(arguments + " --split val"), 1, {"not with", "the split val"});
  check_refused(run_retrieval(arguments + " --page " + (folder / "page.html")), 2,
                {"--page needs embeddings, but the result of karpathy exists"});
}

TEST_CASE("evaluate retrieval names the data by its folder, however that is written",
          "[examples]") {
  const Folder folder;
  std::filesystem::create_directory(folder / "birds");
  fs::copy_file(drawings + "penguin.png", folder / "birds/a.png");
  folder.write("birds/a.txt", "a penguin");
  for (const std::string& data : {folder / "birds", folder / "birds/"}) {
    const Result result = run_retrieval(data + " --json");
    CAPTURE(data, result.err);
    REQUIRE(result.status == 0);
    CHECK(result.json().at(0)["dataset"] == "birds");  // with a slash at the end it was "data"
  }
}

TEST_CASE("evaluate retrieval keeps the protocol of concepts", "[examples]") {
  const Folder folder;
  const std::string data =
      folder.write("data.csv", "image,caption\n" + drawings + "guitar.png,guitar\n" + drawings +
                                   "guitar.png,penguin\n" + drawings + "penguin.png,penguin\n");
  const Result concepts = run_retrieval(data + " --protocol concepts --json");
  CAPTURE(concepts.err);
  REQUIRE(concepts.status == 0);
  const json line = concepts.json().at(0);
  CHECK(line["protocol"] == "concepts");
  CHECK(line["captions"] == 2);
  const json today =
      run("evaluate " + data + " --protocol concepts --no-captioning --json").json().at(0);
  CHECK(line["metrics"]["text_retrieval_recall@1"] == today["image_to_text"]["r1"]);
  CHECK(line["metrics"]["image_retrieval_recall@1"] == today["text_to_image"]["r1"]);
  const json all = run_retrieval(data + " --json").json().at(0);
  const json test_set = run("evaluate " + data + " --no-captioning --json").json().at(0);
  CHECK(all["captions"] == 3);
  for (const char* limit : {"1", "5", "10"}) {
    CHECK(all["metrics"]["text_retrieval_recall@" + std::string(limit)] ==
          test_set["image_to_text"]["r" + std::string(limit)]);
    CHECK(all["metrics"]["image_retrieval_recall@" + std::string(limit)] ==
          test_set["text_to_image"]["r" + std::string(limit)]);
  }
}

TEST_CASE("evaluate retrieval leaves out what cannot be read", "[examples]") {
  const Folder folder;
  fs::copy_file(drawings + "guitar.png", folder / "a.jpg");
  const std::string flickr =
      folder.write("flickr.txt", "image,caption\na.jpg,a \"guitar\", red\nnone.jpg,x\n");
  const Result result = run_retrieval(flickr + " --json");
  CHECK(result.status == 1);
  CHECK(contains(result.err, "none.jpg"));
  const json line = result.json().at(0);
  CHECK(line["pictures"] == 1);
  CHECK(line["skipped"] == 1);
  check_refused(run_retrieval("/no/such.json"), 1, {"/no/such.json"});
  check_refused(run_retrieval(flickr + " --captions 0"), 2,
                {"--captions: expected all or a number from 1 to 1000000, got 0; see "});
  check_refused(run_retrieval(flickr + " --captions few"), 2,
                {"--captions: expected all or a number from 1 to 1000000, got few; see "});
  check_refused(run_retrieval(flickr + " --positives a --positives b --positives c"), 2,
                {"--positives is given at most twice"});
  check_refused(run_retrieval(flickr + " --protocol concepts --positives a"), 2,
                {"--positives needs --protocol captions"});
}

}  // namespace evaluate_retrieval_test
