#include "coca/text/html_entities.hpp"

#include <algorithm>

#include "catch.hpp"

TEST_CASE("the table holds all names of HTML 5") {
  const std::string_view table = coca::detail::html_entity_table;
  CHECK(std::count(table.begin(), table.end(), '=') == 2231);
  CHECK(std::count(table.begin(), table.end(), ' ') == 2231);
  CHECK(table.starts_with("AElig=C6 AElig;=C6 AMP=26 "));
  CHECK(table.ends_with(" zwj;=200D zwnj;=200C "));
  CHECK(table.find(" NotEqualTilde;=2242+338 ") != std::string_view::npos);
}

TEST_CASE("upper-case forms") {
  CHECK(coca::detail::html_entity_upper_table.find(" szlig;=53+53 ") != std::string_view::npos);
}
