#include "coca/io/pickle_value.hpp"

#include "catch.hpp"

using namespace coca;

TEST_CASE("values are told apart by type, and the last of equal keys counts") {
  PickleDocument document;
  document.values = {std::string("a"), std::int64_t{1}, std::string("a"), std::int64_t{2},
                     std::string("b")};
  const PickleDict dict{{{0, 1}, {1, 4}, {2, 3}}};
  CHECK(document.get<std::string>(0) != nullptr);
  CHECK(document.get<bool>(1) == nullptr);
  CHECK(document.find(dict, "a") == PickleRef{3});
  CHECK(document.find(dict, "b") == std::nullopt);
}
