#include "coca/evaluation/retrieval_examples.hpp"

#include <vector>

#include "catch.hpp"
#include "coca/evaluation/retrieval_page.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace retrieval_examples_test {
using coca_test::contains;
using coca_test::message_of;

namespace {

const std::vector<float> pictures{1, 0, 0, 1, 1, 1}, texts{2, 0, 0, 3, 1, 0.9f, 1, 0};

std::vector<std::size_t> queries_of(const std::vector<RetrievalExample>& examples) {
  std::vector<std::size_t> queries;
  for (const RetrievalExample& example : examples) queries.push_back(example.query);
  return queries;
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

}  // namespace

TEST_CASE("The nearest rows are sorted by cosine, equal ones by order") {
  const auto nearest = nearest_rows({pictures, 2}, 0, {texts, 2}, 3);
  REQUIRE(nearest.size() == 3);
  CHECK(nearest[0].number == 0);
  CHECK(nearest[1].number == 3);
  CHECK(nearest[2].number == 2);
  CHECK(std::abs(nearest[0].similarity - 1.0f) <= 2e-7f);  // two norms, each rounded once
  CHECK(nearest_rows({pictures, 2}, 2, {texts, 2}, 99).size() == 4);
  CHECK(message_of([] {
          nearest_rows({pictures, 2}, 3, {texts, 2}, 1);
        }) == "query 3 was requested of 3");
}

TEST_CASE("Examples are the worst misses and hits from all over the data") {
  const std::vector<std::size_t> ranks{0, 2, 1};
  const RetrievalExamples examples = retrieval_examples(
      {pictures, 2}, {texts, 2}, ranks, {{0}, {2}, {1}}, {.queries = 2, .nearest = 1});
  CHECK(queries_of(examples.misses) == std::vector<std::size_t>{1, 2});
  CHECK(queries_of(examples.hits) == std::vector<std::size_t>{0});
  CHECK(examples.misses[0].rank == 2);
  CHECK(examples.misses[0].nearest[0].number == 1);
  CHECK(examples.misses[0].right == std::vector<std::size_t>{2});
  CHECK(detail::spread_hits(std::vector<std::size_t>(9, 0), 3) ==
        std::vector<std::size_t>{0, 3, 6});
  CHECK(detail::worst_queries(std::vector<std::size_t>{5, never_found, 0, 5}, 3) ==
        std::vector<std::size_t>{1, 0, 3});
}

TEST_CASE("A page shows hits and misses with their pictures, text escaped") {
  RetrievalRun run;
  run.pictures = {
      {"1", "a<b.png", {"x"}, {""}}, {"2", "c.png", {"y"}, {""}}, {"3", "d", {"z"}, {""}}};
  run.texts = {"x & \"y\"", "<script>", "z\xFF", "w"};
  run.positives = {{0}, {2}, {1}};
  run.image_embeddings = {pictures, 3, 2};
  run.text_embeddings = {texts, 4, 2};
  run.ranks = {{0, 2, 1}, {0, never_found, 1, 0}};
  std::size_t reads = 0;
  const std::string page = retrieval_page(run, "t & u", {"R@1 < 50"}, [&](std::size_t i) {
    ++reads;
    return i == 2 ? std::string() : thumbnail_address(Image(400, 200));
  });
  CHECK(page.starts_with("<!DOCTYPE html>"));
  CHECK(contains(page, "<title>t &amp; u</title>"));
  CHECK(contains(page, "R@1 &lt; 50"));
  CHECK_FALSE(contains(page, "<script>"));
  CHECK(contains(page, "x &amp; &quot;y&quot;"));
  CHECK(contains(page, "z?"));
  CHECK(contains(page, "alt=\"a&lt;b.png\""));
  CHECK(contains(page, "src=\"data:image/png;base64,iVBORw0KGgo"));
  CHECK(contains(page, "rank none"));
  CHECK(contains(page, "rank 3; right: z?"));
  CHECK(contains(page, "<li class=\"right\">"));
  CHECK(count(page, "<h2>") == 4);
  CHECK(reads == 3);                    // each picture once
  CHECK_FALSE(contains(page, "http"));  // nothing from elsewhere
}

TEST_CASE("Thumbnails keep their shape, and small pictures their size") {
  const auto size_of = [](const Image& image) { return thumbnail_address(image).size(); };
  CHECK(size_of(Image(1, 3000)) > 0);
  CHECK(thumbnail_address(Image(10, 10)) ==
        "data:image/png;base64," + to_base64(encode_png(Image(10, 10))));
}

}  // namespace retrieval_examples_test
