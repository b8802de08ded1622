#include "coca/core/nearest_names.hpp"

#include "catch.hpp"

using namespace coca;

namespace nearest_names_test {
using Names = std::vector<std::string>;

TEST_CASE("the distance of texts is the number of changed bytes") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "ab") == 2);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("sitting", "kitten") == 3);
  CHECK(edit_distance("flaw", "lawn") == 2);
  CHECK(edit_distance("same", "same") == 0);
}

TEST_CASE("names that resemble another are found, nearest first") {
  const Names names{"ViT-L-14", "ViT-B-16", "ViT-B-32", "coca_base", "ViT-B-32-256"};
  CHECK(nearest_names("ViT-B-33", names) == Names{"ViT-B-32", "ViT-B-16"});
  CHECK(nearest_names("vit-b-32", names) == Names{"ViT-B-32", "ViT-B-16"});
  CHECK(nearest_names("coca-base", names) == Names{"coca_base"});
  CHECK(nearest_names("resnet", names).empty());
  CHECK(nearest_names("", names).empty());
  CHECK(nearest_names("aa", {"ab", "ac", "ad", "ae"}) == Names{"ab", "ac", "ad"});
  CHECK(nearest_names("x", {}).empty());
}

TEST_CASE("alternatives are joined as people do") {
  CHECK(alternatives({}).empty());
  CHECK(alternatives({"a"}) == "a");
  CHECK(alternatives({"a", "b"}) == "a or b");
  CHECK(alternatives({"a", "b", "c"}) == "a, b or c");
}

}  // namespace nearest_names_test
