#include "coca/text/prompt_template.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace prompt_template_test {

TEST_CASE("Every placeholder of a template becomes the label") {
  CHECK(fill_template("a {}.", "cat") == "a cat.");
  CHECK(fill_template("{c}: a {c} and a {}", "cat") == "cat: a cat and a cat");
  CHECK(fill_template("{}{c}", "x") == "xx");
  CHECK(fill_template("{ c} {}", "x") == "{ c} x");
}

TEST_CASE("Placeholders within a label stay") {
  CHECK(fill_template("a {}", "set {c}") == "a set {c}");
  CHECK(fill_template("a {c} of {}", "{}") == "a {} of {}");
}

TEST_CASE("A template without a placeholder is refused") {
  CHECK(is_prompt_template("{c}"));
  CHECK(is_prompt_template("x{}"));
  CHECK_FALSE(is_prompt_template("{x} c {"));
  CHECK(coca_test::message_of([] { fill_template("a photo", "cat"); }) ==
        "the prompt template \"a photo\" has no {} for the label");
}

}  // namespace prompt_template_test
