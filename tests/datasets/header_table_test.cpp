#include "coca/data/header_table.hpp"

#include <string>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca_test;

namespace header_table_test {
using coca::HeaderTable;

TEST_CASE("Fields are found by the names of their columns", "[data]") {
  HeaderTable table(
      "\xEF\xBB\xBF"
      "b,a\r\n1,\"x, y\"\r\n\r\n2,z\r\n",
      "t.csv");
  CHECK(table.has("a"));
  CHECK_FALSE(table.has("c"));
  REQUIRE(table.next());
  CHECK(table.at("a") == "x, y");
  CHECK(table.at("b") == "1");
  CHECK(table.at("c") == "");
  REQUIRE(table.next());
  CHECK(message_of([&] { table.fail("is wrong"); }) == "t.csv: line 4: is wrong");
  CHECK_FALSE(table.next());
}

TEST_CASE("Tables that do not fit their header are refused", "[data]") {
  CHECK(message_of([] { HeaderTable("", "t.csv"); }) ==
        "t.csv: is empty, expected a line of column names");
  CHECK(message_of([] { HeaderTable("a,b,a\n", "t.csv"); }) ==
        "t.csv: the column \"a\" occurs twice");
  CHECK(message_of([] {
          HeaderTable("a,b\n", "t.csv").require({"b", "c"});
        }) == "t.csv: no column \"c\", the first line names \"a\" and \"b\"");
  HeaderTable table("a,b\n1\n", "t.csv");
  CHECK(message_of([&] { table.next(); }) ==
        "t.csv: line 2: has 1 fields, the first line names 2 columns");
}

}  // namespace header_table_test
