#include "coca/data/positives_file.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace positives_file_test {
using coca_test::contains;
using coca_test::message_of;
using Lists = std::vector<std::vector<std::size_t>>;

namespace {

/// Captions 0 to 3.
const std::vector<AnnotatedPicture> pictures{{"10", "a.jpg", {"x", "y"}, {"1", "2"}},
                                             {"20", "b.jpg", {"z", "w"}, {"3", "10"}}};

Positives read(const std::string& text) {
  return resolve_positives(parse_positives(text, "p.json"), pictures);
}

std::string refusal(const std::string& text) {
  return message_of([&] { read(text); });
}

}  // namespace

TEST_CASE("Right captions of pictures are found by their ids") {
  const Positives positives = read(R"({"20": [3, 1, 1], "99": [1], "10": [2, 88]})");
  CHECK(positives.of_pictures);
  CHECK(positives.lists == Lists{{1}, {0, 2}});
  CHECK(positives.unknown == 2);
}

TEST_CASE("Right pictures of captions are found by their ids") {
  const Positives positives = read(R"({"1": [10, 20], "3": ["20"]})");
  CHECK_FALSE(positives.of_pictures);
  CHECK(positives.lists == Lists{{0, 1}, {}, {1}, {}});
  CHECK(positives.unknown == 0);
}

TEST_CASE("Where ids of pictures and captions overlap, the reading with fewer unknown ids counts") {
  CHECK(read(R"({"10": [1], "20": [3]})").of_pictures);
  CHECK_FALSE(read(R"({"10": [20, 10], "1": [20]})").of_pictures);
}

TEST_CASE("Captions without ids are no answers") {
  std::vector<AnnotatedPicture> unnamed = pictures;
  unnamed[0].caption_ids = {"", ""};
  const Positives positives =
      resolve_positives(parse_positives(R"({"20": [3, ""]})", "p"), unnamed);
  CHECK(positives.lists == Lists{{}, {2}});
}

TEST_CASE("Lists are inverted") {
  CHECK(inverted({{1}, {0, 2}, {2}}, 3) == Lists{{1}, {0}, {1, 2}});
}

TEST_CASE("What is no file of right answers is refused") {
  CHECK(refusal("[1]") == "p.json: expected a JSON object from ids to lists of ids");
  CHECK(refusal("{}") == "p.json: lists no right answers");
  CHECK(refusal(R"({"1": [1]} {})") == "p.json: expected one JSON object from ids to lists of ids");
  CHECK(refusal(R"({"1": 2})") ==
        "p.json: line 1, column 7: expected a list of ids, whole numbers or texts");
  CHECK(refusal(R"({"1": [1.5]})") ==
        "p.json: line 1, column 7: expected a list of ids, whole numbers or texts");
  CHECK(refusal(R"({"1": [2], "1": [3]})") ==
        "p.json: line 1, column 17: the key \"1\" occurs twice");
  CHECK(
      refusal(R"({"77": [88]})") ==
      "p.json: none of its ids is that of a picture and of a caption of the data; the first is 77");
  CHECK(contains(refusal(R"({"1": [)"), "expected one JSON object"));
}

}  // namespace positives_file_test
