#include "coca/data/class_names.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace class_names_test {
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

const std::string data = COCA_TEST_DATA "/evaluation/";

std::string refusal(const std::string& text) {
  return message_of([&] { parse_class_names(text, "names", "toy"); });
}

}  // namespace

TEST_CASE("Class names are read from CLIP_benchmark's JSON by data set") {
  const std::string path = data + "formats/en_classnames.json";
  CHECK(read_class_names(path, "toy").names == Texts{"cat", "dog", "t-shirt"});
  CHECK(read_class_names(path, "wds/vtab/toy").names == Texts{"cat", "dog", "t-shirt"});
  CHECK(read_class_names(path, "wds/imagenet1k").names[0] == "tench");
  CHECK(message_of([&] { read_class_names(path, "wds/food"); }) ==
        path + ": has no data set \"wds/food\" or \"food\"; it has \"imagenet1k\" and \"toy\"");
}

TEST_CASE("Class names are read from lines and from JSON lists") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.write("names.txt", "\xEF\xBB\xBF cat \r\n\n tabby cat\n");
  const ClassNames lines = read_class_names(path, "toy");
  CHECK(lines.names == Texts{"cat", "tabby cat"});
  CHECK(lines.folders.empty());
  CHECK(parse_class_names(R"(["a", "b, c"])", "x", "toy").names == Texts{"a", "b, c"});
  CHECK(parse_class_names("cat, tabby\nwnid, x\n", "x", "").names ==
        Texts{"cat, tabby", "wnid, x"});
}

TEST_CASE("Class names are read with their folders") {
  const ClassNames imagenet = read_class_names(data + "imagenet/imagenet1k.csv", "");
  REQUIRE(imagenet.names.size() == 1000);
  CHECK(imagenet.folders[0] == "n01440764");
  CHECK(imagenet.names[2] == "great white shark");
  const ClassNames objectnet = read_class_names(data + "imagenet/objectnet.csv", "");
  REQUIRE(objectnet.names.size() == 113);
  CHECK(objectnet.folders[0] == "alarm_clock");
  CHECK(objectnet.names[0] == "alarm clock");
  CHECK(parse_class_names("folder,count\na,1\n", "x", "").names.empty());
}

TEST_CASE("Files that list no classes are refused") {
  CHECK(refusal("\n \n") == "names: lists no classes");
  CHECK(refusal("[]") == "names: the JSON is not a list of texts");
  CHECK(refusal(R"({"toy": {"cat": 1}})") ==
        "names: the value of a data set is not a list of texts");
  CHECK(refusal("folder,name\na,cat\na,dog\n") ==
        "names: line 3: an earlier row has the same folder a");
  CHECK(refusal("folder,name\na\n") == "names: line 2: the row has 1 fields, the header has 2");
  CHECK(refusal("folder,name\n,cat\n") == "names: line 2: the folder is empty");
  CHECK(refusal("folder,name\na,\n") == "names: line 2: the name is empty");
  const coca_test::TemporaryFolder folder;
  const std::string latin = folder.write("latin.txt", "caf\xE9\n");
  CHECK(message_of([&] { read_class_names(latin, "toy"); }) ==
        latin + ": line 1, column 4: the text is not UTF-8");
}

}  // namespace class_names_test
