#include "coca/evaluation/logistic_regression.hpp"

#include <cmath>

#include "catch.hpp"
#include "coca/core/version.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace {

// The features of tests/data, and what scikit-learn finds for them.
struct LogisticFixture {
  Json json = read_json_file(COCA_TEST_DATA "/evaluation/logistic_regression.json");
  std::vector<double> values;
  std::vector<std::size_t> labels = json["labels"].get<std::vector<std::size_t>>();

  LogisticFixture() {
    for (const Json& row : json["features"])
      for (const Json& value : row) values.push_back(value.get<double>());
  }

  LabelledFeatures rows(std::size_t first, std::size_t last) const {
    return {std::span(values).subspan(first * 5, (last - first) * 5),
            std::span(labels).subspan(first, last - first), 5, 3};
  }
};

std::vector<double> flat_weights(const Json& rows) {
  std::vector<double> values;
  for (const Json& row : rows)
    for (const Json& value : row) values.push_back(value.get<double>());
  return values;
}

}  // namespace

TEST_CASE("Logistic regression equals scikit-learn's", "[evaluation]") {
  if (libraries().find("LBFGS") == std::string::npos) return;
  const LogisticFixture fixture;
  const LabelledFeatures train = fixture.rows(0, 45), validation = fixture.rows(45, 66);
  for (const Json& fit : fixture.json["fits"]) {
    const double c = fit["C"].get<double>();
    INFO("C = " << c);
    const LogisticModel model = fit_logistic(train, {.c = c});
    const double expected = fit["objective"].get<double>();
    CHECK(testing::close(model.objective, expected, 1e-8 * expected));
    CHECK(testing::first_difference(model.weights, flat_weights(fit["weights"]), 1e-4) == "");
    CHECK(testing::close(logistic_accuracy(model, validation),
                         fit["validation_accuracy"].get<double>(), 1e-12));
  }
}

TEST_CASE("The search for the regularisation ends at the peak", "[evaluation]") {
  for (const double peak : {1e-6, 3e-3, 1.0, 177.8, 1e6}) {
    std::size_t tries = 0;
    const double found = best_regularization([&](double weight) {
      CHECK((weight >= 0.9e-6 && weight <= 1.1e6));
      ++tries;
      return -std::abs(std::log10(weight / peak));
    });
    CHECK(std::abs(std::log10(found / peak)) <= 1.0 / 16 + 1e-9);
    CHECK(tries <= 7 + 2 * 4);
  }
  CHECK(best_regularization([](double) { return 0.5; }) == Approx(1e-6));
}

TEST_CASE("Features that do not fit are refused", "[evaluation]") {
  const std::vector<double> values{1, 2, 3, 4};
  const std::vector<std::size_t> labels{0, 1}, wrong{0, 2};
  const auto refusal = [](const LabelledFeatures& data, double c = 1) {
    return testing::error_of([&] { fit_logistic(data, {.c = c}); });
  };
  CHECK(refusal({values, labels, 3, 2}) == "there are 4 features for 2 pictures of width 3");
  CHECK(refusal({values, labels, 2, 1}) == "a classifier needs at least two classes");
  CHECK(refusal({values, wrong, 2, 2}) == "picture 1 is of class 2, but there are 2 classes");
  CHECK(refusal({values, labels, 2, 2}, 0) == "C is 0.000000, expected a number above 0");
  std::vector<double> bad = values;
  bad[3] = std::nan("");
  CHECK(refusal({bad, labels, 2, 2}) == "a feature of picture 1 is not finite");
}
