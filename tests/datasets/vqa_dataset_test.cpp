#include "coca/data/vqa_dataset.hpp"

#include "catch.hpp"
#include "coca/image/write_png.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace vqa_dataset_test {

namespace {

const std::string vqa_files = COCA_TEST_DATA "/evaluation/vqa_";

std::string question(int id, const std::string& text) {
  return "{\"question_id\": " + std::to_string(id) + ", \"image_id\": " + std::to_string(id % 10) +
         ", \"question\": \"" + text + "\"}";
}
std::string annotation(int id, const std::string& answer) {
  return "{\"question_id\": " + std::to_string(id) +
         ", \"image_id\": 1, \"question_type\": \"t\", \"answer_type\": \"other\", "
         "\"multiple_choice_answer\": \"" +
         answer + "\", \"answers\": [{\"answer\": \"" + answer + "\"}, {\"answer\": \"x\\\"y\"}]}";
}

}  // namespace

TEST_CASE("Questions of VQA are records with the answers of people", "[data]") {
  const VqaDataset data({.questions = vqa_files + "questions.json",
                         .annotations = vqa_files + "annotations.json",
                         .picture_pattern = "{}.jpg"});
  REQUIRE(data.size() == 12);
  CHECK(data.notes().empty());
  const Record record = data.record(0);
  CHECK(record.name == "42.jpg");
  CHECK(record.captions.empty());
  CHECK_FALSE(record.label);
  CHECK(record.fields.at("question") == "Is there a dog?");
  CHECK(nlohmann::json::parse(record.fields.at("answers")).size() == 10);
  CHECK(record.fields.at("answer_type") == "yes/no");
  CHECK(record.fields.at(may_flip_field) == "true");
  CHECK_THROWS_AS(data.record(12), ArgumentError);
}

TEST_CASE("Pictures of questions are found by COCO's names or by a pattern", "[data]") {
  const coca_test::TemporaryFolder folder;
  const std::string list = "\"questions\": [" + question(12, "a?") + "]}";
  const std::string named = folder.write("named.json", "{\"data_subtype\": \"val2014\", " + list);
  const std::string plain = folder.write("plain.json", "{" + list);
  write_png(folder.path("p2.png"), Image(2, 3));
  CHECK(VqaDataset({.questions = named}).record(0).name == "COCO_val2014_000000000002.jpg");
  const VqaDataset data({.questions = plain, .picture_pattern = "p{}.png"});
  CHECK(data.read(0).size() > 20);
  CHECK_FALSE(data.record(0).fields.contains("answers"));
  CHECK(coca_test::message_of([&] {
          VqaDataset({.questions = named}).read(0);
        }).starts_with(folder.path("COCO_val2014_000000000002.jpg")));
  CHECK(coca_test::message_of([&] { VqaDataset({.questions = plain}); }) ==
        plain +
            ": has no \"data_subtype\", which names COCO's pictures: give a pattern of picture "
            "names, such as {}.png");
  const std::string strange = folder.write("s.json", "{\"data_subtype\": \"../{}\", " + list);
  CHECK(coca_test::message_of([&] { VqaDataset({.questions = strange}); }) ==
        strange + ": its \"data_subtype\" is \"../{}\", expected a name such as val2014");
  const std::string number = folder.write("n.json", "{\"data_subtype\": 7, " + list);
  CHECK(coca_test::message_of([&] { VqaDataset({.questions = number}); }) ==
        number + ": line 1, column 18: \"data_subtype\" is not a text");
}

TEST_CASE("Questions without answers and answers without question are left out and counted",
          "[data]") {
  const coca_test::TemporaryFolder folder;
  const std::string questions = folder.write(
      "q.json", "{\"questions\": [" + question(1, "what is above?") + "," +
                    question(2, "what is it?") + "," + question(3, "what is left of it?") + "," +
                    question(4, "x") + "]}");
  const std::string annotations = folder.write(
      "a.json", "{\"annotations\": [" + annotation(2, "a right hand") + "," + annotation(3, "dog") +
                    "," + annotation(1, "cat") + "," + annotation(9, "x") + "]}");
  const VqaDataset data(
      {.questions = questions, .annotations = annotations, .picture_pattern = "{}"});
  REQUIRE(data.size() == 3);
  CHECK(data.record(0).fields.at("answer") == "cat");
  CHECK(data.record(0).fields.at("answers") == "[\"cat\",\"x\\\"y\"]");
  CHECK(data.record(0).fields.at(may_flip_field) == "true");
  CHECK(data.record(1).fields.at(may_flip_field) == "false");  // of an answer
  CHECK(data.record(2).fields.at(may_flip_field) == "false");
  CHECK(data.notes() == std::vector<std::string>{
                            questions + ": 1 questions have no answers and are left out",
                            annotations + ": 1 annotations are of no question and are not read"});
  const std::string other =
      folder.write("o.json", "{\"annotations\": [" + annotation(9, "x") + "]}");
  CHECK(coca_test::message_of([&] {
          VqaDataset({.questions = questions, .annotations = other, .picture_pattern = "{}"});
        }) == other + ": answers none of the questions of " + questions);
}

}  // namespace vqa_dataset_test
