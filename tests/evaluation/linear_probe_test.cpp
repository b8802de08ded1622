#include "coca/evaluation/linear_probe.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "coca/core/random.hpp"
#include "coca/core/version.hpp"
#include "coca/evaluation/classification.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace linear_probe_test {

namespace {

/// Rows [first, last) of the features of tests/data.
ProbeData fixture(std::size_t first, std::size_t last) {
  const Json json = read_json_file(COCA_TEST_DATA "/evaluation/logistic_regression.json");
  ProbeData data{.width = 5, .classes = 3};
  for (std::size_t i = first; i < last; ++i) {
    data.labels.push_back(json["labels"][i].get<std::size_t>());
    for (const Json& value : json["features"][i]) data.values.push_back(value.get<double>());
  }
  return data;
}

}  // namespace

TEST_CASE("A probe takes the regularisation that is best on validation data", "[evaluation]") {
  if (libraries().find("LBFGS") == std::string::npos) return;
  const ProbeData training = fixture(0, 45), validation = fixture(45, 66), test = fixture(66, 90);
  std::size_t fits = 0;
  double best = 0;
  const LinearProbe probe =
      fit_linear_probe(training, validation, {}, [&](double c, double accuracy) {
        CHECK((c >= 0.9e-6 && c <= 1.1e6));
        best = std::max(best, accuracy);
        ++fits;
      });
  CHECK((fits >= 7 && fits <= 15));
  CHECK(probe.validation_accuracy == best);
  CHECK(best >= 0.904762 - 1e-6);  // scikit-learn's at C = 0.01, which is near the peak
  // The last fit is on both, at that c.
  const ProbeData both = joined(training, validation);
  CHECK(both.labels.size() == 66);
  const LogisticModel again = fit_logistic(both.features(), {.c = probe.c});
  CHECK(again.weights == probe.model.weights);
  CHECK(again.objective == probe.model.objective);

  const std::vector<float> logits = probe_logits(probe.model, test);
  REQUIRE(logits.size() == 24 * 3);
  CHECK(classification_scores(logits, test.labels, 3).top_1 ==
        Approx(logistic_accuracy(probe.model, test.features())));
  ProbeData narrow = test;
  narrow.width = 4;
  CHECK_THROWS_WITH(probe_logits(probe.model, narrow),
                    "the probe has 15 weights, expected 3 classes times 4");
  CHECK_THROWS_AS(joined(training, narrow), ShapeError);
}

TEST_CASE("The gradient of the objective is that of its differences", "[evaluation]") {
  const ProbeData data = fixture(0, 20);
  std::vector<double> parameters(18), gradient(18), unused(18);
  for (std::size_t i = 0; i < 18; ++i)
    parameters[i] = static_cast<double>(to_uniform(philox(1, 2, i)[0])) - 0.5;
  detail::logistic_objective(data.features(), 0.3, parameters.data(), gradient.data());
  for (std::size_t i = 0; i < 18; ++i) {
    const double before = parameters[i], h = 1e-5;
    parameters[i] = before + h;
    const double above =
        detail::logistic_objective(data.features(), 0.3, parameters.data(), unused.data());
    parameters[i] = before - h;
    const double below =
        detail::logistic_objective(data.features(), 0.3, parameters.data(), unused.data());
    parameters[i] = before;
    // h^2 / 6 of a third derivative below 20, and 1e-15 of a value of about 6 over 2 h
    CHECK(std::abs((above - below) / (2 * h) - gradient[i]) <= 1e-8);
  }
}

TEST_CASE("Features are scaled to a norm of 1", "[evaluation]") {
  ProbeData data{.values = {3, 4, 0, 0, -2, 0}, .labels = {0, 1, 0}, .width = 2, .classes = 2};
  normalize_features(data);
  CHECK(data.values == std::vector<double>{0.6, 0.8, 0, 0, -1, 0});
}

}  // namespace linear_probe_test
