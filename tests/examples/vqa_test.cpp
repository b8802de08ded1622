// The example vqa, and what trains and measures its models.

#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace vqa_test {
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

const std::string vqa_fixtures = std::string(COCA_TEST_DATA) + "/evaluation/vqa_";
const std::string pair_fixtures = std::string(COCA_TEST_DATA) + "/evaluation/formats/";

/// Eight of the repository's pictures, and in VQA's format what they show by their names' first
/// letters.
class Questions {
 public:
  Questions() {
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(pictures))
      if (entry.path().extension() == ".png") files.push_back(entry.path().string());
    std::sort(files.begin(), files.end());
    json questions = json::array(), annotations = json::array();
    std::string sentences, pairs;
    for (std::size_t i = 0; i < 8; ++i) {
      const std::string number = std::to_string(i), answer = i % 2 == 0 ? "even" : "odd";
      fs::copy_file(files.at(i), folder_ / (number + ".png"));
      fs::copy_file(files.at(i), folder_ / (number + ".jpg"));
      fs::copy_file(files.at(i), folder_ / ("t-" + number + "-0-img0.png"));
      fs::copy_file(files.at(7 - i), folder_ / ("t-" + number + "-0-img1.png"));
      questions.push_back({{"question_id", i}, {"image_id", i}, {"question", "what is it?"}});
      annotations.push_back(
          {{"question_id", i},
           {"image_id", i},
           {"question_type", "what is"},
           {"answer_type", "other"},
           {"multiple_choice_answer", answer},
           {"answers",
            json::array({{{"answer", answer}}, {{"answer", answer}}, {{"answer", "thing"}}})}});
      sentences += json{{"pairID", number},
                        {"Flickr30K_ID", number},
                        {"sentence2", "a thing"},
                        {"gold_label", i % 2 == 0 ? "neutral" : "entailment"}}
                       .dump() +
                   "\n";
      pairs += json{{"identifier", "t-" + number + "-0-0"},
                    {"sentence", "two things"},
                    {"label", i % 2 == 0 ? "True" : "False"}}
                   .dump() +
               "\n";
    }
    folder_.write("q.json", json{{"questions", questions}}.dump());
    folder_.write("a.json", json{{"annotations", annotations}}.dump());
    folder_.write("s.jsonl", sentences);
    folder_.write("p.json", pairs);
  }

  std::string operator/(const std::string& name) const { return folder_ / name; }

  /// Trains in a few steps. @return the run's folder
  std::string train(const std::string& task, const std::string& more) const {
    const std::string output = folder_ / task;
    const std::string from = models + "/stamps_coca";
    const Result result =
        run("train --task " + task + " --init-from " + from + " --output " + output +
            " --steps 3 --batch-size 4 --warmup-steps 1 --threads 1 --loader-threads 1 "
            "--picture-count 1 " +
            more);
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    CHECK(contains(result.err, "values start at random"));
    return output;
  }
  std::string train_vqa() const {
    return train("vqa", "--data " + folder_ / "q.json" + " --annotations " + folder_ / "a.json" +
                            " --validation " + folder_ / "q.json" + " --validation-annotations " +
                            folder_ / "a.json" + " --picture-pattern {}.png --answer-count 3");
  }

 private:
  Folder folder_;
};

}  // namespace

TEST_CASE("vqa is trained, measured and asked", "[examples]") {
  const Questions data;
  const std::string trained = data.train_vqa();
  CHECK(read_file(trained + "/answers.txt") == "even\nodd\n");
  CHECK(contains(read_file(trained + "/task.json"), "\"vqa\""));
  const json options = json::parse(read_file(trained + "/options.json"));
  CHECK(options["optimizer"] == "adafactor");
  CHECK(options["weight_decay"] == 0.1);
  CHECK(options["rate"] == json::array({"visual=0.04", "text=0.04", "text_decoder=0.04"}));

  Result result = run("vqa --weights " + trained + " " + slug + " 'what is it?' 'is it?' --json " +
                      "--attention " + data / "maps");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  REQUIRE(result.json().size() == 2);
  const json first = result.json().at(0);
  CHECK(first["question"] == "what is it?");
  REQUIRE(first["answers"].size() == 2);
  CHECK(first["answers"][0]["probability"] >= first["answers"][1]["probability"]);
  REQUIRE(first["attention"].size() == 1);
  CHECK(fs::file_size(first["attention"][0].get<std::string>()) > 100);
  CHECK(result.json().at(1)["attention"][0] != first["attention"][0]);
  result = run("vqa --weights " + trained + " --top 1 " + slug + " 'what is it?'");
  CHECK(contains(result.out, "what is it?\n"));
  CHECK(std::count(result.out.begin(), result.out.end(), '%') == 1);

  // A second evaluation of the answers that the first one has written gives the same.
  result = run("evaluate vqa " + data / "a.json" + " --weights " + trained + " --questions " +
               data / "q.json" + " --picture-pattern {}.png --json --output " + data / "r.json");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json scores = result.json().at(0);
  CHECK(scores["questions"] == 8);
  const Result again = run("evaluate vqa " + data / "a.json" + " " + data / "r.json" + " --json");
  CHECK(again.out == result.out);

  // Pictures that are missing stop it, or are left out and counted.
  fs::remove(data / "3.png");
  const std::string command = "evaluate vqa " + data / "a.json" + " --weights " + trained +
                              " --questions " + data / "q.json" + " --picture-pattern {}.png ";
  result = run(command);
  CHECK(result.status == 1);
  CHECK(contains(result.err, "3.png"));
  result = run(command + "--missing skip --json");
  CHECK(result.status == 1);
  CHECK(contains(result.err, "3.png"));
  CHECK(result.json().at(0)["questions"] == 7);
  CHECK(result.json().at(0)["unanswered"] == 1);

  result = run("train --resume --output " + trained + " --steps 4");
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(contains(result.out, "from step 3 of 4 steps"));
}

TEST_CASE("entailment and pairs are trained, measured and asked", "[examples]") {
  const Questions data;
  const std::string entails =
      data.train("entailment", "--data " + data / "s.jsonl" + " --precision bf16");
  Result result = run("evaluate entailment " + data / "s.jsonl" + " --weights " + entails +
                      " --json --output " + data / "s.csv");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.json().at(0)["pairs"] == 8);
  CHECK(result.json().at(0)["classes"]["neutral"]["count"] == 4);
  CHECK(read_file(data / "s.csv").starts_with("pairID,label\n0,"));
  CHECK(run("vqa --weights " + entails + " " + slug + " 'a slug'").status == 0);

  const std::string pairs = data.train("pairs", "--data " + data / "p.json" + " --head mlp");
  CHECK(contains(read_file(pairs + "/task.json"), "\"mlp\""));
  result = run("evaluate pairs " + data / "p.json" + " --weights " + pairs + " --json --output " +
               data / "p.csv");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const Result again = run("evaluate pairs " + data / "p.json" + " " + data / "p.csv" + " --json");
  CHECK(again.out == result.out);
  CHECK(run("vqa --weights " + pairs + " " + slug + " " + slug + " 'the same'").status == 0);
  result = run("vqa --weights " + pairs + " " + slug + " " + slug);
  CHECK(result.status == 2);
  CHECK(contains(result.err,
                 "this model is asked about two pictures: give the files, then a "
                 "sentence"));
  result = run("evaluate entailment " + data / "s.jsonl" + " --weights " + pairs);
  CHECK(result.status == 2);
  CHECK(contains(result.err, "is a model for pairs, expected one for entailment"));
}

TEST_CASE("evaluate vqa and pairs give the official numbers", "[examples]") {
  Result result = run("evaluate vqa " + vqa_fixtures + "annotations.json " + vqa_fixtures +
                      "results.json --json");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(result.json().at(0)["overall"] == 70.0);
  CHECK(result.json().at(0)["perAnswerType"]["other"] == 62.86);
  CHECK(result.json().at(0)["perQuestionType"]["how many"] == 100.0);
  result = run("evaluate pairs " + pair_fixtures + "nlvr2_dev.json " + pair_fixtures +
               "nlvr2_predictions.csv --json");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  CHECK(std::abs(result.json().at(0)["accuracy"].get<double>() - 0.666667) <= 1e-6);
  CHECK(result.json().at(0)["consistency"] == 0.5);
}

TEST_CASE("what cannot be answered is said in a sentence", "[examples]") {
  const auto check = [](const std::string& command, int status, const std::string& sentence) {
    const Result result = run(command);
    CAPTURE(command, result.err);
    CHECK(result.status == status);
    CHECK(contains(result.err, sentence));
    CHECK(std::count(result.err.begin(), result.err.end(), '\n') <= 2);
  };
  check("vqa --weights " + models + "/stamps_coca " + slug + " 'what?'", 1,
        "has no task.json, which train writes with --task vqa, entailment or pairs");
  check("vqa --weights /no/such " + slug + " 'what?'", 1, "/no/such: does not exist");
  check("vqa " + slug + " 'what?'", 2, "--weights");
  check("evaluate vqa " + vqa_fixtures + "annotations.json", 2,
        "give either a file of results, or --weights with a model that answers");
  check("evaluate vqa " + vqa_fixtures + "questions.json " + vqa_fixtures + "results.json", 1,
        "this looks like questions of VQA");
  check("evaluate pairs " + pair_fixtures + "nlvr2_dev.json", 2,
        "give either a file of predictions, or --weights with a model that judges");
  check("train --task vqa --model stamps_coca --data " + vqa_fixtures + "questions.json --output " +
            "/tmp/unused-run-of-questions",
        2, "got 1 file of questions and 0 of annotations");
  check("train --task pairs --model ViT-B-32 --data " + pair_fixtures + "nlvr2_dev.json --output " +
            "/tmp/unused-run-of-questions",
        2, "which has no multimodal decoder");
}

}  // namespace vqa_test
