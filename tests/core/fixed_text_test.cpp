#include "coca/core/fixed_text.hpp"

#include <cfloat>
#include <clocale>
#include <string>

#include "catch.hpp"

using namespace coca;

TEST_CASE("Numbers with decimals are those of the C locale") {
  CHECK(fixed_text(0.5, 3) == "0.500");
  CHECK(fixed_text(-1.0 / 3, 6) == "-0.333333");
  CHECK(fixed_text(1e22, 0) == "10000000000000000000000");
  CHECK(fixed_text(DBL_MAX, 6).size() == 309 + 7);
  for (const double value : {0.48145466, 0.26862954, 0.0, 1234.5678901})
    CHECK(fixed_text(value, 6) == std::to_string(value));
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  for (const char* comma : {"de_DE.UTF-8", "fr_FR.UTF-8"})  // nothing happens where there is none
    if (std::setlocale(LC_NUMERIC, comma) != nullptr) CHECK(fixed_text(0.5, 3) == "0.500");
  std::setlocale(LC_NUMERIC, before.c_str());
}
