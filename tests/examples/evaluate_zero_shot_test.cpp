// The example evaluate: zero-shot classification, suites, and tables of results.

#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace evaluate_zero_shot_test {
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

const std::string drawings = models + "/drawings_coca/images/trained/";

// A folder per class: a dolphin, a drum, two horses of which one is a drum.
void write_classes(const Folder& folder) {
  for (const auto& [path, picture] :
       std::vector<std::pair<std::string, std::string>>{{"data/dolphin/a.png", "dolphin.png"},
                                                        {"data/drum/a.png", "drum.png"},
                                                        {"data/horse/a.png", "horse.png"},
                                                        {"data/horse/b.png", "drum.png"}}) {
    fs::create_directories(fs::path(folder / path).parent_path());
    fs::copy_file(drawings + picture, folder / path);
  }
}

Result run_zero_shot(const std::string& arguments) {
  return run("evaluate zero-shot " + arguments + " --threads 1");
}

}  // namespace

TEST_CASE("evaluate zero-shot measures a folder of classes", "[examples]") {
  const Folder folder;
  write_classes(folder);
  const Result result =
      run_zero_shot((folder / "data") + " --json --results " + (folder / "results"));
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json line = result.json().at(0);
  CHECK(line["dataset"] == "data");
  CHECK(line["task"] == "zeroshot_classification");
  CHECK(line["language"] == "en");
  CHECK(line["metrics"]["acc1"] == 0.75);
  CHECK(line["metrics"]["acc5"].is_null());
  CHECK(std::abs(line["metrics"]["mean_per_class_recall"].get<double>() - 2.5 / 3) <= 1e-12);
  const std::string file =
      folder / "results/data_included_drawings_coca_en_zeroshot_classification.json";
  CHECK(json::parse(read_file(file)) == line);

  const Result table = run_zero_shot(folder / "data");
  CHECK(contains(table.out, "data set  pictures  top-1  top-5  mean per class  mAP"));
  CHECK(contains(table.out, "data             4   75.0      -            83.3    -"));
}

TEST_CASE("evaluate zero-shot takes names, templates, labels and subsets from files",
          "[examples]") {
  const Folder folder;
  write_classes(folder);
  const std::string names =
      folder.write("names.csv", "folder,name\ndrum,drum\ndolphin,dolphin\ncrown,crown\n");
  // The prompts of each class are those of the other one, so that their use shows.
  const std::string templates = folder.write(
      "templates.json", R"({"imagenet1k": ["{}", "the {c}"], "own": {"drum": ["dolphin"],
      "dolphin": ["drum"], "crown": ["crown"]}})");
  const Result skipped =
      run_zero_shot((folder / "data") + " --json --names " + names + " --templates " + templates);
  CAPTURE(skipped.err);
  REQUIRE(skipped.status == 0);
  CHECK(skipped.json()[0]["metrics"]["acc1"] == 1.0);
  CHECK(contains(skipped.err, "2 pictures of 1 class that does not compete are skipped"));
  const Result by_class = run_zero_shot((folder / "data") + " --json --name own --labels " + names +
                                        " --templates " + templates);
  CHECK(by_class.json().at(0)["metrics"]["acc1"] == 0.0);
  const std::string subset = folder.write("subset.txt", "drum\n");
  const Result one = run_zero_shot((folder / "data") + " --json --names " + names + " --classes " +
                                   subset + " --crop-border 1");
  CHECK(one.json().at(0)["metrics"]["acc1"] == 1.0);
  check_refused(run_zero_shot((folder / "data") + " --templates \"a photo\""), 2,
                {"the templates \"a photo\" are neither a text with {} or {c}"});
  check_refused(
      run_zero_shot((folder / "data") + " --templates " + folder.write("t.txt", "{}\nphoto\n")), 1,
      {"the template \"photo\" has neither {} nor {c}"});
  check_refused(run_zero_shot((folder / "data") + " --crop-border 100000"), 1,
                {"has nothing inside a border of 100000"});
}

TEST_CASE("evaluate zero-shot measures a suite, resumes it, and says what is missing",
          "[examples]") {
  const Folder folder;
  write_classes(folder);
  const std::string suite = folder.write("suite.json", R"([{"name": "wds/a", "data": "data"},
                        {"name": "b", "data": "data", "templates": "a {}"}])");
  const std::string arguments =
      "--suite " + suite + " --results " + (folder / "results") + " --cache " + (folder / "cache");
  const Result table = run_zero_shot(arguments);
  CAPTURE(table.err);
  REQUIRE(table.status == 0);
  CHECK(contains(table.out, "mean of top-1"));
  CHECK(
      fs::exists(folder / "results/wds_a_included_drawings_coca_en_zeroshot_classification.json"));
  CHECK(fs::exists(folder / "cache/wds_a.safetensors"));

  fs::remove_all(folder / "data");  // nothing is read again
  const Result again = run_zero_shot(arguments + " --skip-existing --json");
  CAPTURE(again.err);
  REQUIRE(again.status == 0);
  CHECK(contains(again.err, "wds/a: its result exists already"));
  const json mean = again.json().at(2);
  CHECK(mean["datasets"] == 2);
  CHECK(mean["missing"].empty());
  CHECK(mean["mean_acc1"].is_number());
  // The results of another model have other names, so that they are missing here.
  CHECK(contains(run_zero_shot(arguments + " --skip-existing --model stamps_coca").err,
                 "without wds/a: "));

  const Result missing = run_zero_shot("--suite " + suite + " --json");
  CHECK(missing.status == 1);
  CHECK(contains(missing.err, "without wds/a: "));
  CHECK(missing.json().back()["mean_acc1"].is_null());
  CHECK(missing.json().back()["missing"] == json({"wds/a", "b"}));
}

TEST_CASE("evaluate zero-shot refuses results of other weights and mistaken command lines",
          "[examples]") {
  const Folder folder;
  write_classes(folder);
  const std::string arguments = (folder / "data") +
                                " --model stamps_coca --weights random --skip-existing --results " +
                                (folder / "results");
  REQUIRE(run_zero_shot(arguments).status == 0);
  check_refused(run_zero_shot(arguments + " --seed 1"), 1,
                {"is the result of other weights, precision or preprocessing"});
  check_refused(run_zero_shot(arguments + " --templates \"a {}\""), 1,
                {"was measured with prompts and classes ", ", not with prompts and classes "});
  check_refused(run_zero_shot(""), 2, {"expected either data or --suite"});
  check_refused(run_zero_shot("data --suite s.json"), 2, {"expected either data or --suite"});
  check_refused(run_zero_shot("--suite s.json --names n.txt"), 2, {"--names is said in the suite"});
  check_refused(run_zero_shot("--suite s.json --separator ';'"), 2,
                {"--separator is said in the suite"});
  check_refused(run_zero_shot("data --skip-existing"), 2, {"--skip-existing needs --results"});
  check_refused(run_zero_shot(folder / "none"), 1, {"none"});
}

TEST_CASE("evaluate build makes one table of result files", "[examples]") {
  const Folder folder;
  const std::string toy = std::string(COCA_TEST_DATA) + "/evaluation/formats/toy_result.json";
  fs::create_directories(folder / "results");
  fs::copy_file(toy, folder / "results/a.json");
  const Result result =
      run("evaluate build " + (folder / "results") + " --output " + (folder / "table.csv"));
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(read_file(folder / "table.csv") ==
        "dataset,model,pretrained,task,language,model_fullname,acc1,acc5,mean_per_class_recall\n"
        "toy,coca_ViT-B-32,laion2b_s13b_b90k,zeroshot_classification,en,coca_ViT-B-32 "
        "laion2b_s13b_b90k,0.5,,0.5\n");
  folder.write("results/b.json", "[]");
  const Result some =
      run("evaluate build " + (folder / "results") + " --output " + (folder / "table.csv"));
  CHECK(some.status == 1);
  CHECK(contains(some.err, "is not a result"));
  CHECK(contains(some.out, "1 result"));
  check_refused(run("evaluate build " + (folder / "none.json") + " --output " + (folder / "x.csv")),
                1, {"none of the files is a result"});
}

}  // namespace evaluate_zero_shot_test
