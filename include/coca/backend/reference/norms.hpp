#pragma once
/// @file
/// Normalised rows on the reference backend.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

namespace coca {

/// Layer norm, root mean square norm, rows of length 1 and softmax as plain loops; sums are kept in
/// double.
template <class T>
class ReferenceNorms {
 public:
  /// (x - mean) / sqrt(variance + epsilon) * weight + bias over the last axis.
  void run(const ops::LayerNorm<T, HostMemory>& op) const {
    const std::size_t width = op.weight.size();
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      double mean = 0, variance = 0;
      for (std::size_t i = 0; i < width; ++i) mean += x[i];
      mean /= static_cast<double>(width);
      for (std::size_t i = 0; i < width; ++i) variance += (x[i] - mean) * (x[i] - mean);
      variance /= static_cast<double>(width);
      const double scale = 1.0 / std::sqrt(variance + op.epsilon);
      for (std::size_t i = 0; i < width; ++i)
        op.output.data()[r * width + i] = static_cast<T>(
            (x[i] - mean) * scale * op.weight.data()[i] + (op.bias ? op.bias.data()[i] : 0));
    }
  }

  /// With n = (x - mean) / deviation and d n = weight d output:
  /// d x = (d n - mean(d n) - n mean(n d n)) / deviation, d weight += sum_r n d output,
  /// d bias += sum_r d output.
  void run(const ops::LayerNormGradient<T, HostMemory>& op) const {
    const std::size_t width = op.weight.size();
    std::vector<double> n(width), d_n(width), weight_sums(width), bias_sums(width);
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* gradient = op.output_gradient.data() + r * width;
      const double deviation = normalize(op.input.data() + r * width, op.epsilon, n);
      double mean = 0, projection = 0;
      for (std::size_t i = 0; i < width; ++i) {
        d_n[i] = double{op.weight.data()[i]} * double{gradient[i]};
        mean += d_n[i] / static_cast<double>(width);
        projection += n[i] * d_n[i] / static_cast<double>(width);
        weight_sums[i] += n[i] * gradient[i];
        bias_sums[i] += gradient[i];
      }
      if (!op.input_gradient) continue;
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(op.input_gradient.data()[r * width + i],
                               (d_n[i] - mean - n[i] * projection) / deviation,
                               op.input_gradient.write);
    }
    detail::add_sums(weight_sums, op.weight_gradient);
    detail::add_sums(bias_sums, op.bias_gradient);
  }

  /// x / sqrt(mean of x² + epsilon) * weight over the last axis.
  void run(const ops::RmsNorm<T, HostMemory>& op) const {
    const std::size_t width = op.weight.size();
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      const double root = root_mean_square(x, width, op.epsilon);
      for (std::size_t i = 0; i < width; ++i)
        op.output.data()[r * width + i] = static_cast<T>(x[i] / root * op.weight.data()[i]);
    }
  }

  /// With n = x / r, r = sqrt(mean of x² + epsilon), and d n = weight d output:
  /// d x = (d n - n mean(n d n)) / r, d weight += sum_rows n d output.
  void run(const ops::RmsNormGradient<T, HostMemory>& op) const {
    const std::size_t width = op.weight.size();
    std::vector<double> weight_sums(width);
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      const T* gradient = op.output_gradient.data() + r * width;
      const double root = root_mean_square(x, width, op.epsilon);
      double projection = 0;
      for (std::size_t i = 0; i < width; ++i) {
        const double product = x[i] / root * gradient[i];
        weight_sums[i] += product;
        projection += op.weight.data()[i] * product / static_cast<double>(width);
      }
      if (!op.input_gradient) continue;
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(
            op.input_gradient.data()[r * width + i],
            (double{op.weight.data()[i]} * gradient[i] - x[i] / root * projection) / root,
            op.input_gradient.write);
    }
    detail::add_sums(weight_sums, op.weight_gradient);
  }

  /// Each row divided by its Euclidean norm (at least 1e-12, as torch.nn.functional.normalize).
  void run(const ops::L2Normalize<T, HostMemory>& op) const {
    const std::size_t width = op.input.shape().back();
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += double{x[i]} * double{x[i]};
      const double norm = std::isnan(sum) ? sum : std::max(std::sqrt(sum), 1e-12);
      for (std::size_t i = 0; i < width; ++i)
        op.output.data()[r * width + i] = static_cast<T>(x[i] / norm);
    }
  }

  /// With y = x / norm: d x = (d y - y (y · d y)) / norm; where the norm is below 1e-12, which
  /// replaces it, d y / 1e-12.
  void run(const ops::L2NormalizeGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t width = op.input.shape().back();
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      const T* gradient = op.output_gradient.data() + r * width;
      double squares = 0, dot = 0;
      for (std::size_t i = 0; i < width; ++i) {
        squares += double{x[i]} * double{x[i]};
        dot += double{x[i]} * double{gradient[i]};
      }
      const double norm = std::sqrt(squares);
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(
            op.input_gradient.data()[r * width + i],
            norm < 1e-12 ? gradient[i] / 1e-12 : (gradient[i] - x[i] / norm * (dot / norm)) / norm,
            op.input_gradient.write);
    }
  }

  /// y_i = e^x_i / sum_j e^x_j.
  void run(const ops::Softmax<T, HostMemory>& op) const {
    const std::size_t width = op.input.shape().back();
    for (std::size_t r = 0; r < op.input.size() / width; ++r) {
      const T* x = op.input.data() + r * width;
      T* y = op.output.data() + r * width;
      const double largest = *std::max_element(x, x + width);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - largest);
      for (std::size_t i = 0; i < width; ++i) y[i] = static_cast<T>(std::exp(x[i] - largest) / sum);
    }
  }

  /// d x_i = y_i (d y_i - sum_j y_j d y_j).
  void run(const ops::SoftmaxGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t width = op.output.shape().back();
    for (std::size_t r = 0; r < op.output.size() / width; ++r) {
      const T* y = op.output.data() + r * width;
      const T* gradient = op.output_gradient.data() + r * width;
      double mean = 0;
      for (std::size_t i = 0; i < width; ++i) mean += double{y[i]} * double{gradient[i]};
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(op.input_gradient.data()[r * width + i], y[i] * (gradient[i] - mean),
                               op.input_gradient.write);
    }
  }

 private:
  // sqrt(mean of x² + epsilon)
  static double root_mean_square(const T* x, std::size_t width, double epsilon) {
    double squares = 0;
    for (std::size_t i = 0; i < width; ++i) squares += double{x[i]} * double{x[i]};
    return std::sqrt(squares / static_cast<double>(width) + epsilon);
  }

  // (x - mean) / deviation; gives the deviation, sqrt(variance + epsilon).
  static double normalize(const T* x, double epsilon, std::vector<double>& normal) {
    const double width = static_cast<double>(normal.size());
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < normal.size(); ++i) mean += x[i] / width;
    for (std::size_t i = 0; i < normal.size(); ++i) variance += (x[i] - mean) * (x[i] - mean);
    const double deviation = std::sqrt(variance / width + epsilon);
    for (std::size_t i = 0; i < normal.size(); ++i) normal[i] = (x[i] - mean) / deviation;
    return deviation;
  }
};

}  // namespace coca
