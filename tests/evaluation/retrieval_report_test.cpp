#include "coca/evaluation/retrieval_report.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace retrieval_report_test {

namespace {

std::optional<double> find(const Metrics& metrics, const std::string& name) {
  for (const auto& [key, value] : metrics)
    if (key == name) return value;
  FAIL("no metric " << name);
  return std::nullopt;
}

}  // namespace

TEST_CASE("Ranks become recalls, median, mean and intervals") {
  const std::vector<std::size_t> ranks{0, 4, 9, 10}, own{0, 1, 2, 3};
  Metrics metrics;
  add_rank_metrics("text_retrieval", {ranks, own}, metrics);
  CHECK(find(metrics, "text_retrieval_recall@1") == 0.25);
  CHECK(find(metrics, "text_retrieval_recall@5") == 0.5);
  CHECK(find(metrics, "text_retrieval_recall@10") == 0.75);
  CHECK(find(metrics, "text_retrieval_median_rank") == 7.5);
  CHECK(find(metrics, "text_retrieval_mean_rank") == 6.75);
  CHECK(find(metrics, "text_retrieval_recall@1_low") == 0.0);
  CHECK(*find(metrics, "text_retrieval_recall@10_high") == 1.0);
  CHECK(*find(metrics, "text_retrieval_recall@5_low") <= 0.5);
}

TEST_CASE("One cluster leaves nothing to draw") {
  const std::vector<std::size_t> ranks{0, 1}, same{7, 7};
  Metrics metrics;
  add_rank_metrics("w", {ranks, same}, metrics);
  CHECK(find(metrics, "w_recall@1_low") == 0.5);
  CHECK(find(metrics, "w_recall@1_high") == 0.5);
}

TEST_CASE("Without a match there is no mean rank") {
  const std::vector<std::size_t> ranks{0, never_found}, own{0, 1};
  Metrics metrics;
  add_rank_metrics("w", {ranks, own}, metrics);
  CHECK_FALSE(find(metrics, "w_mean_rank"));
  CHECK_FALSE(find(metrics, "w_median_rank"));  // it was 9e18
  CHECK(find(metrics, "w_recall@10") == 0.5);
}

TEST_CASE("A match of more than half of the queries is a median") {
  const std::vector<std::size_t> ranks{0, 2, never_found}, own{0, 1, 2};
  Metrics metrics;
  add_rank_metrics("w", {ranks, own}, metrics);
  CHECK(find(metrics, "w_median_rank") == 3.0);
  CHECK_FALSE(find(metrics, "w_mean_rank"));
}

TEST_CASE("Further right answers have eccv-caption's metrics") {
  Metrics metrics;
  add_positive_metrics("w", {0.5, 0.25, 0.125, 8}, metrics);
  CHECK(metrics ==
        Metrics{{"w_positives_recall@1", 0.5}, {"w_r_precision", 0.25}, {"w_map@r", 0.125}});
}

}  // namespace retrieval_report_test
