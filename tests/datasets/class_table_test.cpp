#include "coca/data/class_table.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace class_table_test {
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

const std::string imagenet = COCA_TEST_DATA "/evaluation/imagenet/";

Texts lines(const std::string& name) { return read_class_names(imagenet + name, "").names; }

ClassTable imagenet_table() {
  return {read_class_names(imagenet + "imagenet1k.csv", ""), "imagenet1k.csv"};
}

}  // namespace

TEST_CASE("Classes are found by folder, number and name") {
  const ClassTable table({{"cat", "dog", "7"}, {"n1", "n2", "n3"}}, "x");
  CHECK(table.of_folder("n2") == 1u);
  CHECK_FALSE(table.of_folder("n9"));
  CHECK(table.of_number(2, "p") == 2u);
  CHECK(table.of_text("dog", "p") == 1u);
  CHECK(table.of_text("n1", "p") == 0u);
  CHECK(table.of_text("7", "p") == 2u);  // a name before a number
  CHECK(table.of_text("1", "p") == 1u);
  CHECK(message_of([&] { table.of_number(3, "p"); }) ==
        "p: is of class 3, but x has the classes 0 to 2");
  CHECK(message_of([&] { table.of_text("cow", "p"); }) == "p: its label \"cow\" is not in x");
}

TEST_CASE("Only the classes of a subset compete, in the order of their numbers") {
  ClassTable table = imagenet_table();
  table.restrict_to(lines("imagenet_a.txt"), "imagenet_a.txt");
  CHECK(table.size() == 1000);
  const Texts names = table.candidates();
  REQUIRE(names.size() == 200);
  CHECK(names[0] == "stingray");  // n01498041, number 6
  CHECK(table.of_folder("n01498041") == 0u);
  CHECK(table.of_number(6, "p") == 0u);
  CHECK_FALSE(table.of_folder("n01440764"));
  CHECK_FALSE(table.of_number(0, "p"));
  ClassTable numbers = imagenet_table();
  numbers.restrict_to(Texts{"6", "2"}, "x");
  CHECK(numbers.candidates() == Texts{"great white shark", "stingray"});
}

TEST_CASE("Two classes of one name are two classes") {
  const ClassTable table = imagenet_table();
  CHECK(table.of_folder("n03773504") != table.of_folder("n04008634"));
  const Texts names = table.candidates();
  CHECK(names[table.of_folder("n03773504").value()] == "missile");
  CHECK(names[table.of_folder("n04008634").value()] == "missile");
  CHECK(message_of([&] { table.of_text("sunglasses", "p"); }) ==
        "p: several classes are called \"sunglasses\"; label its pictures with numbers or folders");
}

TEST_CASE("Folders in order are those of the candidates") {
  ClassTable table({{"a", "b", "c"}, {}}, "names.txt");
  table.restrict_to(Texts{"0", "2"}, "x");
  table.name_folders(Texts{"f", "g"}, "root");
  CHECK(table.of_folder("f") == 0u);
  CHECK(table.of_folder("g") == 1u);
  CHECK(message_of([&] { table.name_folders(Texts{"f"}, "root"); }) ==
        "root: has 1 folders of classes, but names.txt has 2 names; names with folders are a CSV "
        "with the columns folder and name");
}

TEST_CASE("Subsets and names that do not fit are refused") {
  ClassTable table({{"a", "b"}, {"x", "y"}}, "names");
  CHECK(message_of([&] {
          table.restrict_to(Texts{"x", "0"}, "s");
        }) == "s: the class \"0\" occurs twice");
  CHECK(message_of([&] { table.restrict_to(Texts{"2"}, "s"); }) ==
        "s: \"2\" is neither a folder of names nor a number from 0 to 1");
  CHECK(message_of([&] { table.restrict_to({}, "s"); }) == "s: lists no classes");
  CHECK(message_of([] {
          ClassTable({{"a"}, {"x", "y"}}, "names");
        }) == "names: has 1 names for 2 folders");
  CHECK(message_of([] { ClassTable({}, "names"); }) == "names: has no names of classes");
}

}  // namespace class_table_test
