#include "coca/data/delimited_text.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

namespace delimited_text_test {

using Row = std::vector<std::string>;

namespace {
std::vector<Row> rows_of(std::string_view text, char separator = ',') {
  coca::DelimitedText reader(text, separator, "x.csv");
  std::vector<Row> rows;
  for (Row row; reader.next(row);) rows.push_back(row);
  return rows;
}
}  // namespace

TEST_CASE("Fields are split as Python's csv module splits them") {
  CHECK(rows_of("a,b\nc,d\n") == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of("a,b\r\nc,d") == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of("a\rb") == std::vector<Row>{{"a"}, {"b"}});
  CHECK(rows_of(",\n,") == std::vector<Row>{{"", ""}, {"", ""}});
  CHECK(rows_of("\n\na\n\r\n\n") == std::vector<Row>{{"a"}});
  CHECK(rows_of("").empty());
  CHECK(rows_of("\n").empty());
  CHECK(rows_of("\"a,b\",\"c\"\"d\",\"\"\n") == std::vector<Row>{{"a,b", "c\"d", ""}});
  CHECK(rows_of("\"a\nb\r\nc\",d") == std::vector<Row>{{"a\nb\r\nc", "d"}});
  CHECK(rows_of("a\"b\"c,d") == std::vector<Row>{{"a\"b\"c", "d"}});
  CHECK(rows_of("\"a\" b\"c,d") == std::vector<Row>{{"a b\"c", "d"}});
  CHECK(rows_of("a,b\tc", '\t') == std::vector<Row>{{"a,b", "c"}});
  CHECK(rows_of("\"\"") == std::vector<Row>{{""}});
}

TEST_CASE("Rows know their line, also after line breaks in quotes") {
  coca::DelimitedText reader("h\n\n\"a\nb\nc\"\nd\n", ',', "x.csv");
  Row row;
  REQUIRE(reader.next(row));
  CHECK(reader.line() == 1);
  REQUIRE(reader.next(row));
  CHECK(reader.line() == 3);
  REQUIRE(reader.next(row));
  CHECK(row == Row{"d"});
  CHECK(reader.line() == 6);
  CHECK_FALSE(reader.next(row));
}

TEST_CASE("A quoted field without end names its first line") {
  CHECK(coca_test::message_of([] { rows_of("a\nb,\"c\nd\n"); }) ==
        "x.csv: line 2: the quoted field that begins here never ends");
}

TEST_CASE("After a quoted field without end the next line is read") {
  coca::DelimitedText reader("a,\"b\nc,\"\"\nd", ',', "x.csv");
  Row row;
  CHECK(coca_test::message_of([&] { reader.next(row); }) ==
        "x.csv: line 1: the quoted field that begins here never ends");
  REQUIRE(reader.next(row));
  CHECK(row == Row{"c", ""});
  CHECK(reader.line() == 2);
  REQUIRE(reader.next(row));
  CHECK(row == Row{"d"});
  CHECK_FALSE(reader.next(row));
  coca::DelimitedText last("\"a", ',', "x.csv");
  CHECK(coca_test::message_of([&] { last.next(row); }) != "no error");
  CHECK_FALSE(last.next(row));
}

}  // namespace delimited_text_test
