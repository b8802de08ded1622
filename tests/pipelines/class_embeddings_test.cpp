#include "coca/pipelines/class_embeddings.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace class_embeddings_test {
using coca_test::message_of;

namespace {

/// "34" is (0.6, 0.8), anything else (1, 0).
Embeddings embed_numbers(std::span<const std::string> texts) {
  Embeddings all{{}, texts.size(), 2};
  for (const std::string& text : texts) {
    all.values.push_back(text == "34" ? 0.6f : 1.0f);
    all.values.push_back(text == "34" ? 0.8f : 0.0f);
  }
  return all;
}

}  // namespace

TEST_CASE("The embedding of a class is the normalised mean of its prompts") {
  std::size_t last = 0;
  const Embeddings classes = class_embeddings({{"x", "34"}, {"34"}, {"x"}}, embed_numbers,
                                              [&](std::size_t done, std::size_t) { last = done; });
  REQUIRE(classes.count == 3);
  CHECK(classes.width == 2);
  // (1.6, 0.8) / sqrt(3.2); a few roundings to float
  CHECK(std::abs(classes.values[0] - 0.894427191f) <= 2e-7f);
  CHECK(std::abs(classes.values[1] - 0.447213595f) <= 2e-7f);
  CHECK(std::abs(classes.values[3] - 0.8f) <= 2e-7f);
  CHECK(classes.values[4] == 1.0f);
  CHECK(last == 3);
}

TEST_CASE("No classes, and classes without prompts, are refused") {
  CHECK(message_of([] { class_embeddings({}, embed_numbers); }) == "there are no classes to choose from");
  CHECK(message_of([] { class_embeddings({{"x"}, {}}, embed_numbers); }) == "class 1 has no prompts");
}

}  // namespace class_embeddings_test
