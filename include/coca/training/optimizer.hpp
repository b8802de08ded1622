#pragma once
/// @file
/// Optimizers over the parameters of a Trainable: AdamW, Adafactor and stochastic gradient descent,
/// with clipping by the global norm. Everything stays on the device except the norm, which decides
/// whether the step is applied at all.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/core/error.hpp"
#include "coca/training/parameter_groups.hpp"
#include "coca/training/trainable.hpp"

namespace coca {

/// Which optimizer.
enum class OptimizerKind : std::uint8_t {
  adamw,
  adafactor,  ///< used by the CoCa paper
  sgd,
};

/// Options of an optimizer. Of the three steps, the one of `kind` is used, except for its
/// `learning_rate`, `weight_decay` or `step`: these come from the schedule, the parameters' groups
/// and the count of steps.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adamw;
  AdamWStep adamw{};
  AdafactorStep adafactor{};
  SgdStep sgd{};
  ParameterGroupOptions groups{};
  float largest_norm = 0;  ///< that all gradients together are clipped to; 0: not at all
  /// Keeps logit_scale within [0, ln 100] after each step, as OpenCLIP.
  bool clamp_logit_scale = true;
};

namespace detail {

inline constexpr std::array<std::string_view, 3> optimizer_names{"adamw", "adafactor", "sgd"};

/// Adjacent parameters with the same choices.
struct OptimizerRange {
  std::size_t first = 0;  ///< element
  std::size_t size = 0;   ///< padding after each parameter included
  ParameterGroup group{};
};

/// As few ranges as possible, in the order of the parameters.
inline std::vector<OptimizerRange> optimizer_ranges(const std::vector<TrainableEntry>& entries,
                                                    const std::vector<ParameterGroup>& groups,
                                                    std::size_t elements) {
  std::vector<OptimizerRange> ranges;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const std::size_t end = i + 1 < entries.size() ? entries[i + 1].offset : elements;
    if (!ranges.empty() && ranges.back().group == groups[i])
      ranges.back().size = end - ranges.back().first;
    else
      ranges.push_back({entries[i].offset, end - entries[i].offset, groups[i]});
  }
  return ranges;
}

}  // namespace detail

/// "adamw", "adafactor" or "sgd", as in configuration files.
inline std::string_view to_string(OptimizerKind kind) {
  return detail::optimizer_names[static_cast<std::size_t>(kind)];
}

/// The optimizer with that name. @throws ArgumentError for another name.
inline OptimizerKind optimizer_kind(std::string_view name) {
  const auto& names = detail::optimizer_names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw ArgumentError("there is no optimizer \"" + std::string(name) +
                        "\": it is adamw, adafactor or sgd");
  return static_cast<OptimizerKind>(found - names.begin());
}

/// The result of a step.
struct OptimizerResult {
  float gradient_norm = 0;  ///< of all gradients together, before clipping
  bool applied = false;     ///< false if it, or a loss, is not finite
};

/// Updates the parameters of a Trainable by their gradients. Keeps the moments that its kind needs:
/// two numbers per weight (AdamW), one (SGD), or one per row and column (Adafactor without beta1).
template <class Model>
class Optimizer {
 public:
  using B = typename Model::backend_type;
  using Values = typename Trainable<Model>::Values;

  /// @param trainable must live as long
  /// @throws ArgumentError for invalid options of groups or clipping.
  Optimizer(const Trainable<Model>& trainable, const B& backend, OptimizerOptions options = {})
      : trainable_(trainable),
        backend_(backend),
        options_(options),
        groups_(parameter_groups(trainable, options.groups)),
        ranges_(detail::optimizer_ranges(trainable.entries(), groups_,
                                         trainable.values().shape().size())),
        sum_of_squares_(zeros(1)),
        factor_(zeros(1)) {
    expect_numbers(options);
    make_moments();
  }

  const OptimizerOptions& options() const noexcept { return options_; }
  /// The choices for each parameter, in the order of the Trainable's entries.
  const std::vector<ParameterGroup>& groups() const noexcept { return groups_; }

  /// Applies a step, unless the gradient norm or one of the losses is not finite: then nothing
  /// changes, as if there had been no step.
  /// @param losses of the gradients, on the host
  OptimizerResult step(double learning_rate, std::span<const float> losses = {}) {
    const float norm = gradient_norm();
    bool finite = std::isfinite(norm);
    for (const float loss : losses) finite = finite && std::isfinite(loss);
    if (finite) apply(learning_rate);
    return {norm, finite};
  }

  /// The norm of all gradients together, before clipping.
  float gradient_norm() {
    backend_.run(ops::On<B, ops::Fill>{.output = ops::Out(sum_of_squares_)});
    if (!ranges_.empty())
      backend_.run(ops::On<B, ops::SumOfSquares>{.input = trainable_.gradients(),
                                                 .output = ops::Add(sum_of_squares_)});
    std::array<typename B::value_type, 1> sum{};
    backend_.copy_out(sum_of_squares_, std::span<typename B::value_type>(sum));
    return std::sqrt(static_cast<float>(sum[0]));
  }

  /// Calls visit(name, array) for the optimizer's state, one array per parameter and moment,
  /// such as "first_moment.visual.proj" [width, embed_dim]; the arrays share the optimizer's
  /// memory, so that it continues with what is copied into them.
  template <class Visitor>
  void for_each_state(Visitor&& visit) const {
    const auto& entries = trainable_.entries();
    for (const auto& [name, moment] : moments_)
      for (const TrainableEntry& entry : entries)
        visit(name + "." + entry.path, Trainable<Model>::view(moment, entry));
    for (std::size_t i = 0; i < factored_.size(); ++i) {
      const auto& [rows, columns] = factored_[i];
      if (rows.size() > 1) visit("row_moment." + entries[i].path, rows);
      visit("column_moment." + entries[i].path, columns);
    }
  }

  /// Number of applied steps.
  std::uint64_t step_count() const noexcept { return step_count_; }
  void set_step_count(std::uint64_t count) noexcept { step_count_ = count; }

 private:
  static void expect_numbers(const OptimizerOptions& options) {
    const auto expect = [](bool holds, const char* name, float value, const char* range) {
      if (!holds)
        throw ArgumentError(std::string(name) + " must be " + range + ", got " +
                            std::to_string(value));
    };
    const auto is_decay = [](float value) { return value >= 0 && value < 1; };
    constexpr const char* decays = "0 or more and below 1";
    expect(options.largest_norm >= 0, "largest_norm", options.largest_norm, "0 or more");
    if (options.kind == OptimizerKind::adamw) {
      expect(is_decay(options.adamw.beta1), "beta1", options.adamw.beta1, decays);
      expect(is_decay(options.adamw.beta2), "beta2", options.adamw.beta2, decays);
      expect(options.adamw.epsilon > 0, "eps", options.adamw.epsilon, "above 0");
    } else if (options.kind == OptimizerKind::sgd) {
      expect(is_decay(options.sgd.momentum), "momentum", options.sgd.momentum, decays);
    }
  }

  Values zeros(std::size_t size) const {
    const Values values = backend_.template allocate<typename B::value_type>(Shape{size});
    if (size != 0) backend_.run(ops::On<B, ops::Fill>{.output = ops::Out(values)});
    return values;
  }

  void make_moments() {
    const std::size_t size = trainable_.values().shape().size();
    switch (options_.kind) {
      case OptimizerKind::adamw:
        moments_ = {{"first_moment", zeros(size)}, {"second_moment", zeros(size)}};
        return;
      case OptimizerKind::sgd:
        moments_ = {{"velocity", zeros(size)}};
        return;
      case OptimizerKind::adafactor:
        if (options_.adafactor.beta1 > 0) moments_ = {{"first_moment", zeros(size)}};
        for (const TrainableEntry& entry : trainable_.entries()) {
          const Shape matrix = as_matrix(entry.shape);
          factored_.emplace_back(zeros(matrix[0]), zeros(matrix[1]));
        }
        return;
    }
  }

  // [rows, columns]; numbers and vectors are one row.
  static Shape as_matrix(const Shape& shape) {
    const std::size_t rows = shape.rank() < 2 ? 1 : shape[0];
    return {rows, shape.size() / rows};
  }

  void apply(double learning_rate) {
    ++step_count_;
    backend_.run(ops::On<B, ops::ClipFactor>{.sum_of_squares = sum_of_squares_,
                                             .largest_norm = options_.largest_norm,
                                             .factor = ops::Out(factor_)});
    if (options_.kind == OptimizerKind::adafactor)
      apply_adafactor(learning_rate);
    else
      for (const detail::OptimizerRange& range : ranges_) apply(learning_rate, range);
    clamp_logit_scale();
  }

  void apply(double learning_rate, const detail::OptimizerRange& range) {
    const auto part = [&](const Values& all) { return all.slice(range.first, range.size); };
    const Values gradient = part(trainable_.gradients()), weight = part(trainable_.values());
    if (options_.kind == OptimizerKind::adamw)
      backend_.run(
          ops::On<B, ops::AdamW>{.step = step_of(options_.adamw, learning_rate, range.group),
                                 .gradient = gradient,
                                 .factor = factor_,
                                 .weight = ops::InOut(weight),
                                 .first_moment = ops::InOut(part(moments_[0].second)),
                                 .second_moment = ops::InOut(part(moments_[1].second))});
    else
      backend_.run(ops::On<B, ops::Sgd>{.step = step_of(options_.sgd, learning_rate, range.group),
                                        .gradient = gradient,
                                        .factor = factor_,
                                        .weight = ops::InOut(weight),
                                        .velocity = ops::InOut(part(moments_[0].second))});
  }

  void apply_adafactor(double learning_rate) {
    const auto& entries = trainable_.entries();
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const Shape matrix = as_matrix(entries[i].shape);
      const auto part = [&](const Values& all) {
        return Trainable<Model>::view(all, entries[i]).reshaped(matrix);
      };
      backend_.run(ops::On<B, ops::Adafactor>{
          .step = step_of(options_.adafactor, learning_rate, groups_[i]),
          .gradient = part(trainable_.gradients()),
          .factor = factor_,
          .weight = ops::InOut(part(trainable_.values())),
          .row_moment = ops::InOut(factored_[i].first),
          .column_moment = ops::InOut(factored_[i].second),
          .first_moment = ops::InOut(moments_.empty() ? Values{} : part(moments_[0].second))});
    }
  }

  template <class Step>
  Step step_of(Step step, double learning_rate, const ParameterGroup& group) const {
    step.learning_rate = static_cast<float>(learning_rate * static_cast<double>(group.rate_scale));
    step.weight_decay = group.weight_decay;
    step.step = step_count_;
    return step;
  }

  void clamp_logit_scale() {
    if (!options_.clamp_logit_scale) return;
    constexpr float logarithm_of_100 = 4.605170186f;
    const auto& entries = trainable_.entries();
    for (std::size_t i = 0; i < entries.size(); ++i)
      if (entries[i].path == "logit_scale")
        backend_.run(ops::On<B, ops::Clamp>{
            .values = ops::InOut(trainable_.value(i)), .low = 0.0f, .high = logarithm_of_100});
  }

  const Trainable<Model>& trainable_;
  B backend_;
  OptimizerOptions options_;
  std::vector<ParameterGroup> groups_;
  std::vector<detail::OptimizerRange> ranges_;
  Values sum_of_squares_, factor_;                       // [1]
  std::vector<std::pair<std::string, Values>> moments_;  // laid out like the parameters
  std::vector<std::pair<Values, Values>> factored_;      // Adafactor's, of rows and of columns
  std::uint64_t step_count_ = 0;
};

}  // namespace coca
