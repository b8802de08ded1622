#include "coca/pipelines/combined_query.hpp"

#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

namespace combined_query_test {

TEST_CASE("queries add up, with weights, to a direction") {
  const coca::Embeddings parts{{1, 0, 0, 1, 0.6f, 0.8f}, 3, 2};
  const auto query = coca::combined_query(parts, std::vector<float>{1, 2, -1});
  // (0.4, 1.2) / its norm
  REQUIRE(query.size() == 2);
  CHECK(query[0] == Approx(0.4 / 1.2649110640673518));
  CHECK(query[1] == Approx(1.2 / 1.2649110640673518));
}

TEST_CASE("queries of which nothing is left are refused") {
  const coca::Embeddings parts{{0.6f, 0.8f, 0.6f, 0.8f}, 2, 2};
  CHECK(coca_test::message_of([&] {
          coca::combined_query(parts, std::vector<float>{1, -1});
        }) == "the parts of the query cancel out");
  CHECK(coca_test::message_of([&] { coca::combined_query(parts, std::vector<float>{1}); }) ==
        "1 weight for 2 embeddings");
}

}  // namespace combined_query_test
