#include "coca/training/exponential_average.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "comparison.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

template <class Average, class Training>
std::vector<float> averaged(const Average& average, const Training& training) {
  std::vector<float> all;
  average.for_each_state([&](const std::string&, const auto& array) {
    const auto values = training.context.to_host(array);
    all.insert(all.end(), values.begin(), values.end());
  });
  return all;
}

}  // namespace

TEMPLATE_TEST_CASE("an average follows the weights", "[exponential_average]", Reference<float>,
                   Remote, Cpu<float>) {
  for (const bool warmup : {false, true}) {
    SmallTraining<TestType> training;
    ExponentialAverage average(training.trainable, training.model.backend(),
                               {.decay = 0.25f, .warmup = warmup});
    std::vector<double> expected;
    for (const float value : all_weights(training.model)) expected.push_back(value);
    for (int t = 0; t < 4; ++t) {
      training.random_gradients(static_cast<unsigned>(t));
      training.optimizer.step(0.1);
      average.update();
      const double keep = warmup ? std::min(0.25, (1.0 + t) / (10.0 + t)) : 0.25;
      const auto values = all_weights(training.model);
      for (std::size_t i = 0; i < expected.size(); ++i)
        expected[i] = keep * expected[i] + (1 - keep) * static_cast<double>(values[i]);
    }
    CHECK(first_difference(averaged(average, training), expected, 1e-5) == "");
    CHECK(average.update_count() == 4);
  }
}

TEMPLATE_TEST_CASE("a model has the average temporarily, then its own weights again",
                   "[exponential_average]", Reference<float>, Remote, Cpu<float>) {
  SmallTraining<TestType> training;
  call<ops::Fill>(training.context.backend(), training.trainable.value(3), -0.0f);
  ExponentialAverage average(training.trainable, training.model.backend(), {.decay = 0.9f});
  training.random_gradients(1);
  training.optimizer.step(0.1);
  average.update();
  const auto own = training.context.to_host(training.trainable.values());
  const auto weights = all_weights(training.model);
  const auto smooth = averaged(average, training);
  CHECK(first_inequality(weights, smooth) != "");
  {
    const auto in_place = average.in_place();
    CHECK(first_inequality(all_weights(training.model), smooth) == "");
    CHECK(first_inequality(averaged(average, training), weights) == "");
  }
  CHECK(first_inequality(averaged(average, training), smooth) == "");
  const auto again = training.context.to_host(training.trainable.values());
  CHECK(first_inequality(again, own) == "");
}

TEST_CASE("a swap keeps the sign of zero", "[exponential_average]") {
  SmallTraining<Reference<float>> training;
  call<ops::Fill>(training.context.backend(), training.trainable.value(3), -0.0f);
  ExponentialAverage average(training.trainable, training.model.backend());
  { const auto in_place = average.in_place(); }
  CHECK(std::signbit(training.context.to_host(training.trainable.value(3))[0]));
  CHECK(std::signbit(averaged(
      average,
      training)[training.trainable.entries()[0].size() + training.trainable.entries()[1].size() +
                training.trainable.entries()[2].size()]));
}

TEST_CASE("an average continues from its saved state", "[exponential_average]") {
  SmallTraining<Reference<float>> training;
  ExponentialAverage whole(training.trainable, training.model.backend());
  training.random_gradients(1);
  training.optimizer.step(0.1);
  whole.update();
  ExponentialAverage resumed(training.trainable, training.model.backend());
  std::vector<std::vector<float>> saved;
  std::vector<std::string> names;
  whole.for_each_state([&](const std::string& name, const auto& array) {
    names.push_back(name);
    saved.push_back(training.context.to_host(array));
  });
  CHECK(names[0] == "average.visual.conv1.weight");
  std::size_t next = 0;
  resumed.for_each_state([&](const std::string&, const auto& array) {
    training.context.backend().copy_in(std::span<const float>(saved[next++]), array);
  });
  resumed.set_update_count(whole.update_count());
  training.optimizer.step(0.1);
  whole.update();
  resumed.update();
  CHECK(first_inequality(averaged(resumed, training), averaged(whole, training)) == "");
}

TEST_CASE("an invalid decay is refused", "[exponential_average]") {
  SmallTraining<Reference<float>> training;
  const auto make = [&](float decay) {
    ExponentialAverage average(training.trainable, training.model.backend(), {.decay = decay});
  };
  CHECK_THROWS_WITH(make(1),
                    "the decay of a weight average must be at least 0 and below 1, got "
                    "1.000000");
  CHECK_THROWS_AS(make(-0.5f), ArgumentError);
  CHECK_THROWS_AS(make(std::nanf("")), ArgumentError);
}
