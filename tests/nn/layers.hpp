#pragma once
/// @file
/// How tests of layers fill layers and tensors.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/nn/parameter.hpp"
#include "comparison.hpp"

namespace coca::testing {

/// The backend that layers are tested on: the backends have their own tests.
using Near = Reference<float>;

inline WeightSource source_of(const Shape& shape, std::vector<float> values) {
  WeightSource source{shape, {}};
  source.read = [values = std::move(values), row = source.row_size()](
                    std::size_t first, std::size_t count, float* out) {
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first * row), count * row, out);
  };
  return source;
}

/// Numbers without pattern between -1 and 1.
inline std::vector<float> numbers(std::size_t count, unsigned seed) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = to_uniform(philox(seed, 0, i)[0]) * 2 - 1;
  return values;
}

inline Array<Near> random_array(Context<Near>& context, const Shape& shape, unsigned seed) {
  return context.to_device(numbers(shape.size(), seed), shape);
}

/// A layer, its weights random, and those weights by path.
template <class Layer>
std::map<std::string, std::vector<float>> fill(Layer& layer) {
  std::map<std::string, std::vector<float>> weights;
  Layer::for_each_parameter(layer, [&](auto& parameter) {
    const auto seed = static_cast<unsigned>(weights.size() + 1);
    const auto values = numbers(parameter.shape().size(), seed);
    parameter.load(Near{}, source_of(parameter.shape(), values));
    weights[parameter.path()] = values;
  });
  return weights;
}

// Layers in double, as plainly as their formulas.

using Numbers = std::vector<double>;

/// input [rows, in], weight [out, in], bias [out] -> [rows, out]
inline Numbers plain_linear(const Numbers& input, const std::vector<float>& weight,
                            const std::vector<float>& bias) {
  const std::size_t out = bias.size(), in = weight.size() / out, rows = input.size() / in;
  Numbers output(rows * out);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t o = 0; o < out; ++o) {
      double sum = static_cast<double>(bias[o]);
      for (std::size_t i = 0; i < in; ++i)
        sum += input[r * in + i] * static_cast<double>(weight[o * in + i]);
      output[r * out + o] = sum;
    }
  return output;
}

inline Numbers plain_layer_norm(const Numbers& input, const std::vector<float>& weight,
                                const std::vector<float>& bias) {
  const std::size_t width = weight.size();
  Numbers output(input.size());
  for (std::size_t first = 0; first < input.size(); first += width) {
    double mean = 0, variance = 0;
    for (std::size_t i = 0; i < width; ++i) mean += input[first + i] / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i)
      variance +=
          (input[first + i] - mean) * (input[first + i] - mean) / static_cast<double>(width);
    for (std::size_t i = 0; i < width; ++i)
      output[first + i] =
          (input[first + i] - mean) / std::sqrt(variance + 1e-5) * static_cast<double>(weight[i]) +
          static_cast<double>(bias[i]);
  }
  return output;
}

inline double plain_gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }
inline double plain_quick_gelu(double x) { return x / (1 + std::exp(-1.702 * x)); }

/// Attention of one sequence: query [queries, width], key and value [keys, width].
/// @param sees whether query q sees key k
inline Numbers plain_attention(const Numbers& query, const Numbers& key, const Numbers& value,
                               std::size_t width, std::size_t heads,
                               const std::function<bool(std::size_t, std::size_t)>& sees) {
  const std::size_t queries = query.size() / width, keys = key.size() / width;
  const std::size_t head_width = width / heads;
  Numbers output(query.size(), 0);
  for (std::size_t q = 0; q < queries; ++q)
    for (std::size_t first = 0; first < width; first += head_width) {
      Numbers share(keys, 0);
      double sum = 0;
      for (std::size_t k = 0; k < keys; ++k) {
        if (!sees(q, k)) continue;
        double score = 0;
        for (std::size_t i = first; i < first + head_width; ++i)
          score += query[q * width + i] * key[k * width + i];
        share[k] = std::exp(score / std::sqrt(static_cast<double>(head_width)));
        sum += share[k];
      }
      for (std::size_t k = 0; k < keys; ++k)
        for (std::size_t i = first; i < first + head_width; ++i)
          output[q * width + i] += share[k] / sum * value[k * width + i];
    }
  return output;
}

inline Numbers plus(Numbers a, const Numbers& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

/// What a tensor holds, as double.
inline Numbers read(const Context<Near>& context, const Array<Near>& tensor) {
  const auto values = context.to_host(tensor);
  return {values.begin(), values.end()};
}

/// Some of a list of weights.
inline std::vector<float> part(const std::vector<float>& values, std::size_t first,
                               std::size_t count) {
  const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace coca::testing
