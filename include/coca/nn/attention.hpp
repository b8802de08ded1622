#pragma once
/// @file
/// Multi-head attention, computed and stored like torch.nn.MultiheadAttention:
/// self-attention with one fused projection, and cross-attention whose keys and values are
/// projected once.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "coca/autograd/operations.hpp"
#include "coca/nn/kv_cache.hpp"
#include "coca/nn/linear.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

/// Which keys a query sees.
template <Backend B>
struct AttentionMask {
  bool causal = false;
  Tensor<std::uint8_t, typename B::memory_type> hidden_keys{};  ///< [batch, tokens], 1: hidden
};

/// Sizes of an attention layer and of its initial weights.
struct AttentionOptions {
  std::size_t width = 0;
  std::size_t heads = 0;
  std::size_t key_width = 0;  ///< width of the tokens attended to; 0: width
  float in_deviation = 0.02f;
  float out_deviation = 0.02f;
  MatrixUse use = MatrixUse::many_rows;
};

/// Tokens that attend to each other.
template <Backend B>
class SelfAttention {
 public:
  /// @param path prefix of ".in_proj_weight" and the others
  SelfAttention(const ParameterPath& path, const AttentionOptions& options)
      : width_(options.width),
        heads_(options.heads),
        in_weight_(path + ".in_proj_weight", {3 * options.width, options.width},
                   Initializer::normal(options.in_deviation), {.use = options.use}),
        in_bias_(path + ".in_proj_bias", {3 * options.width}, Initializer::constant(0),
                 ParameterRole::bias),
        out_(path + ".out_proj", {.in = options.width,
                                  .out = options.width,
                                  .deviation = options.out_deviation,
                                  .use = options.use}) {}

  /// input [batch, tokens, width] -> [batch, tokens, width]
  Array<B> operator()(Context<B>& context, const Array<B>& input, const AttentionMask<B>& mask,
                      const LinearEnd<B>& end = {}) const {
    const std::size_t batch = input.shape()[0], tokens = input.shape()[1];
    const Array<B> qkv = project(context, input);  // [batch, tokens, 3 * width]
    const Array<B> mixed = attention(context, {.query = {qkv, 0, width_},
                                               .key = {qkv, width_, width_},
                                               .value = {qkv, 2 * width_, width_},
                                               .batch = batch,
                                               .query_tokens = tokens,
                                               .key_tokens = tokens,
                                               .heads = heads_,
                                               .causal = mask.causal,
                                               .hidden_keys = mask.hidden_keys});
    return out_(context, mixed, end);
  }

  /// The same for tokens that follow those in the cache, causally; their keys and values are added
  /// to it. input [batch, new_tokens, width] -> [batch, new_tokens, width]
  /// @param hidden_keys [batch, length], or empty
  Array<B> extend(Context<B>& context, const Array<B>& input, KvCache<B>& cache,
                  const CacheStep<B>& step,
                  const Tensor<std::uint8_t, typename B::memory_type>& hidden_keys,
                  const LinearEnd<B>& end = {}) const {
    const Array<B> qkv = project(context, input);  // [batch, new_tokens, 3 * width]
    context.backend().run(ops::On<B, ops::ScatterRows>{.input = {qkv, width_, 2 * width_},
                                                       .indices = step.write_rows,
                                                       .output = ops::InOut(cache.rows)});
    const Array<B> mixed = attention(context, {.query = {qkv, 0, width_},
                                               .key = {cache.rows, 0, width_},
                                               .value = {cache.rows, width_, width_},
                                               .batch = step.batch,
                                               .query_tokens = step.new_tokens,
                                               .key_tokens = step.length,
                                               .heads = heads_,
                                               .causal = true,
                                               .hidden_keys = hidden_keys,
                                               .key_rows = step.key_rows});
    return out_(context, mixed, end);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.in_weight_, self.in_bias_, self.out_);
  }

 private:
  Array<B> project(Context<B>& context, const Array<B>& input) const {
    return linear(context, input, in_weight_.value(), LinearOptions<B>{.bias = in_bias_.value()});
  }

  std::size_t width_;
  std::size_t heads_;
  MatrixParameter<B> in_weight_;
  ArrayParameter<B> in_bias_;
  Linear<B> out_;
};

/// Keys and values of the tokens that queries attend to, projected once and shared by all queries.
template <Backend B>
struct ProjectedTokens {
  Array<B> keys_values;   ///< [batch * tokens, 2 * width], each key followed by its value
  std::size_t batch = 0;  ///< pictures
  std::size_t tokens = 0;
};

/// Which picture each sequence of queries attends to, and where to write its attention.
template <Backend B>
struct CrossAttentionCall {
  Indices<B> key_rows{};     ///< [sequences, tokens]; empty: sequence i attends to picture i
  Array<B> probabilities{};  ///< [sequences, heads, queries, tokens], written when present
  Tensor<std::uint8_t, typename B::memory_type> hidden_keys{};  ///< [sequences, tokens], 1: hidden
};

/// Queries that attend to other tokens.
template <Backend B>
class CrossAttention {
 public:
  /// @param path prefix of ".in_proj_weight", or of ".q_proj_weight" and the others where the
  /// widths of
  ///             queries and keys differ
  CrossAttention(const ParameterPath& path, const AttentionOptions& options)
      : width_(options.width),
        heads_(options.heads),
        in_bias_(path + ".in_proj_bias", {3 * options.width}, Initializer::constant(0),
                 ParameterRole::bias),
        out_(path + ".out_proj", {.in = options.width,
                                  .out = options.width,
                                  .deviation = options.out_deviation,
                                  .use = options.use}) {
    const std::size_t width = options.width;
    const std::size_t key_width = options.key_width == 0 ? width : options.key_width;
    const auto normal = Initializer::normal(options.in_deviation);
    if (key_width == width) {
      fused_.emplace(path + ".in_proj_weight", Shape{3 * width, width}, normal,
                     typename MatrixParameter<B>::Layout{
                         .parts = {width, 2 * width}, .transposed = false, .use = options.use});
      return;
    }
    const typename MatrixParameter<B>::Layout layout{
        .parts = {}, .transposed = false, .use = options.use};
    query_.emplace(path + ".q_proj_weight", Shape{width, width}, normal, layout);
    key_.emplace(path + ".k_proj_weight", Shape{width, key_width}, normal, layout);
    value_.emplace(path + ".v_proj_weight", Shape{width, key_width}, normal, layout);
  }

  std::size_t heads() const noexcept { return heads_; }

  /// tokens [batch, tokens, key_width] -> their keys and values
  ProjectedTokens<B> project(Context<B>& context, const Array<B>& tokens) const {
    const std::size_t batch = tokens.shape()[0], count = tokens.shape()[1];
    const Array<B>& bias = in_bias_.value();
    if (fused_) {
      const Array<B> both = linear(context, tokens, fused_->value(1),
                                   LinearOptions<B>{.bias = bias.slice(width_, 2 * width_)});
      return {both.reshaped({batch * count, 2 * width_}), batch, count};
    }
    const Array<B> keys = linear(context, tokens, key_->value(),
                                 LinearOptions<B>{.bias = bias.slice(width_, width_)});
    const Array<B> values = linear(context, tokens, value_->value(),
                                   LinearOptions<B>{.bias = bias.slice(2 * width_, width_)});
    return {side_by_side(context, keys, values), batch, count};
  }

  /// queries [sequences, queries, width] -> [sequences, queries, width]
  Array<B> operator()(Context<B>& context, const Array<B>& queries,
                      const ProjectedTokens<B>& tokens, const CrossAttentionCall<B>& call = {},
                      const LinearEnd<B>& end = {}) const {
    const auto& weight = fused_ ? fused_->value(0) : query_->value();
    const Array<B> query = linear(context, queries, weight,
                                  LinearOptions<B>{.bias = in_bias_.value().slice(0, width_)});
    const Array<B> mixed = attention(context, {.query = {query, 0, width_},
                                               .key = {tokens.keys_values, 0, width_},
                                               .value = {tokens.keys_values, width_, width_},
                                               .batch = queries.shape()[0],
                                               .query_tokens = queries.shape()[1],
                                               .key_tokens = tokens.tokens,
                                               .heads = heads_,
                                               .causal = false,
                                               .hidden_keys = call.hidden_keys,
                                               .key_rows = call.key_rows,
                                               .probabilities = ops::Out(call.probabilities)});
    return out_(context, mixed, end);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.fused_, self.query_, self.key_, self.value_, self.in_bias_,
                     self.out_);
  }

 private:
  // Interleaves [rows, width] and [rows, width] to [rows, 2 * width].
  Array<B> side_by_side(Context<B>& context, const Array<B>& keys, const Array<B>& values) const {
    const std::size_t rows = keys.size() / width_;
    Array<B> both = context.empty(Shape{rows, 2, width_});
    write_tokens(context, keys.reshaped({rows, 1, width_}), Array<B>{}, 0, both);
    write_tokens(context, values.reshaped({rows, 1, width_}), Array<B>{}, 1, both);
    return both.reshaped({rows, 2 * width_});
  }

  std::size_t width_;
  std::size_t heads_;
  std::optional<MatrixParameter<B>> fused_;  // parts: query, and key and value
  std::optional<MatrixParameter<B>> query_, key_, value_;
  ArrayParameter<B> in_bias_;
  Linear<B> out_;
};

}  // namespace coca
