// The example evaluate: metrics of existing captions.

#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;
using nlohmann::json;

namespace {

const std::string caption_files = std::string(COCA_TEST_DATA) + "/evaluation/captions_";

}  // namespace

TEST_CASE("evaluate captions prints pycocoevalcap's numbers", "[examples]") {
  const Folder folder;
  const Result result = run("evaluate captions " + caption_files + "annotations.json " +
                            caption_files + "results.json --json --each " + folder / "each.jsonl");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json scores = result.json().at(0);
  const json expected = json::parse(read_file(caption_files + "expected.json"));
  CHECK(scores["pictures"] == 8);
  for (const char* name : {"Bleu_1", "Bleu_4", "ROUGE_L", "CIDEr"})
    CHECK(std::abs(scores[name].get<double>() - expected["overall"][name].get<double>()) <= 1e-6);
  CHECK_FALSE(scores.contains("METEOR"));
  const json first = json::parse(
      read_file(folder / "each.jsonl").substr(0, read_file(folder / "each.jsonl").find('\n')));
  CHECK(first["image_id"] == "9");
  CHECK(std::abs(first["CIDEr"].get<double>() - expected["each"]["9"]["CIDEr"].get<double>()) <=
        1e-6);
}

TEST_CASE("evaluate captions says what is missing, and continues without it", "[examples]") {
  const Folder folder;
  const std::string results = folder.write(
      "r.json",
      R"([{"image_id": 9, "caption": "a red apple"}, {"image_id": 1000, "caption": "a dog"}])");
  const Result result = run("evaluate captions " + caption_files + "annotations.json " + results +
                            " --meteor-jar /no/such.jar");
  CHECK(result.status == 1);  // a score that was requested is missing
  CHECK(contains(result.err, "1 result is of a picture that the annotations do not have"));
  CHECK(contains(result.err, "7 pictures of the annotations have no result"));
  CHECK(contains(result.err, "without METEOR: /no/such.jar: there is no such file"));
  CHECK(contains(result.out, "Over 1 picture."));
  CHECK_FALSE(contains(result.out, "METEOR"));
}

TEST_CASE("evaluate captions counts what it leaves out by kind", "[examples]") {
  const Folder folder;
  const std::string annotations =
      folder.write("a.json", R"({"images": [{"id": 1}, {"id": 2}, {"id": 3}, {"id": 4}],
                    "annotations": [{"image_id": 1, "caption": "a dog"}]})");
  const std::string results = folder.write(
      "r.json", R"([{"image_id": 1, "caption": "a dog"}, {"image_id": 2, "caption": "a cat"}])");
  const Result result = run("evaluate captions " + annotations + " " + results + " --json");
  REQUIRE(result.status == 0);
  const json scores = result.json().at(0);
  CHECK(scores["pictures"] == 1);
  CHECK(scores["unknown"] == 0);
  CHECK(scores["unanswered"] == 2);
  CHECK(scores["uncaptioned"] == 1);
}

TEST_CASE("evaluate captions refuses files of something else", "[examples]") {
  const std::string annotations = caption_files + "annotations.json";
  check_refused(run("evaluate captions " + annotations + " " + annotations), 1,
                {"expected a JSON list", "this looks like captions of COCO"});
  check_refused(run("evaluate captions " + annotations + " /no/such.json"), 1, {"/no/such.json"});
  const Folder folder;
  check_refused(run("evaluate captions " + annotations + " " +
                    folder.write("r.json", R"([{"image_id": 1000, "caption": "a dog"}])")),
                1, {"none of its 1 results is of a captioned picture"});
  CHECK(run("evaluate captions").status == 2);
}
