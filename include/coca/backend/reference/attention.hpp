#pragma once
/// @file
/// Attention of the reference backend, and its gradient.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "coca/backend/differentiable.hpp"

namespace coca {

namespace detail {

/// One query of one head: the position of its numbers, and the softmax of its scores.
template <class T>
class ReferenceHead {
 public:
  using Part = Columns<T, HostMemory>;

  ReferenceHead(const AttentionArguments<T, HostMemory>& arguments, std::size_t batch,
                std::size_t head, std::size_t query)
      : a_(arguments), batch_(batch), head_(head), query_(query) {}

  std::size_t width() const { return a_.query.width / a_.heads; }
  double scale() const { return 1.0 / std::sqrt(static_cast<double>(width())); }
  std::size_t query_row() const { return batch_ * a_.query_tokens + query_; }
  std::size_t key_row(std::size_t key) const {
    const std::size_t index = batch_ * a_.key_tokens + key;
    return a_.key_rows ? static_cast<std::size_t>(a_.key_rows.data()[index]) : index;
  }
  bool sees(std::size_t key) const {
    if (a_.causal && key > a_.key_tokens - a_.query_tokens + query_) return false;
    return !a_.hidden_keys || a_.hidden_keys.data()[batch_ * a_.key_tokens + key] == 0;
  }
  /// The head's columns in one of the rows of query, key or value.
  const T* of(const Part& part, std::size_t row) const {
    return part.rows.data() + row * part.rows.shape().back() + part.first + head_ * width();
  }

  /// p_k = exp(s_k) / sum_j exp(s_j), s_k = query · key_k / sqrt(head width), minus infinity where
  /// the query does not see the key. NaN if it sees none.
  void probabilities(std::vector<double>& p) const {
    const T* query = of(a_.query, query_row());
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < a_.key_tokens; ++k) {
      p[k] = -std::numeric_limits<double>::infinity();
      if (!sees(k)) continue;
      p[k] = scale() * dot(query, of(a_.key, key_row(k)));
      largest = std::max(largest, p[k]);
    }
    double sum = 0;
    for (double& score : p) sum += score = std::exp(score - largest);
    for (double& score : p) score /= sum;
  }

  double dot(const T* x, const T* y) const {
    double sum = 0;
    for (std::size_t i = 0; i < width(); ++i) sum += double{x[i]} * double{y[i]};
    return sum;
  }

 private:
  const AttentionArguments<T, HostMemory>& a_;
  std::size_t batch_, head_, query_;
};

}  // namespace detail

/// Attention as the plain loop over sequences, heads and queries.
template <class T>
class ReferenceAttention {
 public:
  using Array = Tensor<T>;
  using Arguments = AttentionArguments<T, HostMemory>;
  using Gradients = AttentionGradients<T, HostMemory>;

  /// See AttentionArguments; output [batch * query_tokens, width].
  void attention(const Arguments& arguments, const Array& output) const {
    std::vector<double> p(arguments.key_tokens);
    for (std::size_t b = 0; b < arguments.batch; ++b)
      for (std::size_t h = 0; h < arguments.heads; ++h)
        for (std::size_t q = 0; q < arguments.query_tokens; ++q) {
          const detail::ReferenceHead<T> head(arguments, b, h, q);
          head.probabilities(p);
          attend(arguments, head, p,
                 output.data() + head.query_row() * arguments.query.width + h * head.width());
          if (!arguments.probabilities) continue;
          const std::size_t row = (b * arguments.heads + h) * arguments.query_tokens + q;
          T* weights = arguments.probabilities.data() + row * arguments.key_tokens;
          for (std::size_t k = 0; k < p.size(); ++k) weights[k] = static_cast<T>(p[k]);
        }
  }

  /// Adds to the gradients of query, key and value, see AttentionGradients; output_gradient
  /// [batch * query_tokens, width]. The output of attention is recomputed instead of read.
  void attention_gradient(const Arguments& arguments, const Array& /*output*/,
                          const Array& output_gradient, const Gradients& gradients) const {
    Sums query(arguments.query), key(arguments.key), value(arguments.value);
    std::vector<double> p(arguments.key_tokens);
    for (std::size_t b = 0; b < arguments.batch; ++b)
      for (std::size_t h = 0; h < arguments.heads; ++h)
        for (std::size_t q = 0; q < arguments.query_tokens; ++q) {
          const detail::ReferenceHead<T> head(arguments, b, h, q);
          head.probabilities(p);
          const std::size_t column = h * head.width();
          const T* gradient =
              output_gradient.data() + head.query_row() * arguments.query.width + column;
          attend_gradient(
              arguments, head, p, gradient, query.at(head.query_row(), column),
              [&](std::size_t row) { return key.at(row, column); },
              [&](std::size_t row) { return value.at(row, column); });
        }
    query.add_to(gradients.query);
    key.add_to(gradients.key);
    value.add_to(gradients.value);
  }

 private:
  // A gradient in double, compact: [rows, width].
  class Sums {
   public:
    explicit Sums(const Columns<T, HostMemory>& like)
        : width_(like.width), sums_(like.rows.shape().rows() * like.width) {}
    double* at(std::size_t row, std::size_t column) { return sums_.data() + row * width_ + column; }
    void add_to(const Columns<T, HostMemory>& columns) const {
      if (!columns.rows) return;
      const std::size_t stride = columns.rows.shape().back();
      for (std::size_t i = 0; i < sums_.size(); ++i) {
        T& place = columns.rows.data()[i / width_ * stride + columns.first + i % width_];
        place = static_cast<T>(place + sums_[i]);
      }
    }

   private:
    std::size_t width_;
    std::vector<double> sums_;
  };

  // output = sum_k p_k value_k; what is not seen may be NaN.
  static void attend(const Arguments& a, const detail::ReferenceHead<T>& head,
                     const std::vector<double>& p, T* output) {
    for (std::size_t i = 0; i < head.width(); ++i) {
      double mean = 0;
      for (std::size_t k = 0; k < p.size(); ++k)
        if (p[k] != 0) mean += p[k] * head.of(a.value, head.key_row(k))[i];
      output[i] = static_cast<T>(mean);
    }
  }

  // With g the gradient of the output, scale = 1 / sqrt(head width):
  //   d value_k += p_k g
  //   d s_k = p_k (g · value_k - sum_j p_j g · value_j)
  //   d query += scale sum_k d s_k key_k
  //   d key_k += scale d s_k query
  template <class KeySums, class ValueSums>
  static void attend_gradient(const Arguments& a, const detail::ReferenceHead<T>& head,
                              const std::vector<double>& p, const T* gradient, double* query_sums,
                              const KeySums& key_sums, const ValueSums& value_sums) {
    const T* query = head.of(a.query, head.query_row());
    double mean = 0;
    for (std::size_t k = 0; k < p.size(); ++k)
      if (head.sees(k)) mean += p[k] * head.dot(gradient, head.of(a.value, head.key_row(k)));
    for (std::size_t k = 0; k < p.size(); ++k) {
      if (!head.sees(k)) continue;
      const std::size_t row = head.key_row(k);
      const T* key = head.of(a.key, row);
      const double d_score = p[k] * (head.dot(gradient, head.of(a.value, row)) - mean);
      for (std::size_t i = 0; i < head.width(); ++i) {
        value_sums(row)[i] += p[k] * gradient[i];
        query_sums[i] += head.scale() * d_score * key[i];
        key_sums(row)[i] += head.scale() * d_score * query[i];
      }
    }
  }
};

}  // namespace coca
