#include "coca/training/optimizer.hpp"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "comparison.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Numbers = std::vector<double>;

/// Values and gradients of all parameters, by path.
template <class Training>
std::map<std::string, std::pair<Numbers, Numbers>> snapshot(const Training& training) {
  std::map<std::string, std::pair<Numbers, Numbers>> all;
  for (std::size_t i = 0; i < training.trainable.entries().size(); ++i) {
    const auto value = training.context.to_host(training.trainable.value(i));
    const auto gradient = training.context.to_host(training.trainable.gradient(i));
    all[training.trainable.entries()[i].path] = {{value.begin(), value.end()},
                                                 {gradient.begin(), gradient.end()}};
  }
  return all;
}

template <class Training>
std::size_t place_of(const Training& training, const std::string& path) {
  for (std::size_t i = 0; i < training.trainable.entries().size(); ++i)
    if (training.trainable.entries()[i].path == path) return i;
  FAIL("no parameter " << path);
  return 0;
}

template <class Training>
void set_value(Training& training, const std::string& path, float value) {
  call<ops::Fill>(training.context.backend(), training.trainable.value(place_of(training, path)),
                  value);
}

/// The states of an optimizer, by name.
template <class Training>
std::map<std::string, std::vector<float>> states(const Training& training) {
  std::map<std::string, std::vector<float>> all;
  training.optimizer.for_each_state([&](const std::string& name, const auto& array) {
    const auto values = training.context.to_host(array);
    CHECK(all.emplace(name, std::vector<float>(values.begin(), values.end())).second);
  });
  return all;
}

constexpr OptimizerOptions adafactor_options{.kind = OptimizerKind::adafactor,
                                             .groups = {.weight_decay = 0.1f}};

}  // namespace

TEMPLATE_TEST_CASE("AdamW gives each parameter its decay and rate", "[optimizer]", Reference<float>,
                   Remote, Cpu<float>) {
  SmallTraining<TestType> training({.groups = {.weight_decay = 0.3f, .layer_decay = 0.7f}});
  auto expected = snapshot(training);
  std::map<std::string, std::pair<Numbers, Numbers>> moments;
  for (const auto& [path, pair] : expected)
    moments[path] = {Numbers(pair.first.size()), Numbers(pair.first.size())};
  for (unsigned t = 1; t <= 3; ++t) {
    training.random_gradients(t);
    const double rate = 1e-3 * t;
    const OptimizerResult result = training.optimizer.step(rate);
    CHECK(result.applied);
    const auto now = snapshot(training);
    double squares = 0;
    for (std::size_t i = 0; i < training.trainable.entries().size(); ++i) {
      const std::string& path = training.trainable.entries()[i].path;
      const ParameterGroup group = training.optimizer.groups()[i];
      const double scaled = rate * static_cast<double>(group.rate_scale);
      auto& [first, second] = moments[path];
      for (std::size_t k = 0; k < first.size(); ++k) {
        const double g = now.at(path).second[k];
        squares += g * g;
        first[k] = 0.9 * first[k] + 0.1 * g;
        second[k] = 0.98 * second[k] + 0.02 * g * g;
        double& w = expected[path].first[k];
        w *= 1 - scaled * static_cast<double>(group.weight_decay);
        w -= scaled * first[k] / (1 - std::pow(0.9, t)) /
             (std::sqrt(second[k] / (1 - std::pow(0.98, t))) + 1e-6);
      }
      INFO(path);
      CHECK(first_difference(now.at(path).first, expected[path].first, 2e-6) == "");
    }
    CHECK(std::abs(static_cast<double>(result.gradient_norm) - std::sqrt(squares)) <=
          1e-5 * std::sqrt(squares));
  }
  CHECK(training.optimizer.step_count() == 3);
}

TEMPLATE_TEST_CASE("SGD keeps a velocity", "[optimizer]", Reference<float>, Remote, Cpu<float>) {
  SmallTraining<TestType> training(
      {.kind = OptimizerKind::sgd, .sgd = {.momentum = 0.8f}, .groups = {.weight_decay = 0.1f}});
  const std::string path = "visual.proj";
  Numbers expected = snapshot(training)[path].first, velocity(expected.size());
  for (unsigned t = 1; t <= 3; ++t) {
    training.random_gradients(t);
    training.optimizer.step(0.01);
    const auto [value, gradient] = snapshot(training)[path];
    for (std::size_t k = 0; k < expected.size(); ++k) {
      velocity[k] = 0.8 * velocity[k] + gradient[k] + 0.1 * expected[k];
      expected[k] -= 0.01 * velocity[k];
    }
    CHECK(first_difference(value, expected, 1e-6) == "");
  }
  CHECK(states(training).size() == training.trainable.entries().size());
  CHECK(states(training).count("velocity.visual.proj") == 1);
}

TEMPLATE_TEST_CASE("Adafactor sees a parameter as rows of its outermost axis", "[optimizer]",
                   Reference<float>, Remote, Cpu<float>) {
  SmallTraining<TestType> training(adafactor_options);
  const std::string path = "visual.conv1.weight";  // [48, 3, 8, 8]
  Numbers expected = snapshot(training)[path].first;
  training.random_gradients(1);
  training.optimizer.step(0.01);
  const auto [value, g] = snapshot(training)[path];
  const std::size_t rows = 48, columns = 192;
  Numbers row(rows), column(columns);
  double mean = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    row[i / columns] += g[i] * g[i] / static_cast<double>(columns);
    column[i % columns] += g[i] * g[i] / static_cast<double>(rows);
    mean += g[i] * g[i] / static_cast<double>(g.size());
  }
  Numbers update(g.size());
  double squares = 0;
  for (std::size_t i = 0; i < g.size(); ++i) {
    update[i] = g[i] / std::sqrt(row[i / columns] * column[i % columns] / mean);
    squares += update[i] * update[i] / static_cast<double>(g.size());
  }
  for (std::size_t i = 0; i < g.size(); ++i)
    expected[i] -= 0.01 * (0.1 * expected[i] + update[i] / std::max(1.0, std::sqrt(squares)));
  CHECK(first_difference(value, expected, 1e-5) == "");
  const auto kept = states(training);
  CHECK(kept.at("row_moment." + path).size() == rows);
  CHECK(kept.at("column_moment." + path).size() == columns);
  CHECK(kept.count("row_moment.visual.class_embedding") == 0);
  CHECK(kept.at("column_moment.visual.class_embedding").size() == 48);
  CHECK(kept.at("column_moment.logit_scale").size() == 1);
}

TEMPLATE_TEST_CASE("Adafactor stays finite if gradients are zero", "[optimizer]", Reference<float>,
                   Remote, Cpu<float>) {
  SmallTraining<TestType> training(adafactor_options);
  for (unsigned t = 1; t <= 3; ++t) {
    training.random_gradients(t, 0.01f);
    // Words that no caption has, and a parameter that nothing depends on.
    const auto words =
        training.trainable.gradient(place_of(training, "text.token_embedding.weight"));
    call<ops::Fill>(training.context.backend(), words.slice(3, 500), 0.0f);
    call<ops::Fill>(training.context.backend(),
                    training.trainable.gradient(place_of(training, "visual.proj")), 0.0f);
    CHECK(training.optimizer.step(0.01).applied);
  }
  for (const float value : training.everything()) REQUIRE(std::isfinite(value));
}

TEMPLATE_TEST_CASE("gradients are clipped together", "[optimizer]", Reference<float>, Remote,
                   Cpu<float>) {
  const OptimizerOptions options{.kind = OptimizerKind::sgd,
                                 .sgd = {.momentum = 0},
                                 .groups = {.weight_decay = 0},
                                 .largest_norm = 0.5f};
  SmallTraining<TestType> training(options);
  const auto before = snapshot(training);
  training.random_gradients(1);
  const double norm = static_cast<double>(training.optimizer.step(0.1).gradient_norm);
  CHECK(norm > 1);
  const auto after = snapshot(training);
  for (const auto& [path, pair] : after) {
    INFO(path);
    Numbers expected = before.at(path).first;
    for (std::size_t k = 0; k < expected.size(); ++k)
      expected[k] -= 0.1 * 0.5 / norm * pair.second[k];
    CHECK(first_difference(pair.first, expected, 1e-6) == "");
  }
}

TEMPLATE_TEST_CASE("the temperature stays between 1 and 100", "[optimizer]", Reference<float>,
                   Remote, Cpu<float>) {
  SmallTraining<TestType> training;
  const auto scale = [&] {
    return training.context.to_host(training.trainable.value(place_of(training, "logit_scale")))[0];
  };
  set_value(training, "logit_scale", 9);
  training.optimizer.step(1e-3);
  CHECK(scale() == 4.605170186f);
  set_value(training, "logit_scale", -9);
  training.optimizer.step(1e-3);
  CHECK(scale() == 0);
  SmallTraining<TestType> free({.clamp_logit_scale = false});
  set_value(free, "logit_scale", 9);
  free.optimizer.step(1e-3);
  CHECK(free.context.to_host(free.trainable.value(place_of(free, "logit_scale")))[0] == 9);
}

TEMPLATE_TEST_CASE("a step that is not finite changes nothing", "[optimizer]", Reference<float>,
                   Remote, Cpu<float>) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const OptimizerKind kind :
       {OptimizerKind::adamw, OptimizerKind::adafactor, OptimizerKind::sgd}) {
    SmallTraining<TestType> training({.kind = kind, .largest_norm = 1});
    training.random_gradients(1);
    training.optimizer.step(1e-3);
    const auto before = training.everything();
    for (const float loss : {infinity, -infinity, nan}) {
      const OptimizerResult result = training.optimizer.step(1e-3, std::vector<float>{1, loss});
      CHECK(!result.applied);
      CHECK(result.gradient_norm > 0);
    }
    for (const float gradient : {infinity, nan, 1e30f}) {
      call<ops::Fill>(training.context.backend(),
                      training.trainable.gradient(place_of(training, "visual.ln_pre.bias")),
                      gradient);
      CHECK(!training.optimizer.step(1e-3).applied);
    }
    CHECK(first_inequality(training.everything(), before) == "");
    CHECK(training.optimizer.step_count() == 1);
  }
}

TEMPLATE_TEST_CASE("an optimizer continues from its saved state", "[optimizer]", Reference<float>,
                   Remote, Cpu<float>) {
  for (const OptimizerOptions& options :
       {OptimizerOptions{.kind = OptimizerKind::adamw},
        OptimizerOptions{.kind = OptimizerKind::sgd},
        OptimizerOptions{.kind = OptimizerKind::adafactor, .adafactor = {.beta1 = 0.9f}}}) {
    SmallTraining<TestType> whole(options), resumed(options);
    for (unsigned t = 1; t <= 2; ++t) {
      whole.random_gradients(t);
      whole.optimizer.step(1e-3);
    }
    auto saved = states(whole);
    resumed.context.backend().copy_in(
        std::span<const float>(whole.context.to_host(whole.trainable.values())),
        resumed.trainable.values());
    resumed.optimizer.for_each_state([&](const std::string& name, const auto& array) {
      resumed.context.backend().copy_in(std::span<const float>(saved.at(name)), array);
      saved.erase(name);
    });
    CHECK(saved.empty());
    resumed.optimizer.set_step_count(whole.optimizer.step_count());
    for (auto* training : {&whole, &resumed}) {
      training->random_gradients(3);
      training->optimizer.step(1e-3);
    }
    CHECK(first_inequality(resumed.everything(), whole.everything()) == "");
  }
}

TEST_CASE("padding between parameters stays zero", "[optimizer]") {
  for (const OptimizerKind kind : {OptimizerKind::adamw, OptimizerKind::sgd}) {
    SmallTraining<Reference<float>> training({.kind = kind});
    training.random_gradients(1);
    for (int i = 0; i < 3; ++i) training.optimizer.step(1e-2);
    const auto values = training.context.to_host(training.trainable.values());
    const auto& entries = training.trainable.entries();
    std::size_t padding = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::size_t end = i + 1 < entries.size() ? entries[i + 1].offset : values.size();
      for (std::size_t k = entries[i].offset + entries[i].size(); k < end; ++k, ++padding)
        CHECK(values[k] == 0);
    }
    CHECK(padding > 0);
  }
}

TEST_CASE("neighbours with the same choices are one range", "[optimizer]") {
  const std::vector<TrainableEntry> entries{
      {"a", {3}, 0}, {"b", {20}, 16}, {"c", {2, 2}, 48}, {"d", {1}, 64}};
  const ParameterGroup decayed{.weight_decay = 1}, plain_group{};
  const auto ranges =
      coca::detail::optimizer_ranges(entries, {plain_group, plain_group, decayed, plain_group}, 80);
  REQUIRE(ranges.size() == 3);
  CHECK((ranges[0].first == 0 && ranges[0].size == 48));
  CHECK((ranges[1].first == 48 && ranges[1].size == 16 && ranges[1].group == decayed));
  CHECK((ranges[2].first == 64 && ranges[2].size == 16));
  CHECK(coca::detail::optimizer_ranges({}, {}, 0).empty());
}

TEST_CASE("optimizers have names, and options are checked", "[optimizer]") {
  for (const OptimizerKind kind :
       {OptimizerKind::adamw, OptimizerKind::adafactor, OptimizerKind::sgd})
    CHECK(optimizer_kind(to_string(kind)) == kind);
  CHECK_THROWS_WITH(optimizer_kind("adam"),
                    "there is no optimizer \"adam\": it is adamw, adafactor or sgd");
  CHECK_THROWS_WITH(SmallTraining<Reference<float>>({.largest_norm = -1}),
                    "largest_norm must be 0 or more, got -1.000000");
}

TEST_CASE("a model that is all frozen has nothing to change", "[optimizer]") {
  using Model = CoCa<plain, Reference<float>>;
  auto model = random_model<Model>();
  const Trainable<Model> trainable(model, [](const std::string&) { return false; });
  Optimizer<Model> optimizer(trainable, model.backend());
  const OptimizerResult result = optimizer.step(1);
  CHECK(result.applied);
  CHECK(result.gradient_norm == 0);
}
