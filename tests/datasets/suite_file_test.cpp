#include "coca/data/suite_file.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace suite_file_test {
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

std::vector<SuiteEntry> read(const std::string& text) {
  return parse_suite({text, "dir/suite.json"});
}

std::string refusal(const std::string& text) {
  return message_of([&] { read(text); });
}

}  // namespace

TEST_CASE("A suite lists data sets, with paths relative to the file") {
  const auto entries = read(R"([
    {"name": "imagenet1k", "data": "val", "names": "names.csv", "templates": "imagenet"},
    {"name": "objectnet", "data": "/data/objectnet", "labels": "objectnet.csv", "crop_border": 2,
     "templates": ["a {c}", "t.txt"], "classes": "some.txt"},
    {"name": "v2", "data": "v2", "labels": "number", "label_key": "kind", "image_key": "file",
     "image_folder": "pictures"}])");
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].source.name == "imagenet1k");
  CHECK(entries[0].source.data == "dir/val");
  CHECK(entries[0].source.names == "dir/names.csv");
  CHECK(entries[0].source.labels == "folder");
  CHECK(entries[0].templates == Texts{"imagenet"});
  CHECK(entries[0].crop_border == 0);
  CHECK(entries[1].source.data == "/data/objectnet");
  CHECK(entries[1].source.labels == "dir/objectnet.csv");
  CHECK(entries[1].source.classes == "dir/some.txt");
  CHECK(entries[1].templates == Texts{"a {c}", "dir/t.txt"});
  CHECK(entries[1].crop_border == 2);
  CHECK(entries[2].source.labels == "number");
  CHECK(entries[2].source.table.caption_key == "kind");
  CHECK(entries[2].source.table.image_key == "file");
  CHECK(entries[2].source.table.image_folder == "dir/pictures");
}

TEST_CASE("A suite with mistakes is refused") {
  CHECK(refusal("[]") == "dir/suite.json: lists no data sets");
  CHECK(refusal(R"([{"name": "a"}])") ==
        "dir/suite.json: line 1, column 2: no key \"data\", the keys are \"name\"");
  CHECK(refusal(R"([{"name": "a", "data": "x", "label": "folder"}])") ==
        "dir/suite.json: line 1, column 2: unknown key \"label\", expected \"name\", \"data\", "
        "\"names\", \"templates\", \"labels\", \"classes\", \"image_key\", \"image_folder\", "
        "\"label_key\" or \"crop_border\"");
  CHECK(refusal(R"([{"name": "a", "data": "x"}, {"name": "a", "data": "y"}])") ==
        "dir/suite.json: line 1, column 30: an earlier data set has the same name \"a\"");
  for (const char* border : {"-1", "1.5", "\"2\"", "1000001", "1e3"})
    CHECK(refusal(R"([{"name": "a", "data": "x", "crop_border": )" + std::string(border) + "}]") ==
          "dir/suite.json: line 1, column 2: \"crop_border\" is not a number of pixels");
  CHECK(refusal(R"([{"name": "a", "data": "x", "templates": []}])") ==
        "dir/suite.json: line 1, column 2: \"templates\" is empty");
  CHECK(refusal(R"([{"name": "", "data": "x"}])") ==
        "dir/suite.json: line 1, column 2: \"name\" is empty");
  CHECK(refusal(R"([{"name": "a", "data": ""}])") ==
        "dir/suite.json: line 1, column 2: \"data\" is empty");
  CHECK(refusal(R"({"name": "a"})").starts_with("dir/suite.json: expected a JSON list"));
}

}  // namespace suite_file_test
