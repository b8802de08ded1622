#pragma once
/// @file
/// The table of `evaluate retrieval` and `evaluate video-retrieval`.

#include <cstddef>
#include <string>
#include <vector>

#include "coca/evaluation/benchmark_result.hpp"

namespace coca_examples {

/// How many queries there are each way.
struct RetrievalQueries {
  std::size_t pictures = 0;  ///< or videos
  std::size_t texts = 0;
  std::string what = "image";  ///< what is searched for and with: "video"
};

/// Lines with a row for each way.
std::vector<std::string> retrieval_table(const coca::BenchmarkResult& result,
                                         const RetrievalQueries& queries);

}  // namespace coca_examples
