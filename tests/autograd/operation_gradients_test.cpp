// The gradient of every operation that a tape records, against differences of the operation itself,
// in double: its backward() gives those of all wanted inputs together, and no others.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "autograd/finite_differences.hpp"
#include "backend/list_of_cases.hpp"
#include "catch.hpp"
#include "coca/autograd/operations.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

/// The inputs of an operation that a tape can follow: each whole memory once.
template <class Group>
void collect_inputs(const Group& group, std::vector<Variable>& inputs) {
  const auto add = [&](const char* name, const Tensor<double>& tensor) {
    if (!tensor) return;
    const auto known = [&](const Variable& other) {
      return other.values.buffer().id() == tensor.buffer().id();
    };
    if (std::any_of(inputs.begin(), inputs.end(), known)) return;
    const Tensor<double> whole(tensor.buffer(), Shape{tensor.offset() + tensor.size()});
    const Tensor<double> gradient =
        host_tensor(std::vector<double>(whole.size(), 0.0), whole.shape());
    inputs.push_back({name, whole, gradient});
  };
  Group::fields(
      [&]<class Field>(const char* name, const Field& field) {
        if constexpr (ops::HasFields<const Field>)
          collect_inputs(field, inputs);
        else if constexpr (std::is_same_v<Field, Exact::Matrix>)
          add(name, field.values());
        else if constexpr (std::is_same_v<Field, ops::In<double, HostMemory>>)
          add(name, field);
      },
      group);
}

/// Whether differences are accurate: few numbers, none of them large or tiny as a whole.
bool is_ordinary(const std::vector<Variable>& inputs, std::size_t outputs) {
  std::size_t size = outputs;
  for (const Variable& input : inputs) {
    size += input.values.size();
    double largest = 0;
    for (std::size_t i = 0; i < input.values.size(); ++i)
      if (std::isfinite(input.values.data()[i]))
        largest = std::max(largest, std::abs(input.values.data()[i]));
    if (largest > 50 || largest < 0.1) return false;
  }
  return size < 1500;
}

template <class Operation>
class OperationGradient {
 public:
  explicit OperationGradient(const Operation& operation) : operation_(operation) {
    collect_inputs(operation_, inputs_);
    start_ = std::vector<double>(operation.output.data(),
                                 operation.output.data() + operation.output.size());
  }

  bool is_worth_checking() const { return is_ordinary(inputs_, start_.size()); }

  std::string check() {
    const double value = run(inputs_);
    for (const Variable& input : inputs_) {
      const std::string wrong = check_input(input, value);
      if (!wrong.empty()) return std::string(input.name) + ": " + wrong;
    }
    return "";
  }

 private:
  // Leaves the gradients in those of the inputs.
  double run(const std::vector<Variable>& followed) {
    Tape<Exact> tape(context_);
    for (const Variable& input : followed) {
      std::fill_n(input.gradient.data(), input.gradient.size(), 0.0);
      tape.watch(input.values, input.gradient);
    }
    double value = 0;
    {
      const Recording<Exact> recording(context_, &tape);
      value = evaluate(&tape);
    }
    tape.backward();
    return value;
  }

  // A weighted sum of the output. What is not written, or hidden from it, counts for nothing.
  double evaluate(Tape<Exact>* tape = nullptr) {
    std::copy(start_.begin(), start_.end(), operation_.output.data());
    ::coca::run(context_, operation_);
    const std::vector<double> weights = random_numbers(start_.size(), 50);
    if (tape != nullptr && tape->follows(operation_.output))
      context_.backend().run(
          ops::On<Exact, ops::Accumulate>{context_.to_device(weights, operation_.output.shape()),
                                          ops::Add(tape->gradient(operation_.output))});
    double sum = 0;
    for (std::size_t i = 0; i < weights.size(); ++i)
      if (!std::isnan(operation_.output.data()[i])) sum += weights[i] * operation_.output.data()[i];
    return sum;
  }

  // Some elements of an input, to 1e-6 of the larger of the difference and a thousandth of the
  // input's largest, and what differences lose by rounding.
  std::string check_input(const Variable& input, double value) {
    const std::size_t size = input.values.size(), step = std::max<std::size_t>(1, size / 16);
    double largest = 0;
    for (std::size_t i = 0; i < size; ++i)
      largest = std::max(largest, std::abs(input.gradient.data()[i]));
    for (std::size_t i = 0; i < size; i += step) {
      double& x = input.values.data()[i];
      if (std::isnan(x) || x == 0) continue;  // 0: where relu has no derivative
      const auto [expected, error] = difference(x);
      const double actual = input.gradient.data()[i];
      const double tolerance = 1e-6 * std::max(std::abs(expected), 1e-3 * largest) + error +
                               1e-11 * (1 + std::abs(value));
      if (!(std::abs(actual - expected) <= tolerance))
        return "element " + std::to_string(i) + ": got " + std::to_string(actual) + ", expected " +
               std::to_string(expected);
    }
    return "";
  }

  struct Difference {
    double slope, error;
  };

  // Of fourth order, and how far it is from that with twice the step: most of its error, and more.
  Difference difference(double& x) {
    const double before = x, h = 1e-3;
    const auto across = [&](double distance) {
      x = before + distance;
      const double above = evaluate();
      x = before - distance;
      return above - evaluate();
    };
    const double near = across(h), far = across(2 * h), farther = across(4 * h);
    x = before;
    const double slope = (8 * near - far) / (12 * h), coarse = (8 * far - farther) / (24 * h);
    return {slope, std::abs(slope - coarse)};
  }

  Context<Exact> context_;
  Operation operation_;
  std::vector<Variable> inputs_;
  std::vector<double> start_;
};

/// Whether a tape records the operation as it is.
template <class Operation>
bool is_recorded(const Operation& operation) {
  if constexpr (std::is_same_v<Operation, ops::MatmulOn<Exact>>)  // the rest of linear() follows it
    return operation.epilogue.activation == Activation::none && !operation.epilogue.scale;
  return true;
}

template <class Operation>
void check_gradients() {
  if constexpr (coca::detail::Recordable<Operation>) {
    INFO(Operation::name);
    std::size_t number = 0, checked = 0;
    Cases<Operation>::each([&](const Operation& operation, const Tolerance&) {
      INFO("case " << number++);
      if (!is_recorded(operation)) return;
      OperationGradient<Operation> gradient(operation);
      if (!gradient.is_worth_checking() || checked >= 40) return;
      CHECK(gradient.check() == "");
      ++checked;
    });
    CHECK(checked >= 3);
  }
}

}  // namespace

TEST_CASE("the gradients of all operations equal differences", "[operations]") {
  for_each_operation(InferenceOperations<Exact>{},
                     []<class Operation>() { check_gradients<Operation>(); });
  for_each_operation(TrainingOperations<Exact>{},
                     []<class Operation>() { check_gradients<Operation>(); });
}
