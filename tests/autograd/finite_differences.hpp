#pragma once
/// @file
/// Gradients against differences of the function itself, in double.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/autograd/operations.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/core/random.hpp"
#include "coca/training/trainable.hpp"

namespace coca::testing {

/// What gradients are checked on.
using Exact = Reference<double>;

/// Something that a function depends on, and the gradient with respect to it.
struct Variable {
  std::string name;
  Array<Exact> values, gradient;
};

/// A function of variables. It adds the gradient of its value to what leads to it where the
/// context has a tape: see weighted_sum. Called again and again.
using Function = std::function<double()>;

/// Numbers without pattern between -1 and 1.
inline std::vector<double> random_numbers(std::size_t count, unsigned seed) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = 2 * static_cast<double>(to_uniform(philox(seed, 7, i)[0])) - 1;
  return values;
}

/// Checks gradients of functions of its arrays and of the parameters of layers.
class GradientCheck {
 public:
  explicit GradientCheck(TapeOptions options = {}) : options_(options) {}

  Context<Exact>& context() { return context_; }

  /// An array of random numbers whose gradient is checked.
  Array<Exact> variable(const std::string& name, const Shape& shape) {
    const Array<Exact> values = context_.to_device(
        random_numbers(shape.size(), static_cast<unsigned>(variables_.size() + 1)), shape);
    watch({{name, values, zeros(shape)}});
    return values;
  }

  /// An array of random numbers without a gradient.
  Array<Exact> constant(const Shape& shape, unsigned seed = 100) {
    return context_.to_device(random_numbers(shape.size(), seed), shape);
  }

  /// Random numbers for the parameters of a layer or model, whose gradients are all checked.
  template <class Layer>
  void parameters_of(Layer& layer) {
    unsigned seed = 1000;
    Layer::for_each_parameter(
        layer, [&](auto& parameter) { parameter.load(Exact{}, random_source(parameter, ++seed)); });
    LayerModel<Layer> model{layer};
    const Trainable<LayerModel<Layer>> trainable(model);
    std::vector<Variable> parts;
    for (std::size_t i = 0; i < trainable.entries().size(); ++i)
      parts.push_back({trainable.entries()[i].path, trainable.value(i), trainable.gradient(i)});
    watched_.push_back({"parameters", trainable.values(), trainable.gradients()});
    variables_.insert(variables_.end(), parts.begin(), parts.end());
  }

  coca::Indices<Exact> indices(const Shape& shape, std::vector<std::int32_t> values) {
    return context_.to_device(values, shape);
  }

  /// sum of output * fixed random weights; with a tape, the weights are the output's gradient.
  double weighted_sum(const Array<Exact>& output, unsigned seed = 50) {
    const std::vector<double> weights = random_numbers(output.size(), seed);
    Tape<Exact>* tape = context_.tape();
    if (tape != nullptr && tape->follows(output))
      call<ops::Accumulate>(context_.backend(), context_.to_device(weights, output.shape()),
                            tape->gradient(output));
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * output.data()[i];
    return sum;
  }

  /// Compares the gradients of a function with differences, in up to `sample` places of each
  /// variable, to 1e-6 of the larger of the difference and a thousandth of the variable's largest
  /// (and what differences lose by rounding); and the gradients with only one watched array with
  /// those with all together.
  void operator()(const Function& function, std::size_t sample = 24) {
    const double value = run(function, watched_);
    CHECK(std::abs(value - function()) <= 1e-12 * (1 + std::abs(value)));
    const double rounding = 1e-12 * (1 + std::abs(value));
    for (const Variable& variable : variables_)
      check_differences(variable, function, sample, rounding);
    if (watched_.size() > 1)
      for (const Variable& variable : watched_) check_alone(variable, function);
  }

 private:
  // What Trainable requires of a model.
  template <class Layer>
  struct LayerModel {
    using backend_type = Exact;
    Layer& layer;

    Exact backend() const { return {}; }
    template <class Self, class Visitor>
    static void for_each_parameter(Self& self, Visitor&& visit) {
      Layer::for_each_parameter(self.layer, visit);
    }
  };

  template <class Parameter>
  static WeightSource random_source(const Parameter& parameter, unsigned seed) {
    WeightSource source{parameter.shape(), {}};
    const std::vector<double> values = random_numbers(parameter.shape().size(), seed);
    const std::size_t row = source.row_size();
    const float middle = parameter.initializer().kind == Initializer::Kind::constant &&
                                 parameter.initializer().value != 0
                             ? 1.0f  // of norms and scales
                             : 0.0f;
    source.read = [values, row, middle](std::size_t first, std::size_t count, float* out) {
      for (std::size_t i = 0; i < count * row; ++i)
        out[i] = middle + static_cast<float>(values[first * row + i]);
    };
    return source;
  }

  Array<Exact> zeros(const Shape& shape) {
    const Array<Exact> array = context_.empty(shape);
    call<ops::Fill>(context_.backend(), array, 0.0f);
    return array;
  }

  void watch(const std::vector<Variable>& added) {
    watched_.insert(watched_.end(), added.begin(), added.end());
    variables_.insert(variables_.end(), added.begin(), added.end());
  }

  // Leaves the gradients by the watched arrays in them.
  double run(const Function& function, const std::vector<Variable>& watched) {
    Tape<Exact> tape(context_, options_);
    for (const Variable& variable : watched) {
      call<ops::Fill>(context_.backend(), variable.gradient, 0.0f);
      tape.watch(variable.values, variable.gradient);
    }
    double value = 0;
    {
      const Recording<Exact> recording(context_, &tape);
      value = function();
    }
    tape.backward();
    CHECK(tape.size() == 0);
    return value;
  }

  void check_differences(const Variable& variable, const Function& function, std::size_t sample,
                         double rounding) {
    INFO(variable.name);
    const std::size_t size = variable.values.size();
    double largest = 0;
    for (std::size_t i = 0; i < size; ++i)
      largest = std::max(largest, std::abs(variable.gradient.data()[i]));
    CHECK(largest > 1e3 * rounding);
    const std::size_t step = std::max<std::size_t>(1, size / sample);
    for (std::size_t block = 0; block < size; block += step) {
      const std::size_t within = philox(5, size, block)[0] % std::min(step, size - block);
      const std::size_t i = block + within;
      const double expected = difference(variable.values.data()[i], function);
      const double tolerance = 1e-6 * std::max(std::abs(expected), 1e-3 * largest) + rounding;
      INFO("element " << i << ": got " << variable.gradient.data()[i] << ", expected " << expected);
      CHECK(std::abs(variable.gradient.data()[i] - expected) <= tolerance);
    }
  }

  // Of fourth order.
  static double difference(double& x, const Function& function) {
    const double before = x, h = 1e-3;
    const auto at = [&](double distance) {
      x = before + distance;
      return function();
    };
    const double near = at(h) - at(-h), far = at(2 * h) - at(-2 * h);
    x = before;
    return (8 * near - far) / (12 * h);
  }

  void check_alone(const Variable& variable, const Function& function) {
    INFO(variable.name << " alone");
    const std::vector<double> together = context_.to_host(variable.gradient);
    double largest = 0;
    for (const double value : together) largest = std::max(largest, std::abs(value));
    run(function, {variable});
    for (std::size_t i = 0; i < together.size(); ++i)
      if (!(std::abs(variable.gradient.data()[i] - together[i]) <= 1e-12 * largest)) {
        INFO("element " << i);
        CHECK(variable.gradient.data()[i] == together[i]);
        return;
      }
  }

  Context<Exact> context_;
  TapeOptions options_;
  std::vector<Variable> variables_;  // as they are named: parameters one by one
  std::vector<Variable> watched_;    // as a tape follows them: all parameters of a layer in one
};

}  // namespace coca::testing
