#pragma once
/// @file
/// The reference backend: every primitive as the plain loop that a reader can compare with its
/// formula. The other backends are tested against it; it needs no library and is not optimised.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "coca/backend/backend.hpp"
#include "coca/backend/reference/attention.hpp"
#include "coca/backend/reference/gradients.hpp"
#include "coca/backend/reference/losses.hpp"
#include "coca/backend/reference/matrix.hpp"
#include "coca/backend/reference/optimizers.hpp"
#include "coca/backend/reference/tokens.hpp"
#include "coca/core/random.hpp"

namespace coca {

/// Plain loops over host memory in type T (float or double); sums are kept in double. Attention and
/// what training needs are the base classes.
template <class T = float>
class Reference : public ReferenceAttention<T>,
                  public ReferenceGradients<T>,
                  public ReferenceLosses<T>,
                  public ReferenceOptimizers<T>,
                  public ReferenceTokens<T> {
 public:
  using value_type = T;
  using weight_type = T;
  using memory_type = HostMemory;
  using Array = Tensor<T>;
  using Matrix = ReferenceMatrix<T>;

  using ReferenceAttention<T>::run;
  using ReferenceGradients<T>::run;
  using ReferenceLosses<T>::run;
  using ReferenceOptimizers<T>::run;
  using ReferenceTokens<T>::run;

  template <class U>
  Tensor<U> allocate(const Shape& shape) const {
    return Tensor<U>(Buffer<HostMemory>::allocate(shape.size() * sizeof(U)), shape);
  }
  template <class U>
  void copy_in(std::span<const U> host, const Tensor<U>& output) const {
    std::copy(host.begin(), host.end(), output.data());
  }
  template <class U>
  void copy_out(const Tensor<U>& input, std::span<U> host) const {
    std::copy_n(input.data(), host.size(), host.begin());
  }
  void synchronize() const {}

  /// Takes (part of) a stored weight, see PackOptions.
  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    const std::size_t stored = options.transposed ? source.rows() : options.rows;
    const std::size_t width = source.row_size();
    const Shape shape = options.transposed ? Shape{width, stored} : Shape{stored, width};
    const Array values = allocate<T>(shape);
    std::vector<float> row(width);
    for (std::size_t r = 0; r < stored; ++r) {
      source.read(options.first_row + r, 1, row.data());
      for (std::size_t c = 0; c < width; ++c)
        values.data()[options.transposed ? c * stored + r : r * width + c] = static_cast<T>(row[c]);
    }
    return Matrix(values);
  }

  /// Rows [first, first + count) of a matrix as floats [count, in].
  void unpack(const Matrix& matrix, std::size_t first, std::size_t count, float* rows) const {
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < matrix.in_features(); ++c)
        *rows++ = static_cast<float>(matrix.at(first + r, c));
  }

  /// input [rows, in], weight [out, in] -> output [rows, out], see Epilogue.
  void run(const ops::Matmul<T, HostMemory, ReferenceMatrix<T>>& op) const {
    const std::size_t out = op.weight.out_features(), in = op.weight.in_features();
    for (std::size_t r = 0; r < op.input.size() / in; ++r) {
      for (std::size_t o = 0; o < out; ++o) {
        double sum = op.epilogue.bias ? op.epilogue.bias.data()[o] : 0.0;
        for (std::size_t i = 0; i < in; ++i)
          sum += double{op.input.data()[r * in + i]} * double{op.weight.at(o, i)};
        double value = detail::reference_activation(sum, op.epilogue.activation);
        if (op.epilogue.scale) value *= op.epilogue.scale.data()[o];
        if (op.epilogue.residual) value += op.epilogue.residual.data()[r * out + o];
        op.output.data()[r * out + o] = static_cast<T>(value);
      }
    }
  }

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

  /// ids [batch, tokens], table [vocabulary, width], positions [at least first + tokens, width]
  /// -> output [batch, tokens, width]: table[id] + positions[first + t].
  void run(const ops::Embed<T, HostMemory, T>& op) const {
    const std::size_t width = op.table.shape()[1], tokens = op.ids.shape().back();
    for (std::size_t i = 0; i < op.ids.size(); ++i) {
      const T* word = op.table.data() + static_cast<std::size_t>(op.ids.data()[i]) * width;
      const T* position = op.positions.data() + (op.first + i % tokens) * width;
      for (std::size_t c = 0; c < width; ++c)
        op.output.data()[i * width + c] = word[c] + position[c];
    }
  }

  /// -> output [batch * rows * columns, channels * kernel * kernel], columns ordered channel, y, x.
  void run(const ops::Unfold<T, HostMemory>& op) const {
    const std::size_t batch =
        op.input.size() / (op.windows.channels * op.windows.height * op.windows.width);
    std::fill_n(op.output.data(), op.output.size(), T{0});
    detail::visit_windows(op.windows, batch, [&](std::size_t element, std::size_t pixel) {
      op.output.data()[element] = op.input.data()[pixel];
    });
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

  /// source [batch or 1, tokens, width] into output [batch, T, width] from token `first` on, plus
  /// rows `first` and following of positions [at least first + tokens, width] where there are any.
  void run(const ops::WriteTokens<T, HostMemory>& op) const {
    const std::size_t batch = op.output.shape()[0], length = op.output.shape()[1];
    const std::size_t tokens = op.source.shape()[1], width = op.output.shape()[2];
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t c = 0; c < width; ++c) {
          const std::size_t from = op.source.shape()[0] == 1 ? t : b * tokens + t;
          const T position = op.positions ? op.positions.data()[(op.first + t) * width + c] : T{0};
          op.output.data()[(b * length + op.first + t) * width + c] =
              op.source.data()[from * width + c] + position;
        }
  }

  /// output[i] = input row indices[i].
  void run(const ops::GatherRows<T, HostMemory>& op) const {
    const std::size_t width = op.input.shape().back();
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      std::copy_n(op.input.data() + static_cast<std::size_t>(op.indices.data()[i]) * width, width,
                  op.output.data() + i * width);
  }

  /// output row indices[i] = the chosen columns of input row i.
  void run(const ops::ScatterRows<T, HostMemory>& op) const {
    const std::size_t stride = op.input.rows.shape().back();
    for (std::size_t i = 0; i < op.indices.size(); ++i)
      std::copy_n(
          op.input.rows.data() + i * stride + op.input.first, op.input.width,
          op.output.data() + static_cast<std::size_t>(op.indices.data()[i]) * op.input.width);
  }

  /// x - log(sum(exp(x))) over the last axis.
  void run(const ops::LogSoftmax<T, HostMemory>& op) const {
    const std::size_t width = op.scores.shape().back();
    for (std::size_t r = 0; r < op.scores.size() / width; ++r) {
      T* x = op.scores.data() + r * width;
      const double largest = *std::max_element(x, x + width);
      double sum = 0;
      for (std::size_t i = 0; i < width; ++i) sum += std::exp(x[i] - largest);
      for (std::size_t i = 0; i < width; ++i) x[i] = static_cast<T>(x[i] - largest - std::log(sum));
    }
  }

  /// Changes the scores at the flat positions `indices` [n], see ScoreEdit; values [n].
  void run(const ops::EditScores<T, HostMemory>& op) const {
    for (std::size_t i = 0; i < op.indices.size(); ++i) {
      T& score = op.scores.data()[op.indices.data()[i]];
      const T value = op.values.data()[i];
      switch (op.edit) {
        case ScoreEdit::forbid:
          score = -std::numeric_limits<T>::infinity();
          break;
        case ScoreEdit::penalize:
          score = score < 0 ? score * value : score / value;
          break;
        case ScoreEdit::subtract:
          score -= value;
          break;
      }
    }
  }

  /// Temperature, then top-k, then top-p, of each row: what falls out becomes minus infinity. Of a
  /// row with a NaN nothing falls out, so that the search notices it.
  void run(const ops::WarpScores<T, HostMemory>& op) const {
    const std::size_t width = op.scores.shape().back();
    for (std::size_t r = 0; r < op.scores.size() / width; ++r)
      warp_row({op.scores.data() + r * width, width}, op.warp);
  }

  /// The best of each group of rows.
  ///
  /// scores [rows, vocabulary]; added [rows], put on each score of a row, or nothing; the rows are
  /// groups = values.shape()[0] groups of equal size. -> values [groups, count], scores plus what
  /// was added, and ids [groups, count] = row in the group * vocabulary + word, in falling order of
  /// value plus noise; equal ones by rising id; NaN first, so that it is noticed.
  void run(const ops::BestCandidates<T, HostMemory>& op) const {
    const std::size_t groups = op.values.shape()[0], count = op.values.shape()[1];
    const std::size_t vocabulary = op.scores.shape().back();
    const std::size_t size = op.scores.size() / groups;
    std::vector<T> value(size), rank(size);
    std::vector<std::int32_t> order(size);
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t i = 0; i < size; ++i) {
        const std::size_t row = (g * size + i) / vocabulary;
        value[i] = op.scores.data()[g * size + i] + (op.added ? op.added.data()[row] : T{0});
        rank[i] = value[i] + gumbel(op.noise, row, i % vocabulary, vocabulary);
      }
      std::iota(order.begin(), order.end(), 0);
      const auto better = [&](std::int32_t a, std::int32_t b) {
        const bool nan_a = std::isnan(rank[a]), nan_b = std::isnan(rank[b]);
        if (nan_a || nan_b) return nan_a != nan_b ? nan_a : a < b;
        return rank[a] != rank[b] ? rank[a] > rank[b] : a < b;
      };
      std::partial_sort(order.begin(), order.begin() + count, order.end(), better);
      for (std::size_t i = 0; i < count; ++i) {
        op.values.data()[g * count + i] = value[order[i]];
        op.ids.data()[g * count + i] = order[i];
      }
    }
  }

 private:
  static void warp_row(std::span<T> scores, const SamplingWarp& warp) {
    for (T& score : scores) score /= static_cast<T>(warp.temperature);
    if (std::any_of(scores.begin(), scores.end(), [](T score) { return std::isnan(score); }))
      return;
    std::vector<T> sorted(scores.begin(), scores.end());
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    T least = -std::numeric_limits<T>::infinity();  // what is smaller falls out
    if (warp.top_k != 0)
      least = sorted[std::min(std::max(warp.top_k, warp.min_keep), sorted.size()) - 1];
    if (warp.top_p < 1.0f) {
      double total = 0;
      for (const T score : sorted)
        if (score >= least) total += std::exp(double{score} - double{sorted[0]});
      double before = 0;  // probability of all words better than this one
      for (std::size_t i = 0; i < sorted.size() && sorted[i] >= least; ++i) {
        if (i >= warp.min_keep && before / total >= warp.top_p) {
          least = sorted[i - 1];
          break;
        }
        before += std::exp(double{sorted[i]} - double{sorted[0]});
      }
    }
    for (T& score : scores)
      if (score < least) score = -std::numeric_limits<T>::infinity();
  }

  static T gumbel(const GumbelNoise& noise, std::size_t row, std::size_t word,
                  std::size_t vocabulary) {
    if (!noise.enabled) return T{0};
    const std::size_t element = (row % noise.rows_per_picture) * vocabulary + word;
    return static_cast<T>(to_gumbel(philox(noise.seed, noise.step, element / 4)[element % 4]));
  }
};

}  // namespace coca
