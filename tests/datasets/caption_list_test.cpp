#include "coca/data/caption_list.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using coca::CaptionList;
using coca_test::message_of;
using Texts = std::vector<std::string>;

TEST_CASE("Rows of one picture become one entry, bad rows stay in their place") {
  CaptionList list("x.csv");
  list.add({"a", {"one", ""}}, {2, 1});
  list.guard([&] { list.fail({3, 1}, "is bad"); });
  list.guard([&] { list.fail({3, 9}, "is bad too"); });
  list.add({"b", {}}, {4, 1});
  list.add({"a", {"two"}}, {5, 1});
  const std::vector<coca::CaptionEntry> entries = list.finish();
  REQUIRE(entries.size() == 4);
  CHECK(entries[0].captions == Texts{"one", "two"});
  CHECK(entries[1].problem == "line 3: is bad");
  CHECK(entries[2].problem == "line 3, column 9: is bad too");
  CHECK(entries[3].picture == "b");
}

TEST_CASE("A list without any row that can be read is refused") {
  CHECK(message_of([] { CaptionList("x.csv").finish(); }) == "x.csv: lists no pictures");
  CaptionList bad("x.csv");
  bad.guard([&] { bad.add({"", {"a"}}, {2, 1}); });
  bad.guard([&] { bad.fail({3, 1}, "is bad too"); });
  CHECK(message_of([&] { bad.finish(); }) == "x.csv: line 2: the name of the picture is empty");
}

TEST_CASE("Errors other than the file's are not bad rows") {
  CaptionList list("x.csv");
  CHECK_THROWS_AS(list.guard([] { throw coca::ArgumentError("other"); }), coca::ArgumentError);
}

TEST_CASE("The number of bad rows is limited") {
  CaptionList list("x.csv");
  const coca::FileError error("x.csv", "bad");
  for (int i = 0; i < 1'000'000; ++i) list.add_bad(error);
  CHECK(message_of([&] { list.add_bad(error); }) ==
        "x.csv: more than 1000000 rows cannot be read, the last one: bad");
}
