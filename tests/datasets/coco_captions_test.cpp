#include "coca/data/coco_captions.hpp"

#include <string>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace {

std::string annotations_refusal(const std::string& text) {
  return coca_test::message_of([&] { read_coco_captions({text, "a.json"}); });
}

std::string results_refusal(const std::string& text) {
  return coca_test::message_of([&] { read_caption_results({text, "r.json"}); });
}

}  // namespace

TEST_CASE("COCO's captions are read by picture", "[data]") {
  const auto pictures = read_coco_captions(
      {"\xEF\xBB\xBF{\"info\": {}, \"images\": [{\"id\": 7, \"file_name\": \"x.jpg\"}, {\"id\": "
       "\"b\"}],\r\n \"annotations\": [{\"image_id\": 7, \"caption\": \"one\", \"id\": 1}, "
       "{\"image_id\": 7, \"caption\": \"two\", \"id\": 2}]}",
       "a.json"});
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].id == "7");
  CHECK(pictures[0].file_name == "x.jpg");
  CHECK(pictures[0].captions == std::vector<std::string>{"one", "two"});
  CHECK(pictures[1].id == "b");
  CHECK(pictures[1].captions.empty());
}

TEST_CASE("COCO's captions that cannot be read are refused", "[data]") {
  CHECK(annotations_refusal("[1]") == "a.json: expected a JSON object (captions of COCO)");
  CHECK(annotations_refusal("") ==
        "a.json: expected a JSON object (captions of COCO), found no JSON");
  CHECK(
      annotations_refusal("{\"questions\": []}") ==
      "a.json: no list \"images\", which captions of COCO have; this looks like questions of VQA");
  CHECK(annotations_refusal("{\"images\": []}") ==
        "a.json: no list \"annotations\", which captions of COCO have; this looks like Karpathy's "
        "captions");
  CHECK(
      annotations_refusal("{\"a\": 1}\n{\"a\": 2}") ==
      "a.json: expected a JSON object (captions of COCO), found several JSON values, such as JSON "
      "lines");
  CHECK(annotations_refusal("{\"images\": [{\"id\": 1},\n {\"id\": 1}], \"annotations\": []}") ==
        "a.json: line 2, column 2: an earlier picture has the same id 1");
  CHECK(annotations_refusal("{\"images\": [], \"annotations\": [{\"image_id\": 3}]}") ==
        "a.json: line 1, column 32: no picture has the id 3");
  CHECK(annotations_refusal("{\"images\": [], \"annotations\": [{\"image_id\": \"\\u001b[2J" +
                            std::string(5000, 'x') + "\"}]}")
            .size() < 200);
  CHECK(annotations_refusal("{\"images\": [{\"id\": 1.5}], \"annotations\": []}") ==
        "a.json: line 1, column 13: \"id\" is neither a whole number nor a text");
  CHECK(annotations_refusal("{\"images\": [{\"id\": 1}") ==
        "a.json: line 1: the file ends within this value");
  CHECK(annotations_refusal("{\"images\": [], \"annotations\": [{\"image_id\": 3, \"caption\": "
                            "{}}]}") == "a.json: line 1, column 32: no picture has the id 3");
  CHECK(annotations_refusal("{\"images\": [{\"id\": 3}], \"annotations\": [{\"image_id\": 3, "
                            "\"caption\": {}}]}") ==
        "a.json: line 1, column 41: \"caption\" is not a text");
}

TEST_CASE("Results are read, and refused", "[data]") {
  const auto results =
      read_caption_results({"[{\"image_id\": 7, \"caption\": \"\"}, {\"image_id\": \"x\", "
                            "\"caption\": \"b\", \"more\": 1}]",
                            "r.json"});
  REQUIRE(results.size() == 2);
  CHECK(results[1].image_id == "x");
  CHECK(results[1].caption == "b");
  CHECK(results_refusal("[{\"image_id\": 7, \"caption\": \"\"},\n{\"image_id\": 7, \"caption\": "
                        "\"\"}]") == "r.json: line 2: an earlier result is of the same picture 7");
  CHECK(results_refusal("{\"image_id\": 7, \"caption\": \"\"}\n{\"image_id\": 8}") ==
        "r.json: expected a JSON list (captions as results of COCO), found several JSON values, "
        "such as JSON lines");
  CHECK(results_refusal("{\"images\": [], \"annotations\": []}") ==
        "r.json: expected a JSON list (captions as results of COCO); this looks like captions of "
        "COCO");
  CHECK(results_refusal("[{\"image_id\": 7}]") ==
        "r.json: line 1, column 2: no key \"caption\", the keys are \"image_id\"");
  CHECK(results_refusal("[1]") == "r.json: line 1, column 2: expected a JSON object");
}
