#include "retrieval_table.hpp"

#include <optional>

#include "coca/evaluation/retrieval_report.hpp"
#include "command_line.hpp"
#include "text_table.hpp"

namespace coca_examples {

namespace {

std::string percent(const std::optional<double>& share) {
  return share ? to_text(100 * *share, 1) : "-";
}

}  // namespace

std::vector<std::string> retrieval_table(const coca::BenchmarkResult& result,
                                         const RetrievalQueries& queries) {
  const auto value = [&](const std::string& key) { return coca::metric(result, key); };
  const bool positives = value("text_retrieval_r_precision").has_value() ||
                         value("image_retrieval_r_precision").has_value();
  std::vector<std::vector<std::string>> rows{
      {"", "queries", "R@1", "R@5", "R@10", "R@1, 95 %", "median", "mean rank"}};
  if (positives) rows[0].insert(rows[0].end(), {"R-precision", "mAP@R"});
  for (const std::string way : coca::retrieval_ways) {
    const bool of_pictures = way == coca::retrieval_ways[0];
    rows.push_back({of_pictures ? queries.what + " to text" : "text to " + queries.what,
                    std::to_string(of_pictures ? queries.pictures : queries.texts)});
    std::vector<std::string>& row = rows.back();
    for (const char* limit : {"1", "5", "10"})
      row.push_back(percent(value(way + "_recall@" + limit)));
    const auto low = value(way + "_recall@1_low"), high = value(way + "_recall@1_high");
    row.push_back(low && high ? percent(low) + "-" + percent(high) : "-");
    for (const char* rank : {"_median_rank", "_mean_rank"}) {
      const auto known = value(way + rank);
      row.push_back(known ? to_text(*known, 1) : "-");
    }
    if (positives)
      row.insert(row.end(), {percent(value(way + "_r_precision")), percent(value(way + "_map@r"))});
  }
  return text_table(rows);
}

}  // namespace coca_examples
