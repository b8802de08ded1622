#pragma once
/// @file
/// Multinomial logistic regression, fitted by L-BFGS in double: the linear probe of CLIP (Radford
/// et al. 2021, appendix A.3). Needs the library liblbfgs. Only this header reads COCA_HAS_LBFGS;
/// without it fitting throws UnavailableError.

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/features.hpp"

#if COCA_HAS_LBFGS
#include <lbfgs.h>
#endif

namespace coca {

/// Pictures with their classes.
struct LabelledFeatures {
  std::span<const double> values{};       ///< [count, width]
  std::span<const std::size_t> labels{};  ///< [count], below `classes`
  std::size_t width = 0;
  std::size_t classes = 0;

  std::size_t count() const noexcept { return labels.size(); }
};

/// How a probe is fitted.
struct LogisticOptions {
  double c = 1;                       ///< weight of the data against the squared weights, above 0
  std::size_t max_iterations = 1000;  ///< 0: until it converges
  double tolerance = 1e-10;           ///< of the gradient's norm, relative to the weights'
};

/// A linear classifier.
struct LogisticModel {
  std::vector<double> weights{};  ///< [classes, width]
  std::vector<double> biases{};   ///< [classes]
  double objective = 0;           ///< where it was fitted
};

namespace detail {

/// @throws ShapeError for features of another shape; ArgumentError for numbers that are not finite,
///         labels that are no class, a single class, and a weight that is not above 0
inline void check_features(const LabelledFeatures& data, double c) {
  if (data.count() == 0 || data.width == 0 || data.values.size() != data.count() * data.width)
    throw ShapeError(there_are(data.values.size(), "feature") + " for " +
                     counted(data.count(), "picture") + " of width " + std::to_string(data.width));
  if (data.classes < 2) throw ArgumentError("a classifier needs at least two classes");
  if (!(c > 0) || !std::isfinite(c))
    throw ArgumentError("C is " + std::to_string(c) + ", expected a number above 0");
  for (std::size_t i = 0; i < data.values.size(); ++i)
    if (!std::isfinite(data.values[i]))
      throw ArgumentError("a feature of picture " + std::to_string(i / data.width) +
                          " is not finite");
  for (std::size_t i = 0; i < data.count(); ++i)
    if (data.labels[i] >= data.classes)
      throw ArgumentError("picture " + std::to_string(i) + " is of class " +
                          std::to_string(data.labels[i]) + ", but " +
                          there_are(data.classes, "class", "classes"));
}

/// Logits of a picture. @param parameters weights [classes, width], then biases [classes]
inline void logits_of(const LabelledFeatures& data, std::size_t picture, const double* parameters,
                      std::vector<double>& logits) {
  const double* const row = data.values.data() + picture * data.width;
  for (std::size_t k = 0; k < data.classes; ++k) {
    double sum = parameters[data.classes * data.width + k];
    for (std::size_t j = 0; j < data.width; ++j) sum += parameters[k * data.width + j] * row[j];
    logits[k] = sum;
  }
}

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

inline Eigen::Map<const RowMatrix> matrix_of(const double* values, std::size_t rows,
                                             std::size_t columns) {
  return {values, static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns)};
}

/// Turns logits [count, classes] into the slopes of their cross-entropies. @return the sum of these
inline double logits_to_slopes(RowMatrix& logits, std::span<const std::size_t> labels) {
  double total = 0;
  for (Eigen::Index i = 0; i < logits.rows(); ++i) {
    auto row = logits.row(i);
    const auto label = static_cast<Eigen::Index>(labels[static_cast<std::size_t>(i)]);
    const double largest = row.maxCoeff(), own = row[label];
    row = (row.array() - largest).exp();
    const double sum = row.sum();
    total += std::log(sum) + largest - own;
    row /= sum;
    row[label] -= 1;
  }
  return total;
}

/// C * sum of the cross-entropies + half of the sum of squared weights (not of biases), as
/// scikit-learn's LogisticRegression; assigns its gradient.
inline double logistic_objective(const LabelledFeatures& data, double c, const double* parameters,
                                 double* gradient) {
  const std::size_t size = data.classes * data.width;
  const auto classes = static_cast<Eigen::Index>(data.classes);
  const auto features = matrix_of(data.values.data(), data.count(), data.width);
  const auto weights = matrix_of(parameters, data.classes, data.width);
  const Eigen::Map<const Eigen::RowVectorXd> biases(parameters + size, classes);
  RowMatrix logits = features * weights.transpose();
  logits.rowwise() += biases;
  const double cross_entropy = logits_to_slopes(logits, data.labels);
  Eigen::Map<RowMatrix> weight_gradient(gradient, classes, static_cast<Eigen::Index>(data.width));
  weight_gradient.noalias() = c * logits.transpose() * features;
  weight_gradient += weights;
  Eigen::Map<Eigen::RowVectorXd>(gradient + size, classes) = c * logits.colwise().sum();
  return c * cross_entropy + 0.5 * weights.squaredNorm();
}

#if COCA_HAS_LBFGS

/// Memory of the library's own, which is aligned as its vector instructions need.
class LbfgsVector {
 public:
  /// A copy. @throws std::bad_alloc without memory
  explicit LbfgsVector(std::span<const double> values)
      : values_(::lbfgs_malloc(static_cast<int>(values.size()))) {
    if (!values_) throw std::bad_alloc();
    std::copy(values.begin(), values.end(), values_.get());
  }

  double* data() noexcept { return values_.get(); }

 private:
  struct Free {
    void operator()(double* values) const noexcept { ::lbfgs_free(values); }
  };
  std::unique_ptr<double[], Free> values_;
};

/// What the library's callback needs.
struct LogisticProblem {
  const LabelledFeatures& data;
  double c;

  static double evaluate(void* problem, const double* parameters, double* gradient, int, double) {
    const auto& self = *static_cast<const LogisticProblem*>(problem);
    return logistic_objective(self.data, self.c, parameters, gradient);
  }
};

/// Minimises from `parameters` on. @return the objective
inline double minimize_logistic(const LabelledFeatures& data, const LogisticOptions& options,
                                std::vector<double>& parameters) {
  LogisticProblem problem{data, options.c};
  lbfgs_parameter_t settings;
  ::lbfgs_parameter_init(&settings);
  settings.m = 10;
  settings.epsilon = options.tolerance;
  settings.max_iterations = static_cast<int>(options.max_iterations);
  double objective = 0;
  LbfgsVector values(parameters);
  const int status = ::lbfgs(static_cast<int>(parameters.size()), values.data(), &objective,
                             &LogisticProblem::evaluate, nullptr, &problem, &settings);
  std::copy_n(values.data(), parameters.size(), parameters.begin());
  // Where rounding leaves nothing to gain, the search along a line fails: the best point is kept.
  const bool done = status >= 0 || status == LBFGSERR_MAXIMUMITERATION ||
                    status == LBFGSERR_ROUNDING_ERROR || status == LBFGSERR_MAXIMUMLINESEARCH ||
                    status == LBFGSERR_MINIMUMSTEP || status == LBFGSERR_WIDTHTOOSMALL;
  if (!done) throw Error("L-BFGS failed with its status " + std::to_string(status));
  return objective;
}

#else

inline double minimize_logistic(const LabelledFeatures&, const LogisticOptions&,
                                std::vector<double>&) {
  throw UnavailableError(
      "logistic regression needs the library liblbfgs, which this build of coca does not have");
}

#endif

}  // namespace detail

/// Fits a classifier: the minimum of C * sum_i cross-entropy_i + 0.5 * ||weights||^2.
/// @throws ShapeError and ArgumentError for data that do not fit, UnavailableError without liblbfgs
inline LogisticModel fit_logistic(const LabelledFeatures& data,
                                  const LogisticOptions& options = {}) {
  detail::check_features(data, options.c);
  const std::size_t weights = data.classes * data.width;
  std::vector<double> parameters(weights + data.classes);
  LogisticModel model;
  model.objective = detail::minimize_logistic(data, options, parameters);
  const auto middle = parameters.begin() + static_cast<std::ptrdiff_t>(weights);
  model.weights.assign(parameters.begin(), middle);
  model.biases.assign(middle, parameters.end());
  return model;
}

/// The share, 0 to 1, of pictures whose class has the highest logit, the first of equal ones.
/// @throws ShapeError for features of another width than the model's
inline double logistic_accuracy(const LogisticModel& model, const LabelledFeatures& data) {
  if (data.count() == 0 || model.weights.size() != data.classes * data.width ||
      data.values.size() != data.count() * data.width)
    throw ShapeError("the classifier has " + counted(model.weights.size(), "weight") +
                     ", which do not fit " + counted(data.count(), "picture") + " of width " +
                     std::to_string(data.width));
  std::vector<double> parameters = model.weights;
  parameters.insert(parameters.end(), model.biases.begin(), model.biases.end());
  std::vector<double> logits(data.classes);
  std::size_t right = 0;
  for (std::size_t i = 0; i < data.count(); ++i) {
    detail::logits_of(data, i, parameters.data(), logits);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    right += static_cast<std::size_t>(best) == data.labels[i] ? 1 : 0;
  }
  return static_cast<double>(right) / static_cast<double>(data.count());
}

/// CLIP's search for the weight of the regularisation, 1 / C: among 1e-6, 1e-4, ... 1e6 at first,
/// then in ever smaller steps around the best so far, down to eight a decade.
/// @param score of a weight, such as the accuracy on a validation split; of equal ones the smallest
///        weight counts
inline double best_regularization(const std::function<double(double)>& score) {
  constexpr int decade = 8, last = 6 * decade;  // in eighths of decades
  std::map<int, double> scores;
  const auto try_at = [&](int place) {
    if (std::abs(place) <= last && !scores.contains(place))
      scores[place] = score(std::pow(10.0, static_cast<double>(place) / decade));
  };
  const auto best = [&] {
    return std::max_element(scores.begin(), scores.end(),
                            [](const auto& a, const auto& b) { return a.second < b.second; })
        ->first;
  };
  for (int place = -last; place <= last; place += 2 * decade) try_at(place);
  for (int step = decade; step >= 1; step /= 2) {
    const int peak = best();
    try_at(peak - step);
    try_at(peak + step);
  }
  return std::pow(10.0, static_cast<double>(best()) / decade);
}

}  // namespace coca
