#include "coca/training/question_data.hpp"

#include "catch.hpp"
#include "training/small_questions.hpp"

using namespace coca;
using namespace coca::testing;

namespace question_data_test {
using coca_test::message_of;

TEST_CASE("A task's data is opened as options name it", "[questions]") {
  const SmallQuestions data;
  const TrainingSubject questions = data.subject(data.options("vqa"));
  REQUIRE(questions.training_data);
  CHECK(questions.training_data->records.size() == 32);
  CHECK(questions.training_data->pictures_per_sample == 1);
  CHECK(questions.training_data->flip_key == may_flip_field);
  CHECK(questions.validation_data->records.size() == 32);
  CHECK(questions.answers == std::vector<std::string>{"blue", "circle", "cross", "green", "red",
                                                      "square", "stripes", "yellow"});
  const TrainingSubject pairs = data.subject(data.options("pairs"));
  CHECK(pairs.training_data->records.size() == 32);
  CHECK(pairs.training_data->pictures_per_sample == 2);
  CHECK(pairs.answers.empty());
  CHECK(data.subject(data.options("entailment")).training_data->records.size() == 48);
  CHECK_FALSE(data.subject(data.options("coca")).training_data);
}

TEST_CASE("Answers to choose from are read or are frequent", "[questions]") {
  const SmallQuestions data;
  TrainingOptions options = data.options("vqa");
  options.data.answers = data.folder().write("some.txt", "red\ncircle\n");
  CHECK(data.subject(options).answers == std::vector<std::string>{"red", "circle"});
  options.data.answers.clear();
  options.data.answer_count = 5;
  CHECK(
      message_of([&] { data.subject(options); }) ==
      "0 answers are given to at least 5 questions, expected at least two: lower answer_count, or "
      "give a file of answers");
  options.data.annotations.clear();
  CHECK(message_of([&] { data.subject(options); }) ==
        "got 1 file of questions and 0 of annotations: give one of annotations for each "
        "(--annotations)");
  options.data.training.clear();
  CHECK(message_of([&] { data.subject(options); }) == "there is no data to train on");
}

TEST_CASE("Lists of answers are JSON lists of texts", "[questions]") {
  CHECK(texts_of_list("[\"a\", \"b\"]") == std::vector<std::string>{"a", "b"});
  CHECK(message_of([] { texts_of_list("[1]"); }) == "\"[1]\" is no JSON list of texts");
  CHECK_THROWS_AS(texts_of_list("["), ArgumentError);
  CHECK_THROWS_AS(texts_of_list("\"a\""), ArgumentError);
}

}  // namespace question_data_test
