#pragma once
/// @file
/// Attention of the reference backend, and its gradient.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "coca/backend/differentiable.hpp"
#include "coca/backend/reference/gradient_sums.hpp"

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
  double scale() const {
    return a_.scale != 0 ? double{a_.scale} : 1.0 / std::sqrt(static_cast<double>(width()));
  }
  /// Where the bias of the query and a key is.
  std::size_t bias_place(std::size_t key) const {
    return (head_ * a_.query_tokens + query_) * a_.key_tokens + key;
  }
  std::size_t query_row() const { return batch_ * a_.query_tokens + query_; }
  std::size_t key_row(std::size_t key) const {
    const std::size_t index = batch_ * a_.key_tokens + key;
    return a_.key_rows ? static_cast<std::size_t>(a_.key_rows.data()[index]) : index;
  }
  bool sees(std::size_t key) const {
    if (a_.causal && key > a_.key_tokens - a_.query_tokens + query_) return false;
    const std::size_t pair = (batch_ * a_.query_tokens + query_) * a_.key_tokens + key;
    if (a_.hidden_pairs && a_.hidden_pairs.data()[pair] != 0) return false;
    return !a_.hidden_keys || a_.hidden_keys.data()[batch_ * a_.key_tokens + key] == 0;
  }
  /// The head's columns in one of the rows of query, key or value.
  const T* of(const Part& part, std::size_t row) const {
    return part.rows.data() + row * part.rows.shape().back() + part.first + head_ * width();
  }

  /// p_k = exp(s_k) / sum_j exp(s_j), s_k = scale query · key_k + bias_k, minus infinity where the
  /// query does not see the key. NaN if it sees none.
  void probabilities(std::vector<double>& p) const {
    const T* query = of(a_.query, query_row());
    double largest = -std::numeric_limits<double>::infinity();
    for (std::size_t k = 0; k < a_.key_tokens; ++k) {
      p[k] = -std::numeric_limits<double>::infinity();
      if (!sees(k)) continue;
      p[k] = scale() * dot(query, of(a_.key, key_row(k)));
      if (a_.bias) p[k] += a_.bias.data()[bias_place(k)];
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

  /// See AttentionArguments; output [batch * query_tokens, width].
  void run(const ops::Attention<T, HostMemory>& op) const {
    std::vector<double> p(op.arguments.key_tokens);
    for (std::size_t b = 0; b < op.arguments.batch; ++b)
      for (std::size_t h = 0; h < op.arguments.heads; ++h)
        for (std::size_t q = 0; q < op.arguments.query_tokens; ++q) {
          const detail::ReferenceHead<T> head(op.arguments, b, h, q);
          head.probabilities(p);
          attend(op.arguments, head, p,
                 op.output.data() + head.query_row() * op.arguments.query.width + h * head.width());
          if (!op.arguments.probabilities) continue;
          const std::size_t row = (b * op.arguments.heads + h) * op.arguments.query_tokens + q;
          T* weights = op.arguments.probabilities.data() + row * op.arguments.key_tokens;
          for (std::size_t k = 0; k < p.size(); ++k) weights[k] = static_cast<T>(p[k]);
        }
  }

  /// Adds to the gradients of query, key and value, see AttentionGradients; output_gradient
  /// [batch * query_tokens, width]. The output of attention is recomputed instead of read.
  void run(const ops::AttentionGradient<T, HostMemory>& op) const {
    const Arguments& a = op.arguments;
    Sums query(a.query), key(a.key), value(a.value);
    std::vector<double> p(a.key_tokens), d_scores(a.key_tokens);
    std::vector<double> bias(op.gradients.bias.size());
    for (std::size_t b = 0; b < a.batch; ++b)
      for (std::size_t h = 0; h < a.heads; ++h)
        for (std::size_t q = 0; q < a.query_tokens; ++q) {
          const detail::ReferenceHead<T> head(a, b, h, q);
          const std::size_t column = h * head.width(), query_row = head.query_row();
          const T* gradient = op.output_gradient.data() + query_row * a.query.width + column;
          head.probabilities(p);
          score_gradients(a, head, p, gradient, d_scores);
          for (std::size_t k = 0; k < p.size(); ++k) {
            if (!head.sees(k)) continue;
            const std::size_t row = head.key_row(k);
            const double scaled = head.scale() * d_scores[k];
            add(p[k], gradient, head.width(), value.at(row, column));
            add(scaled, head.of(a.key, row), head.width(), query.at(query_row, column));
            add(scaled, head.of(a.query, query_row), head.width(), key.at(row, column));
            if (op.gradients.bias) bias[head.bias_place(k)] += d_scores[k];
          }
        }
    query.add_to(op.gradients.query);
    key.add_to(op.gradients.key);
    value.add_to(op.gradients.value);
    for (std::size_t i = 0; i < bias.size(); ++i)
      detail::write_gradient(op.gradients.bias.data()[i], bias[i], Write::add);
  }

 private:
  // A gradient in double, compact: [rows, width].
  class Sums {
   public:
    explicit Sums(const Columns<T, HostMemory>& like)
        : width_(like.width), sums_(like.rows.shape().rows() * like.width) {}
    double* at(std::size_t row, std::size_t column) { return sums_.data() + row * width_ + column; }
    void add_to(const AddColumns<T, HostMemory>& columns) const {
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

  // With g the gradient of the output: d s_k = p_k (g · value_k - sum_j p_j g · value_j).
  static void score_gradients(const Arguments& a, const detail::ReferenceHead<T>& head,
                              const std::vector<double>& p, const T* gradient,
                              std::vector<double>& d_scores) {
    double mean = 0;
    for (std::size_t k = 0; k < p.size(); ++k) {
      d_scores[k] = 0;
      if (!head.sees(k)) continue;
      d_scores[k] = head.dot(gradient, head.of(a.value, head.key_row(k)));
      mean += p[k] * d_scores[k];
    }
    for (std::size_t k = 0; k < p.size(); ++k) d_scores[k] = p[k] * (d_scores[k] - mean);
  }

  // sums += factor x.
  static void add(double factor, const T* x, std::size_t count, double* sums) {
    for (std::size_t i = 0; i < count; ++i) sums[i] += factor * x[i];
  }
};

}  // namespace coca
