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

inline double reference_activation(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case Activation::quick_gelu:
      return x / (1.0 + std::exp(-1.702 * x));
  }
  return x;
}

// gelu: Φ(x) + x φ(x); quick_gelu: s + 1.702 x s (1 - s), s = σ(1.702 x).
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
  using Ids = Tensor<std::int32_t>;

  /// A matrix that reads `values`, [out, in] or, transposed, [in, out], in place.
  ReferenceMatrix<T> view(const Array& values, bool transposed = false) const {
    return {values, transposed};
  }

  /// d input[r, i] = sum_o d output[r, o] weight[o, i].
  /// @throws ArgumentError if the weight is packed.
  void matmul_input_gradient(const Array& output_gradient, const ReferenceMatrix<T>& weight,
                             Write write, const Array& input_gradient) const {
    if (!weight.values())
      throw ArgumentError(
          "matmul_input_gradient: weights that are packed for inference have no gradients");
    if (!input_gradient) return;
    const std::size_t out = weight.out_features(), in = weight.in_features();
    std::vector<double> sums(in);  // of a row, so that the innermost loop goes along the weight's
    for (std::size_t r = 0; r < output_gradient.size() / out; ++r) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t o = 0; o < out; ++o)
        for (std::size_t i = 0; i < in; ++i)
          sums[i] += double{output_gradient.data()[r * out + o]} * double{weight.at(o, i)};
      for (std::size_t i = 0; i < in; ++i)
        detail::write_gradient(input_gradient.data()[r * in + i], sums[i], write);
    }
  }

  /// d weight[o, i] = (or +=) sum_r d output[r, o] input[r, i].
  void matmul_weight_gradient(const Array& output_gradient, const Array& input, Write write,
                              const Array& weight_gradient) const {
    if (!weight_gradient) return;
    const std::size_t out = weight_gradient.shape()[0], in = weight_gradient.shape()[1];
    std::vector<double> sums(in);  // of a row, so that the innermost loop goes along the input's
    for (std::size_t o = 0; o < out; ++o) {
      std::fill(sums.begin(), sums.end(), 0.0);
      for (std::size_t r = 0; r < input.size() / in; ++r)
        for (std::size_t i = 0; i < in; ++i)
          sums[i] += double{output_gradient.data()[r * out + o]} * double{input.data()[r * in + i]};
      for (std::size_t i = 0; i < in; ++i)
        detail::write_gradient(weight_gradient.data()[o * in + i], sums[i], write);
    }
  }

  /// output[c] += sum_r input[r, c].
  void sum_rows(const Array& input, const Array& output) const {
    if (!output) return;
    const std::size_t width = output.size();
    for (std::size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (std::size_t r = 0; r < input.size() / width; ++r) sum += input.data()[r * width + c];
      detail::write_gradient(output.data()[c], sum, Write::add);
    }
  }

  /// output = activation(input).
  void activate(const Array& input, Activation activation, const Array& output) const {
    for (std::size_t i = 0; i < input.size(); ++i)
      output.data()[i] = static_cast<T>(detail::reference_activation(input.data()[i], activation));
  }

  /// d input = d output activation'(input).
  void activation_gradient(const Array& input, Activation activation, const Array& output_gradient,
                           Write write, const Array& input_gradient) const {
    if (!input_gradient) return;
    for (std::size_t i = 0; i < input.size(); ++i)
      detail::write_gradient(input_gradient.data()[i],
                             output_gradient.data()[i] *
                                 detail::reference_activation_slope(input.data()[i], activation),
                             write);
  }

  /// output[r, c] = residual[r, c] + scale[c] input[r, c]; the residual may be absent.
  void scale_columns(const Array& input, const Array& scale, const Array& residual,
                     const Array& output) const {
    for (std::size_t i = 0; i < input.size(); ++i) {
      const double product = double{scale.data()[i % scale.size()]} * double{input.data()[i]};
      output.data()[i] = static_cast<T>(residual ? residual.data()[i] + product : product);
    }
  }

  /// d input[r, c] = scale[c] d output[r, c]; d scale[c] += sum_r input[r, c] d output[r, c].
  void scale_columns_gradient(const Array& input, const Array& scale, const Array& output_gradient,
                              Write write, const Array& input_gradient,
                              const Array& scale_gradient) const {
    const std::size_t width = scale.size();
    for (std::size_t c = 0; c < width; ++c) {
      double sum = 0;
      for (std::size_t i = c; i < input.size(); i += width) {
        const double gradient = output_gradient.data()[i];
        sum += input.data()[i] * gradient;
        if (input_gradient)
          detail::write_gradient(input_gradient.data()[i], scale.data()[c] * gradient, write);
      }
      if (scale_gradient) detail::write_gradient(scale_gradient.data()[c], sum, Write::add);
    }
  }

  /// With n = (x - mean) / deviation and d n = weight d output:
  /// d x = (d n - mean(d n) - n mean(n d n)) / deviation, d weight += sum_r n d output,
  /// d bias += sum_r d output.
  void layer_norm_gradient(const Array& input, const Array& weight, const Array& output_gradient,
                           Write write, const Array& input_gradient, const Array& weight_gradient,
                           const Array& bias_gradient) const {
    const std::size_t width = weight.size();
    std::vector<double> n(width), d_n(width), weight_sums(width), bias_sums(width);
    for (std::size_t r = 0; r < input.size() / width; ++r) {
      const T* gradient = output_gradient.data() + r * width;
      const double deviation = normalize(input.data() + r * width, n);
      double mean = 0, projection = 0;
      for (std::size_t i = 0; i < width; ++i) {
        d_n[i] = double{weight.data()[i]} * double{gradient[i]};
        mean += d_n[i] / static_cast<double>(width);
        projection += n[i] * d_n[i] / static_cast<double>(width);
        weight_sums[i] += n[i] * gradient[i];
        bias_sums[i] += gradient[i];
      }
      if (!input_gradient) continue;
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(input_gradient.data()[r * width + i],
                               (d_n[i] - mean - n[i] * projection) / deviation, write);
    }
    add_sums(weight_sums, weight_gradient);
    add_sums(bias_sums, bias_gradient);
  }

  /// With y = x / norm: d x = (d y - y (y · d y)) / norm; where the norm is below 1e-12, which
  /// stands in for it, d y / 1e-12.
  void l2_normalize_gradient(const Array& input, const Array& output_gradient, Write write,
                             const Array& input_gradient) const {
    if (!input_gradient) return;
    const std::size_t width = input.shape().back();
    for (std::size_t r = 0; r < input.size() / width; ++r) {
      const T* x = input.data() + r * width;
      const T* gradient = output_gradient.data() + r * width;
      double squares = 0, dot = 0;
      for (std::size_t i = 0; i < width; ++i) {
        squares += double{x[i]} * double{x[i]};
        dot += double{x[i]} * double{gradient[i]};
      }
      const double norm = std::sqrt(squares);
      for (std::size_t i = 0; i < width; ++i)
        detail::write_gradient(
            input_gradient.data()[r * width + i],
            norm < 1e-12 ? gradient[i] / 1e-12 : (gradient[i] - x[i] / norm * (dot / norm)) / norm,
            write);
    }
  }

  /// d table[ids[b, t]] += d output[b, t]; d positions[first + t] += d output[b, t].
  void embed_gradient(const Ids& ids, const Array& output_gradient, std::size_t first,
                      const Array& table_gradient, const Array& positions_gradient) const {
    const std::size_t width = output_gradient.shape().back(), tokens = ids.shape().back();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const T* gradient = output_gradient.data() + i * width;
      add_row(gradient, width, table_gradient, static_cast<std::size_t>(ids.data()[i]));
      add_row(gradient, width, positions_gradient, first + i % tokens);
    }
  }

  /// d pixel += d output of every window that it is in.
  void unfold_gradient(const Array& output_gradient, const Unfold& windows,
                       const Array& input_gradient) const {
    if (!input_gradient) return;
    const std::size_t batch =
        input_gradient.size() / (windows.channels * windows.height * windows.width);
    detail::visit_windows(windows, batch, [&](std::size_t element, std::size_t pixel) {
      input_gradient.data()[pixel] += output_gradient.data()[element];
    });
  }

  /// output_gradient [batch, T, width]: d source[b or 0, t] and d positions[first + t] +=
  /// d output[b, first + t], for the tokens of the source; without a source_gradient for all from
  /// `first` on that have a position.
  void write_tokens_gradient(const Array& output_gradient, std::size_t first,
                             const Array& source_gradient, const Array& positions_gradient) const {
    if (!source_gradient && !positions_gradient) return;
    const std::size_t batch = output_gradient.shape()[0], length = output_gradient.shape()[1];
    const std::size_t width = output_gradient.shape()[2];
    const std::size_t tokens = source_gradient
                                   ? source_gradient.shape()[1]
                                   : std::min(length, positions_gradient.shape()[0]) - first;
    const bool shared = source_gradient && source_gradient.shape()[0] == 1;
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t t = 0; t < tokens; ++t) {
        const T* gradient = output_gradient.data() + (b * length + first + t) * width;
        add_row(gradient, width, source_gradient, shared ? t : b * tokens + t);
        add_row(gradient, width, positions_gradient, first + t);
      }
  }

  /// d input[indices[i]] += d output[i].
  void gather_rows_gradient(const Array& output_gradient, const Ids& indices,
                            const Array& input_gradient) const {
    const std::size_t width = output_gradient.shape().back();
    for (std::size_t i = 0; i < indices.size(); ++i)
      add_row(output_gradient.data() + i * width, width, input_gradient,
              static_cast<std::size_t>(indices.data()[i]));
  }

  /// output = value.
  void fill(const Array& output, float value) const {
    std::fill_n(output.data(), output.size(), static_cast<T>(value));
  }

  /// output += input.
  void add(const Array& input, const Array& output) const {
    add_row(input.data(), input.size(), output, 0);
  }

  /// output *= factor.
  void scale_inplace(const Array& output, float factor) const {
    for (std::size_t i = 0; i < output.size(); ++i) output.data()[i] *= static_cast<T>(factor);
  }

 private:
  // (x - mean) / deviation; gives the deviation, sqrt(variance + 1e-5).
  static double normalize(const T* x, std::vector<double>& normal) {
    const double width = static_cast<double>(normal.size());
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < normal.size(); ++i) mean += x[i] / width;
    for (std::size_t i = 0; i < normal.size(); ++i) variance += (x[i] - mean) * (x[i] - mean);
    const double deviation = std::sqrt(variance / width + 1e-5);
    for (std::size_t i = 0; i < normal.size(); ++i) normal[i] = (x[i] - mean) / deviation;
    return deviation;
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
