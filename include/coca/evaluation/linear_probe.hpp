#pragma once
/// @file
/// The linear probe of CLIP (Radford et al. 2021, section 3.2 and appendix A.3): logistic
/// regression on frozen features, with the regularisation that is best on validation data.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/evaluation/logistic_regression.hpp"

namespace coca {

/// Features with classes, which they own.
struct ProbeData {
  std::vector<double> values{};       ///< [count, width]
  std::vector<std::size_t> labels{};  ///< [count]
  std::size_t width = 0;
  std::size_t classes = 0;

  LabelledFeatures features() const { return {values, labels, width, classes}; }
};

/// Features scaled to a Euclidean norm of 1; zeros stay.
inline void normalize_features(ProbeData& data) {
  for (std::size_t first = 0; first < data.values.size(); first += data.width) {
    const std::span<double> row(data.values.data() + first, data.width);
    double sum = 0;
    for (const double value : row) sum += value * value;
    if (sum == 0) continue;
    for (double& value : row) value /= std::sqrt(sum);
  }
}

/// The pictures of both, one after the other. @throws ShapeError for other widths or classes
inline ProbeData joined(ProbeData a, const ProbeData& b) {
  if (a.width != b.width || a.classes != b.classes)
    throw ShapeError("features of width " + std::to_string(a.width) + " and " +
                     std::to_string(a.classes) + " classes cannot be joined with those of width " +
                     std::to_string(b.width) + " and " + std::to_string(b.classes));
  a.values.insert(a.values.end(), b.values.begin(), b.values.end());
  a.labels.insert(a.labels.end(), b.labels.begin(), b.labels.end());
  return a;
}

/// A probe and how it was found.
struct LinearProbe {
  LogisticModel model{};
  double c = 1;                    ///< scikit-learn's: 1 / regularisation
  double validation_accuracy = 0;  ///< share, 0 to 1, at that c, before the last fit
};

/// Fits on the training data for each weight of CLIP's search, takes the one that is best on the
/// validation data, and fits on both with it.
/// @param on_fit called after each fit of the search with c and the accuracy
/// @throws as fit_logistic
inline LinearProbe fit_linear_probe(const ProbeData& training, const ProbeData& validation,
                                    const LogisticOptions& options = {},
                                    const std::function<void(double, double)>& on_fit = {}) {
  LinearProbe probe;
  double best = -1;
  const auto accuracy = [&](double weight) {
    LogisticOptions at = options;
    at.c = 1 / weight;
    const double share =
        logistic_accuracy(fit_logistic(training.features(), at), validation.features());
    if (on_fit) on_fit(at.c, share);
    best = std::max(best, share);
    return share;
  };
  probe.c = 1 / best_regularization(accuracy);
  probe.validation_accuracy = best;
  LogisticOptions last = options;
  last.c = probe.c;
  probe.model = fit_logistic(joined(training, validation).features(), last);
  return probe;
}

/// Logits of all pictures, [count, classes]. @throws ShapeError for features of another width
inline std::vector<float> probe_logits(const LogisticModel& model, const ProbeData& data) {
  if (model.weights.size() != data.classes * data.width || model.biases.size() != data.classes)
    throw ShapeError("the probe has " + std::to_string(model.weights.size()) +
                     " weights, expected " + std::to_string(data.classes) + " classes times " +
                     std::to_string(data.width));
  std::vector<double> parameters = model.weights;
  parameters.insert(parameters.end(), model.biases.begin(), model.biases.end());
  std::vector<double> logits(data.classes);
  std::vector<float> all;
  for (std::size_t i = 0; i < data.labels.size(); ++i) {
    detail::logits_of(data.features(), i, parameters.data(), logits);
    all.insert(all.end(), logits.begin(), logits.end());
  }
  return all;
}

}  // namespace coca
