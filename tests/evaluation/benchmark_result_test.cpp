#include "coca/evaluation/benchmark_result.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace benchmark_result_test {
using coca_test::contains;
using coca_test::message_of;

namespace {

BenchmarkResult result(const std::string& dataset, std::optional<double> acc1) {
  return {.dataset = dataset,
          .model = "coca_ViT-B-32",
          .pretrained = "laion2b",
          .task = "zeroshot_classification",
          .metrics = {{"acc1", acc1}}};
}

std::string refusal(const std::string& text) {
  return message_of([&] { parse_benchmark_result(text, "r.json"); });
}

}  // namespace

TEST_CASE("Results of CLIP_benchmark are read and written") {
  const std::string path = COCA_TEST_DATA "/evaluation/formats/toy_result.json";
  const BenchmarkResult toy = read_benchmark_result(path);
  CHECK(toy.dataset == "toy");
  CHECK(toy.model == "coca_ViT-B-32");
  CHECK(toy.pretrained == "laion2b_s13b_b90k");
  CHECK(toy.task == "zeroshot_classification");
  CHECK(toy.language == "en");
  CHECK(metric(toy, "acc1") == 0.5);
  CHECK_FALSE(metric(toy, "acc5"));
  CHECK(benchmark_file_name(toy) ==
        "toy_laion2b_s13b_b90k_coca_ViT-B-32_en_zeroshot_classification.json");
  const BenchmarkResult again = parse_benchmark_result(to_json(toy).dump(), "again");
  CHECK(again.metrics == toy.metrics);
  CHECK(again.dataset == toy.dataset);
  CHECK(to_json(toy)["metrics"]["acc5"].is_null());
}

TEST_CASE("Python's NaN is a metric without value") {
  const BenchmarkResult read = parse_benchmark_result(
      R"({"dataset": "a", "model": "m", "pretrained": "p", "task": "t", "language": "en",
          "metrics": {"acc1": 0.25, "acc5": NaN}, "classnames": ["x", "y"]})",
      "r.json");
  CHECK(metric(read, "acc1") == 0.25);
  CHECK(read.metrics.size() == 2);
  CHECK_FALSE(metric(read, "acc5"));
  CHECK(read.more.at("classnames") == R"(["x","y"])");
}

TEST_CASE("A table has a column for each key and metric") {
  BenchmarkResult second = result("wds/b, c", std::nullopt);
  second.metrics.emplace_back("mean_average_precision", 0.5);
  second.more["embeddings_of"] = "say \"x\"";
  const std::vector<BenchmarkResult> results{result("a", 0.1), second};
  CHECK(benchmark_csv(results) ==
        "dataset,model,pretrained,task,language,model_fullname,acc1,mean_average_precision,"
        "embeddings_of\n"
        "a,coca_ViT-B-32,laion2b,zeroshot_classification,en,coca_ViT-B-32 laion2b,0.1,,\n"
        "\"wds/b, c\",coca_ViT-B-32,laion2b,zeroshot_classification,en,coca_ViT-B-32 laion2b,,0.5,"
        "\"say \"\"x\"\"\"\n");
  CHECK(benchmark_file_name(second).find('/') == std::string::npos);
}

TEST_CASE("The mean of a metric is that of the paper's Table 4") {
  std::vector<BenchmarkResult> table;
  for (const double top_1 : {86.3, 90.2, 96.5, 80.7, 77.6, 82.7})
    table.push_back(result("x", top_1));
  CHECK(std::abs(mean_metric(table, "acc1").value() - 85.7) <= 0.05);  // as printed there
  table.push_back(result("y", std::nullopt));
  CHECK_FALSE(mean_metric(table, "acc1"));
  CHECK_FALSE(mean_metric({}, "acc1"));
}

TEST_CASE("What is no result is refused") {
  CHECK(refusal("[]") ==
        "r.json: is not a result: expected a JSON object with the key \"metrics\"");
  CHECK(refusal(R"({"metrics": {}, "dataset": "a", "model": "m", "task": "t"})") ==
        "r.json: is not a result: it has no key \"pretrained\"");
  CHECK(refusal(R"({"metrics": {"acc1": "x"}})") == "r.json: the metric \"acc1\" is not a number");
  CHECK(refusal(R"({"metrics": 1})") == "r.json: \"metrics\" is not an object");
  CHECK(contains(refusal("{"), "r.json: line 1"));
}

}  // namespace benchmark_result_test
