#pragma once
/// @file
/// Attention that the tiles of attention.hpp cannot compute: with a bias, or a separate mask for
/// each query. Query by query, each with the scores of all its keys.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/softmax.hpp"
#include "coca/backend/cpu/vectors.hpp"

namespace coca::detail {

/// What scores are multiplied with.
inline float score_scale(const AttentionArguments<float, HostMemory>& a) {
  if (a.scale != 0) return a.scale;
  return 1.0f / std::sqrt(static_cast<float>(a.query.width / a.heads));
}

/// Whether the functions of this file are to be used.
inline bool is_plain(const AttentionArguments<float, HostMemory>& a) {
  return a.bias || a.hidden_pairs;
}

/// One query of one head.
class PlainHead {
 public:
  using Arguments = AttentionArguments<float, HostMemory>;

  PlainHead(const Arguments& arguments, std::size_t batch, std::size_t head, InstructionSet set)
      : a_(arguments),
        batch_(batch),
        head_(head),
        set_(set),
        width_(arguments.query.width / arguments.heads),
        scale_(score_scale(arguments)) {}

  std::size_t width() const { return width_; }
  float scale() const { return scale_; }
  /// The head's columns in a row of query, key or value, or of their gradients.
  template <class Part>
  float* of(const Part& part, std::size_t row) const {
    return part.rows.data() + row * part.rows.shape().back() + part.first + head_ * width_;
  }
  std::size_t query_row(std::size_t query) const { return batch_ * a_.query_tokens + query; }
  std::size_t key_row(std::size_t key) const {
    const std::size_t place = batch_ * a_.key_tokens + key;
    return a_.key_rows ? static_cast<std::size_t>(a_.key_rows.data()[place]) : place;
  }
  /// Where the head's columns of an output's row begin.
  std::size_t output_place(std::size_t query) const {
    return query_row(query) * a_.query.width + head_ * width_;
  }
  /// Where the bias of a query begins, [key_tokens].
  std::size_t bias_place(std::size_t query) const {
    return (head_ * a_.query_tokens + query) * a_.key_tokens;
  }
  bool sees(std::size_t query, std::size_t key) const {
    if (a_.causal && key > a_.key_tokens - a_.query_tokens + query) return false;
    if (a_.hidden_keys && a_.hidden_keys.data()[batch_ * a_.key_tokens + key] != 0) return false;
    return !a_.hidden_pairs || a_.hidden_pairs.data()[query_row(query) * a_.key_tokens + key] == 0;
  }

  /// The softmax of a query's scores, [key_tokens].
  void probabilities(std::size_t query, float* p) const {
    const float* bias = a_.bias ? a_.bias.data() + bias_place(query) : nullptr;
    for (std::size_t k = 0; k < a_.key_tokens; ++k) {
      p[k] = -std::numeric_limits<float>::infinity();
      if (!sees(query, k)) continue;
      p[k] = scale_ * dot(of(a_.query, query_row(query)), of(a_.key, key_row(k)));
      if (bias != nullptr) p[k] += bias[k];
    }
    dispatch<SoftmaxKernel>(set_, static_cast<const float*>(p), p, a_.key_tokens);
  }

  float dot(const float* x, const float* y) const {
    double sum = 0;
    dispatch<SumKernel<DotStep>>(set_, DotStep{x, y}, std::size_t{0}, width_, &sum);
    return static_cast<float>(sum);
  }
  /// to += factor * from, of the head's width.
  void add(float factor, const float* from, float* to) const {
    dispatch<EachVectorKernel<ScaleStep>>(set_, ScaleStep{from, to, factor, Write::add},
                                          std::size_t{0}, width_);
  }

 private:
  const Arguments& a_;
  std::size_t batch_, head_;
  InstructionSet set_;
  std::size_t width_;
  float scale_;
};

inline void plain_attention(const ops::Attention<float, HostMemory>& op,
                            const CpuContext& context) {
  const AttentionArguments<float, HostMemory>& a = op.arguments;
  const auto attend = [&](const PlainHead& head, std::size_t query, float* p) {
    head.probabilities(query, p);
    float* output = op.output.data() + head.output_place(query);
    std::fill_n(output, head.width(), 0.0f);
    for (std::size_t k = 0; k < a.key_tokens; ++k)
      if (p[k] != 0) head.add(p[k], head.of(a.value, head.key_row(k)), output);
  };
  parallel_for(worthwhile_threads(context.threads,
                                  a.batch * a.query_tokens * a.key_tokens * a.query.width / 4),
               a.batch * a.heads, [&](std::size_t begin, std::size_t end) {
                 float* p = scratch<PlainHead>().get<float>(a.key_tokens + 1);
                 for (std::size_t i = begin; i < end; ++i) {
                   const PlainHead head(a, i / a.heads, i % a.heads, context.set);
                   for (std::size_t q = 0; q < a.query_tokens; ++q) {
                     attend(head, q, p);
                     if (a.probabilities)
                       std::copy_n(
                           p, a.key_tokens,
                           a.probabilities.data() + (i * a.query_tokens + q) * a.key_tokens);
                   }
                 }
               });
}

/// The gradients of one query of one head, see ops::AttentionGradient.
inline void plain_query_gradient(const ops::AttentionGradient<float, HostMemory>& op,
                                 const PlainHead& head, std::size_t query, float* p) {
  const AttentionArguments<float, HostMemory>& a = op.arguments;
  const AttentionGradients<float, HostMemory>& to = op.gradients;
  head.probabilities(query, p);
  const std::size_t row = head.query_row(query), place = head.output_place(query);
  const float* gradient = op.output_gradient.data() + place;
  const float mean = head.dot(gradient, op.output.data() + place);
  for (std::size_t k = 0; k < a.key_tokens; ++k) {
    if (!head.sees(query, k)) continue;
    const std::size_t key_row = head.key_row(k);
    const float d_score = p[k] * (head.dot(gradient, head.of(a.value, key_row)) - mean);
    const float scaled = head.scale() * d_score;
    if (to.value.rows) head.add(p[k], gradient, head.of(to.value, key_row));
    if (to.query.rows) head.add(scaled, head.of(a.key, key_row), head.of(to.query, row));
    if (to.key.rows) head.add(scaled, head.of(a.query, row), head.of(to.key, key_row));
    if (to.bias) to.bias.data()[head.bias_place(query) + k] += d_score;
  }
}

/// Threads share the heads of all sequences; if sequences may share keys, or add to one bias,
/// each has some heads of all sequences.
inline void plain_attention_gradient(const ops::AttentionGradient<float, HostMemory>& op,
                                     const CpuContext& context) {
  const AttentionArguments<float, HostMemory>& a = op.arguments;
  const bool together = a.key_rows || op.gradients.bias;
  const std::size_t sequences = together ? a.batch : 1;  // one after another
  parallel_for(worthwhile_threads(context.threads,
                                  a.batch * a.query_tokens * a.key_tokens * a.query.width / 2),
               a.batch / std::max<std::size_t>(sequences, 1) * a.heads,
               [&](std::size_t begin, std::size_t end) {
                 float* p = scratch<PlainHead>().get<float>(a.key_tokens + 1);
                 for (std::size_t i = begin; i < end; ++i)
                   for (std::size_t s = 0; s < sequences; ++s) {
                     const PlainHead head(a, together ? s : i / a.heads, i % a.heads, context.set);
                     for (std::size_t q = 0; q < a.query_tokens; ++q)
                       plain_query_gradient(op, head, q, p);
                   }
               });
}

}  // namespace coca::detail
