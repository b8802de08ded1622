#pragma once
/// @file
/// Pre-norm transformer blocks: self-attention; cross-attention (OpenCLIP's multimodal decoder);
/// and both with one perceptron (the paper's multimodal decoder).

#include <cstddef>
#include <optional>
#include <string>

#include "coca/nn/attention.hpp"
#include "coca/nn/layer_norm.hpp"
#include "coca/nn/mlp.hpp"

namespace coca {

/// A factor per channel of a residual branch, or none (`ls_init_value` of OpenCLIP).
template <Backend B>
class LayerScale {
 public:
  /// @param path prefix of ".gamma"
  LayerScale(const ParameterPath& path, std::size_t width, bool present, float initial = 1e-5f) {
    if (present)
      gamma_.emplace(path + ".gamma", Shape{width}, Initializer::constant(initial),
                     ParameterRole::scale);
  }

  /// [width], or nothing.
  Array<B> value() const { return gamma_ ? gamma_->value() : Array<B>{}; }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.gamma_);
  }

 private:
  std::optional<ArrayParameter<B>> gamma_;
};

namespace detail {

/// The layer scale of a branch of a block.
template <Backend B>
LayerScale<B> layer_scale(const ParameterPath& path, const BlockOptions& block) {
  return {path, block.width, block.layer_scale, block.layer_scale_init};
}

/// A layer norm of a block.
template <Backend B>
LayerNorm<B> block_norm(const ParameterPath& path, const BlockOptions& block) {
  return {path, block.width, {.epsilon = block.norm_epsilon}};
}

constexpr AttentionOptions attention_options(const BlockOptions& block) {
  return {.width = block.width,
          .heads = block.heads,
          .key_width = 0,
          .in_deviation = block.in_deviation,
          .out_deviation = block.out_deviation,
          .use = block.use};
}

}  // namespace detail

/// x + attn(ln_1 x), then x + mlp(ln_2 x).
template <Backend B>
class TransformerBlock {
 public:
  TransformerBlock(const ParameterPath& path, const BlockOptions& options)
      : ln_1_(detail::block_norm<B>(path + ".ln_1", options)),
        attention_(path + ".attn", detail::attention_options(options)),
        ls_1_(detail::layer_scale<B>(path + ".ls_1", options)),
        ln_2_(detail::block_norm<B>(path + ".ln_2", options)),
        mlp_(path + ".mlp", options),
        ls_2_(detail::layer_scale<B>(path + ".ls_2", options)) {}

  /// x [batch, tokens, width] -> [batch, tokens, width]
  Array<B> operator()(Context<B>& context, const Array<B>& x, const AttentionMask<B>& mask) const {
    return feed_forward(context, attention_(context, ln_1_(context, x), mask, branch(ls_1_, x)));
  }

  /// The same for tokens that follow those in the cache.
  /// x [batch, new_tokens, width] -> [batch, new_tokens, width]
  Array<B> extend(Context<B>& context, const Array<B>& x, KvCache<B>& cache,
                  const CacheStep<B>& step,
                  const Tensor<std::uint8_t, typename B::memory_type>& hidden_keys = {}) const {
    return feed_forward(context, attention_.extend(context, ln_1_(context, x), cache, step,
                                                   hidden_keys, branch(ls_1_, x)));
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.ln_1_, self.attention_, self.ls_1_, self.ln_2_, self.mlp_,
                     self.ls_2_);
  }

 private:
  static LinearEnd<B> branch(const LayerScale<B>& scale, const Array<B>& residual) {
    return {.scale = scale.value(), .residual = residual};
  }
  Array<B> feed_forward(Context<B>& context, const Array<B>& x) const {
    return mlp_(context, ln_2_(context, x), branch(ls_2_, x));
  }

  LayerNorm<B> ln_1_;
  SelfAttention<B> attention_;
  LayerScale<B> ls_1_;
  LayerNorm<B> ln_2_;
  Mlp<B> mlp_;
  LayerScale<B> ls_2_;
};

/// x + attn(ln_1 x, keys and values from ln_1_kv(tokens)), then x + mlp(ln_2 x): `cross_attn.i` of
/// OpenCLIP.
template <Backend B>
class CrossAttentionBlock {
 public:
  CrossAttentionBlock(const ParameterPath& path, const BlockOptions& options)
      : ln_1_(detail::block_norm<B>(path + ".ln_1", options)),
        ln_1_kv_(detail::block_norm<B>(path + ".ln_1_kv", options)),
        attention_(path + ".attn", detail::attention_options(options)),
        ls_1_(detail::layer_scale<B>(path + ".ls_1", options)),
        ln_2_(detail::block_norm<B>(path + ".ln_2", options)),
        mlp_(path + ".mlp", options),
        ls_2_(detail::layer_scale<B>(path + ".ls_2", options)) {}

  std::size_t heads() const noexcept { return attention_.heads(); }

  /// image tokens [pictures, tokens, width] -> their keys and values
  ProjectedTokens<B> project(Context<B>& context, const Array<B>& tokens) const {
    return attention_.project(context, ln_1_kv_(context, tokens));
  }

  /// x [sequences, tokens, width] -> [sequences, tokens, width]
  Array<B> operator()(Context<B>& context, const Array<B>& x, const ProjectedTokens<B>& image,
                      const CrossAttentionCall<B>& call = {}) const {
    const Array<B> seen = attention_(context, ln_1_(context, x), image, call,
                                     {.scale = ls_1_.value(), .residual = x});
    return mlp_(context, ln_2_(context, seen), {.scale = ls_2_.value(), .residual = seen});
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.ln_1_, self.ln_1_kv_, self.attention_, self.ls_1_, self.ln_2_,
                     self.mlp_, self.ls_2_);
  }

 private:
  LayerNorm<B> ln_1_;
  LayerNorm<B> ln_1_kv_;
  CrossAttention<B> attention_;
  LayerScale<B> ls_1_;
  LayerNorm<B> ln_2_;
  Mlp<B> mlp_;
  LayerScale<B> ls_2_;
};

}  // namespace coca
