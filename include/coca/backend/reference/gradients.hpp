#pragma once
/// @file
/// The gradients of the reference backend's layers: each formula as the loop below it.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/matrix.hpp"
#include "coca/core/error.hpp"

namespace coca {

namespace detail {

// √(2/π) (x + 0.044715 x³)
inline double gelu_tanh_argument(double x) {
  return std::sqrt(2.0 * std::numbers::inv_pi) * (x + 0.044715 * x * x * x);
}

inline double reference_activation(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case Activation::quick_gelu:
      return x / (1.0 + std::exp(-1.702 * x));
    case Activation::gelu_tanh:
      return 0.5 * x * (1.0 + std::tanh(gelu_tanh_argument(x)));
    case Activation::relu:
      return x < 0 ? 0.0 : x;
    case Activation::silu:
      return x / (1.0 + std::exp(-x));
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1.0 / (1.0 + std::exp(-x));
  }
  return x;
}

// gelu: Φ(x) + x φ(x); quick_gelu: s + 1.702 x s (1 - s), s = σ(1.702 x); relu: 0 at 0, as torch.
inline double reference_activation_slope(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return 1.0;
    case Activation::gelu: {
      const double density =
          std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
      return 0.5 * (1.0 + std::erf(x / std::numbers::sqrt2)) + x * density;
    }
    case Activation::quick_gelu: {
      const double s = 1.0 / (1.0 + std::exp(-1.702 * x));
      return s + 1.702 * x * s * (1.0 - s);
    }
    case Activation::gelu_tanh: {
      const double t = std::tanh(gelu_tanh_argument(x));
      const double inner = std::sqrt(2.0 * std::numbers::inv_pi) * (1.0 + 3.0 * 0.044715 * x * x);
      return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
    }
    case Activation::relu:
      return x > 0 ? 1.0 : 0.0;
    case Activation::silu: {
      const double s = 1.0 / (1.0 + std::exp(-x));
      return s + x * s * (1.0 - s);
    }
    case Activation::tanh: {
      const double t = std::tanh(x);
      return 1.0 - t * t;
    }
    case Activation::sigmoid: {
      const double s = 1.0 / (1.0 + std::exp(-x));
      return s * (1.0 - s);
    }
  }
  return 1.0;
}

/// Calls `use(index in the array of pictures)` for the pixel at a place of the padded picture,
/// unless that is padding.
template <class Use>
void visit_pixel(const Unfold& windows, std::size_t b, std::size_t channel, std::size_t padded_y,
                 std::size_t padded_x, const Use& use) {
  if (padded_y < windows.padding || padded_x < windows.padding) return;
  const std::size_t y = padded_y - windows.padding, x = padded_x - windows.padding;
  if (y >= windows.height || x >= windows.width) return;
  use(windows.channels_last
          ? ((b * windows.height + y) * windows.width + x) * windows.channels + channel
          : ((b * windows.channels + channel) * windows.height + y) * windows.width + x);
}

/// Calls `use(element of the unfolded rows, index of its pixel)` for all that have one.
template <class Use>
void visit_windows(const Unfold& windows, std::size_t batch, const Use& use) {
  std::size_t element = 0;
  for (std::size_t b = 0; b < batch; ++b)
    for (std::size_t row = 0; row < windows.rows(); ++row)
      for (std::size_t column = 0; column < windows.columns(); ++column)
        for (std::size_t channel = 0; channel < windows.channels; ++channel)
          for (std::size_t ky = 0; ky < windows.kernel; ++ky)
            for (std::size_t kx = 0; kx < windows.kernel; ++kx, ++element)
              visit_pixel(windows, b, channel, row * windows.stride + ky,
                          column * windows.stride + kx,
                          [&](std::size_t index) { use(element, index); });
}

template <class T>
void write_gradient(T& place, double value, Write write) {
  place = static_cast<T>(write == Write::add ? place + value : value);
}

}  // namespace detail

/// Gradients of the layers as plain loops; sums are kept in double.
template <class T>
class ReferenceGradients {
 public:
  using Array = Tensor<T>;

  /// A matrix that reads `values`, [out, in] or, transposed, [in, out], in place.
  ReferenceMatrix<T> view(const Array& values, bool transposed = false) const {
    return {values, transposed};
  }

  /// d input[r, i] = sum_o d output[r, o] weight[o, i].
  /// @throws ArgumentError if the weight is packed.
  void run(const ops::MatmulInputGradient<T, HostMemory, ReferenceMatrix<T>>& op) const {
    if (!op.weight.values())
      throw ArgumentError(
          "matmul_input_gradient: weights that are packed for inference have no gradients");
    if (!op.input_gradient) return;
    const std::size_t out = op.weight.out_features(), in = op.weight.in_features();
    std::vector<double> sums(in);  // of a row, so that the innermost loop goes along the weight's
    for (std::size_t r = 0; r < op.output_gradient.size() / out; ++r) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t o = 0; o < out; ++o)
        for (std::size_t i = 0; i < in; ++i)
          sums[i] += double{op.output_gradient.data()[r * out + o]} * double{op.weight.at(o, i)};
      for (std::size_t i = 0; i < in; ++i)
        detail::write_gradient(op.input_gradient.data()[r * in + i], sums[i],
                               op.input_gradient.write);
    }
  }

  /// d weight[o, i] = (or +=) sum_r d output[r, o] input[r, i].
  void run(const ops::MatmulWeightGradient<T, HostMemory>& op) const {
    if (!op.weight_gradient) return;
    const std::size_t out = op.weight_gradient.shape()[0], in = op.weight_gradient.shape()[1];
    std::vector<double> sums(in);  // of a row, so that the innermost loop goes along the input's
    for (std::size_t o = 0; o < out; ++o) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t r = 0; r < op.input.size() / in; ++r)
        for (std::size_t i = 0; i < in; ++i)
          sums[i] +=
              double{op.output_gradient.data()[r * out + o]} * double{op.input.data()[r * in + i]};
      for (std::size_t i = 0; i < in; ++i)
        detail::write_gradient(op.weight_gradient.data()[o * in + i], sums[i],
                               op.weight_gradient.write);
    }
  }

  /// output[c] += sum_r input[r, c].
  void run(const ops::SumRows<T, HostMemory>& op) const {
    if (!op.output) return;
    const std::size_t width = op.output.size();
    for (std::size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < op.input.size() / width; ++r)
        sum += op.input.data()[r * width + c];
      detail::write_gradient(op.output.data()[c], sum, Write::add);
    }
  }

  /// output = activation(input).
  void run(const ops::Activate<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input.size(); ++i)
      op.output.data()[i] =
          static_cast<T>(detail::reference_activation(op.input.data()[i], op.activation));
  }

  /// output[window, c] = sum over the window of input[pixel, c] weight[c, place].
  void run(const ops::DepthwiseConvolution<T, HostMemory>& op) const {
    const std::size_t window = op.windows.kernel * op.windows.kernel;
    std::vector<double> sums(op.output.size());
    detail::visit_windows(op.windows, op.input.shape()[0], [&](std::size_t i, std::size_t pixel) {
      // Of the unfolded windows: element i is place i % window of channel i / window.
      const std::size_t channel = i / window % op.windows.channels;
      sums[i / window] +=
          double{op.input.data()[pixel]} * double{op.weight.data()[channel * window + i % window]};
    });
    for (std::size_t i = 0; i < sums.size(); ++i) op.output.data()[i] = static_cast<T>(sums[i]);
  }

  /// d input[pixel, c] += d output[window, c] weight[c, place], d weight in the same way.
  void run(const ops::DepthwiseConvolutionGradient<T, HostMemory>& op) const {
    const std::size_t window = op.windows.kernel * op.windows.kernel;
    std::vector<double> inputs(op.input.size()), weights(op.weight.size());
    detail::visit_windows(op.windows, op.input.shape()[0], [&](std::size_t i, std::size_t pixel) {
      const std::size_t place = i / window % op.windows.channels * window + i % window;
      const double gradient = op.output_gradient.data()[i / window];
      inputs[pixel] += gradient * op.weight.data()[place];
      weights[place] += gradient * op.input.data()[pixel];
    });
    add_sums(inputs, op.input_gradient);
    add_sums(weights, op.weight_gradient);
  }

  /// d input = d output activation'(input).
  void run(const ops::ActivationGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    for (std::size_t i = 0; i < op.input.size(); ++i)
      detail::write_gradient(op.input_gradient.data()[i],
                             op.output_gradient.data()[i] * detail::reference_activation_slope(
                                                                op.input.data()[i], op.activation),
                             op.input_gradient.write);
  }

  /// output[r, c] = residual[r, c] + scale[c] input[r, c]; the residual may be absent.
  void run(const ops::ScaleColumns<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input.size(); ++i) {
      const double product =
          double{op.scale.data()[i % op.scale.size()]} * double{op.input.data()[i]};
      op.output.data()[i] = static_cast<T>(op.residual ? op.residual.data()[i] + product : product);
    }
  }

  /// d input[r, c] = scale[c] d output[r, c]; d scale[c] += sum_r input[r, c] d output[r, c].
  void run(const ops::ScaleColumnsGradient<T, HostMemory>& op) const {
    const std::size_t width = op.scale.size();
    for (std::size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (std::size_t i = c; i < op.input.size(); i += width) {
        const double gradient = op.output_gradient.data()[i];
        sum += op.input.data()[i] * gradient;
        if (op.input_gradient)
          detail::write_gradient(op.input_gradient.data()[i], op.scale.data()[c] * gradient,
                                 op.input_gradient.write);
      }
      if (op.scale_gradient) detail::write_gradient(op.scale_gradient.data()[c], sum, Write::add);
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
    add_sums(weight_sums, op.weight_gradient);
    add_sums(bias_sums, op.bias_gradient);
  }

  /// With y = x / norm: d x = (d y - y (y · d y)) / norm; where the norm is below 1e-12, which
  /// stands in for it, d y / 1e-12.
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

  /// d table[ids[b, t]] += d output[b, t]; d positions[first + t] += d output[b, t].
  void run(const ops::EmbedGradient<T, HostMemory>& op) const {
    const std::size_t width = op.output_gradient.shape().back(), tokens = op.ids.shape().back();
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const T* gradient = op.output_gradient.data() + i * width;
      add_row(gradient, width, op.table_gradient, static_cast<std::size_t>(op.ids.data()[i]));
      add_row(gradient, width, op.positions_gradient, op.first + i % tokens);
    }
  }

  /// d pixel += d output of every window that it is in.
  void run(const ops::UnfoldGradient<T, HostMemory>& op) const {
    if (!op.input_gradient) return;
    const std::size_t batch =
        op.input_gradient.size() / (op.windows.channels * op.windows.height * op.windows.width);
    detail::visit_windows(op.windows, batch, [&](std::size_t element, std::size_t pixel) {
      op.input_gradient.data()[pixel] += op.output_gradient.data()[element];
    });
  }

  /// d source[b or 0, t] and d positions[first + t] += d output[b, first + t].
  void run(const ops::WriteTokensGradient<T, HostMemory>& op) const {
    if (!op.source_gradient && !op.positions_gradient) return;
    const std::size_t batch = op.output_gradient.shape()[0], length = op.output_gradient.shape()[1];
    const std::size_t width = op.output_gradient.shape()[2];
    const std::size_t tokens = op.tokens;
    const bool shared = op.source_gradient && op.source_gradient.shape()[0] == 1;
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t t = 0; t < tokens; ++t) {
        const T* gradient = op.output_gradient.data() + (b * length + op.first + t) * width;
        add_row(gradient, width, op.source_gradient, shared ? t : b * tokens + t);
        add_row(gradient, width, op.positions_gradient, op.first + t);
      }
  }

  /// d input[indices[i]] += d output[i].
  void run(const ops::GatherRowsGradient<T, HostMemory>& op) const {
    const std::size_t width = op.output_gradient.shape().back();
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      add_row(op.output_gradient.data() + i * width, width, op.input_gradient,
              static_cast<std::size_t>(op.indices.data()[i]));
  }

  /// output = value.
  void run(const ops::Fill<T, HostMemory>& op) const {
    std::fill_n(op.output.data(), op.output.size(), static_cast<T>(op.value));
  }

  /// output = input.
  void run(const ops::Copy<T, HostMemory>& op) const {
    std::copy_n(op.input.data(), op.input.size(), op.output.data());
  }

  /// output = left + right.
  void run(const ops::Sum<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.left.size(); ++i)
      op.output.data()[i] = op.left.data()[i] + op.right.data()[i];
  }

  /// output = left * right.
  void run(const ops::Product<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.left.size(); ++i)
      op.output.data()[i] = op.left.data()[i] * op.right.data()[i];
  }

  /// output = factor input, see Dropping.
  void run(const ops::Dropout<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input.size(); ++i)
      op.output.data()[i] = static_cast<T>(drop_factor(op.dropping, i) * op.input.data()[i]);
  }

  /// d input = factor d output.
  void run(const ops::DropoutGradient<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.input_gradient.size(); ++i)
      detail::write_gradient(op.input_gradient.data()[i],
                             drop_factor(op.dropping, i) * op.output_gradient.data()[i],
                             op.input_gradient.write);
  }

  /// d left = right d output, d right = left d output.
  void run(const ops::ProductGradient<T, HostMemory>& op) const {
    const auto write = [&](const ops::Update<T, HostMemory>& gradient, const Array& other) {
      if (!gradient) return;
      for (std::size_t i = 0; i < other.size(); ++i)
        detail::write_gradient(gradient.data()[i],
                               double{other.data()[i]} * double{op.output_gradient.data()[i]},
                               gradient.write);
    };
    write(op.left_gradient, op.right);
    write(op.right_gradient, op.left);
  }

  /// output += input.
  void run(const ops::Accumulate<T, HostMemory>& op) const {
    add_row(op.input.data(), op.input.size(), op.output, 0);
  }

  /// output *= factor.
  void run(const ops::Scale<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.values.size(); ++i)
      op.values.data()[i] *= static_cast<T>(op.factor);
  }

 private:
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

  static double drop_factor(const Dropping& dropping, std::size_t element) {
    const std::size_t draw = element / dropping.group;
    return dropping.factors(draw / 4)[draw % 4];
  }

  static void add_sums(const std::vector<double>& sums, const Array& output) {
    if (!output) return;
    for (std::size_t i = 0; i < sums.size(); ++i)
      detail::write_gradient(output.data()[i], sums[i], Write::add);
  }

  static void add_row(const T* gradient, std::size_t width, const Array& output, std::size_t row) {
    if (!output) return;
    for (std::size_t c = 0; c < width; ++c) output.data()[row * width + c] += gradient[c];
  }
};

}  // namespace coca
