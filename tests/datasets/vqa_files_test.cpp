#include "coca/data/vqa_files.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

TEST_CASE("VQA's questions, annotations and results are read", "[data]") {
  const std::string folder = COCA_TEST_DATA "/evaluation/vqa_";
  const auto questions = read_vqa_questions(AnnotationFile(folder + "questions.json").text());
  REQUIRE(questions.size() == 12);
  CHECK(questions[0].question == "Is there a dog?");
  CHECK(questions[0].image_id == "42");
  const auto annotations = read_vqa_annotations(AnnotationFile(folder + "annotations.json").text());
  REQUIRE(annotations.size() == 12);
  CHECK(annotations[4].question_type == "how many");
  CHECK(annotations[4].answers.size() == 10);
  CHECK(read_vqa_results(AnnotationFile(folder + "results.json").text()).size() == 12);
}

TEST_CASE("VQA's results are written as they are read", "[data]") {
  const std::string text = vqa_results_json({{"42000", "yes"}, {"x1", "a \"b\"\xff"}});
  const auto results = read_vqa_results({text, "r"});
  REQUIRE(results.size() == 2);
  CHECK(text.starts_with("[{\"question_id\":42000,\"answer\":\"yes\"},"));
  CHECK(results[1].question_id == "x1");
}

TEST_CASE("VQA's files that cannot be read are refused", "[data]") {
  const auto refusal = [](const std::string& text) {
    return coca_test::message_of([&] { read_vqa_annotations({text, "a.json"}); });
  };
  const std::string row =
      "{\"question_id\": 1, \"image_id\": 2, \"question_type\": \"t\", \"answer_type\": \"other\", "
      "\"multiple_choice_answer\": \"x\", \"answers\": ";
  CHECK(refusal("{\"annotations\": [" + row + "[]}]}") ==
        "a.json: line 1, column 18: \"answers\" is not a list of at least one answer");
  CHECK(refusal("{\"annotations\": [" + row + "[{}]}]}") ==
        "a.json: line 1, column 18: an answer has no \"answer\"");
  const std::string good = row + "[{\"answer\": \"x\"}]}";
  CHECK(refusal("{\"annotations\": [" + good + ",\n" + good + "]}") ==
        "a.json: line 2: an earlier row has the same question_id 1");
  CHECK(refusal("{\"questions\": []}") ==
        "a.json: no list \"annotations\", which answers of VQA have; this looks like questions of "
        "VQA");
  CHECK(coca_test::message_of([] {
          read_vqa_results({"[{\"image_id\": 1, \"caption\": \"x\"}]", "r"});
        }) ==
        "r: line 1, column 2: no key \"question_id\", the keys are \"caption\", \"image_id\"");
  CHECK(coca_test::message_of([] {
          read_vqa_questions({"[{\"question_id\": 1, \"answer\": \"x\"}]", "q"});
        }) == "q: expected a JSON object (questions of VQA); this looks like results of VQA");
}
