#include "coca/evaluation/vqa.hpp"

#include <fstream>

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace {

const std::string vqa_fixtures = COCA_TEST_DATA "/evaluation/vqa_";

std::vector<VqaAnnotation> vqa_annotations() {
  return read_vqa_annotations(AnnotationFile(vqa_fixtures + "annotations.json").text());
}

std::vector<std::string> ten_answers(std::size_t right) {
  std::vector<std::string> answers;
  for (std::size_t i = 0; i < 10; ++i) answers.push_back(i < right ? "x" : std::to_string(i));
  return answers;
}

}  // namespace

TEST_CASE("Answers are normalised as by VQA's official script", "[evaluation]") {
  std::ifstream file(vqa_fixtures + "normalised.jsonl");
  std::size_t lines = 0;
  for (std::string line; std::getline(file, line); ++lines) {
    const Json row = parse_json(line, "vqa_normalised.jsonl");
    INFO(line);
    CHECK(normalized_vqa_answer(row["answer"].get<std::string>()) ==
          row["normalised"].get<std::string>());
  }
  CHECK(lines == 94);
  CHECK(normalized_vqa_answer("a" + std::string(40, '.')) == "a" + std::string(8, '.'));
}

TEST_CASE("Accuracies equal the official script's", "[evaluation]") {
  const Json expected = read_json_file(vqa_fixtures + "expected.json");
  const VqaScores scores = vqa_scores(
      vqa_annotations(), read_vqa_results(AnnotationFile(vqa_fixtures + "results.json").text()));
  const Json& accuracy = expected["accuracy"];
  CHECK(vqa_percent(scores.overall) == accuracy["overall"].get<double>());
  std::map<std::string, double> answers, questions;
  for (const auto& [type, value] : scores.by_answer_type) answers[type] = vqa_percent(value);
  for (const auto& [type, value] : scores.by_question_type) questions[type] = vqa_percent(value);
  CHECK(answers == accuracy["perAnswerType"].get<std::map<std::string, double>>());
  CHECK(questions == accuracy["perQuestionType"].get<std::map<std::string, double>>());
  REQUIRE(scores.each.size() == 12);
  for (const auto& [question, value] : scores.each)
    CHECK(vqa_percent(value) == expected["per_question"][question].get<double>());
  CHECK(scores.unanswered == 0);
}

TEST_CASE("The answer list and soft targets equal bottom-up-attention-vqa's", "[evaluation]") {
  const Json expected = read_json_file(vqa_fixtures + "expected.json");
  const auto annotations = vqa_annotations();
  const VqaAnswerList list = vqa_answer_list(annotations, 1);
  CHECK(list.questions == expected["occurrences"].get<std::map<std::string, std::size_t>>());
  CHECK(list.answers.front() == "yes");
  CHECK(list.answers[1] == "0");
  CHECK(vqa_answer_list(annotations, 2).answers == std::vector<std::string>{"yes"});
  std::unordered_map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < list.answers.size(); ++i) places[list.answers[i]] = i;
  for (std::size_t i = 0; i < annotations.size(); ++i) {
    std::map<std::string, double> found;
    for (const auto& [place, score] : vqa_targets(annotations[i], places, VqaMatching::as_written))
      found[list.answers[place]] = std::round(score * 1e9) / 1e9;
    INFO(annotations[i].question_id);
    CHECK(found == expected["targets"][i]["scores"].get<std::map<std::string, double>>());
  }
  // "2" seven times, "two" twice; "none", "zero" and "0" are the same answer.
  CHECK(vqa_targets(annotations[4], places).at(places.at("0")) == 1.0);
}

TEST_CASE("The accuracy leaves each annotator out in turn", "[evaluation]") {
  const std::vector<double> expected{0, 0.3, 0.6, 0.9, 1, 1};
  for (std::size_t right = 0; right < expected.size(); ++right)
    CHECK(testing::close(vqa_accuracy("x", ten_answers(right)), expected[right], 1e-12));
  CHECK(testing::close(vqa_accuracy("x", std::vector<std::string>{"x", "x", "y"}), 4.0 / 9, 1e-12));
  CHECK(vqa_accuracy("x", std::vector<std::string>{"x"}) == 0);          // nobody else agrees
  CHECK(vqa_accuracy("Yes", std::vector<std::string>(10, "yes")) == 0);  // a quirk
  CHECK(testing::error_of([] { vqa_accuracy("x", {}); }) ==
        "the accuracy of an answer needs answers of people");
}

TEST_CASE("Questions and results without counterpart are counted", "[evaluation]") {
  const std::vector<VqaAnnotation> annotations{{"1", "1", "t", "other", "a", {"a", "a", "a", "a"}},
                                               {"2", "1", "t", "other", "b", {"b"}}};
  const VqaScores scores = vqa_scores(annotations, std::vector<VqaResult>{{"1", "a"}, {"7", "b"}});
  CHECK(scores.overall == 1);
  CHECK(scores.unanswered == 1);
  CHECK(scores.unknown == 1);
  CHECK(testing::error_of([&] { vqa_scores(annotations, {}); }) ==
        "none of the questions has a result");
}
