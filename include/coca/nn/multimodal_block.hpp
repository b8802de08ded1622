#pragma once
/// @file
/// One layer of a multimodal decoder, in two designs: OpenCLIP's (a self-attention
/// block, then a cross-attention block, each with a perceptron) and the paper's (self-attention,
/// cross-attention, one perceptron).

#include <string>

#include "coca/nn/transformer_block.hpp"

namespace coca {

/// OpenCLIP's: `resblocks.i`, then `cross_attn.i`.
template <Backend B>
class OpenClipMultimodalBlock {
 public:
  /// @param path  of the decoder
  /// @param index of the layer
  OpenClipMultimodalBlock(const ParameterPath& path, std::size_t index, const BlockOptions& options)
      : self_(path + ".resblocks." + std::to_string(index), options),
        cross_(path + ".cross_attn." + std::to_string(index), options) {}

  /// image tokens [pictures, tokens, width] -> their keys and values
  ProjectedTokens<B> project(Context<B>& context, const Array<B>& image_tokens) const {
    return cross_.project(context, image_tokens);
  }

  /// x [sequences, tokens, width] -> the same shape
  Array<B> operator()(Context<B>& context, const Array<B>& x, const ProjectedTokens<B>& image,
                      const CrossAttentionCall<B>& call = {}) const {
    return cross_(context, self_(context, x, {.causal = true}), image, call);
  }

  /// The same for tokens that follow those in the cache.
  Array<B> extend(Context<B>& context, const Array<B>& x, KvCache<B>& cache,
                  const CacheStep<B>& step, const ProjectedTokens<B>& image,
                  const CrossAttentionCall<B>& call) const {
    return cross_(context, self_.extend(context, x, cache, step), image, call);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.self_, self.cross_);
  }

 private:
  TransformerBlock<B> self_;
  CrossAttentionBlock<B> cross_;
};

/// The paper's (arXiv 2205.01917, figure 2): x + attn(ln_1 x), x + cross_attn(ln_cross x, image
/// tokens), x + mlp(ln_2 x), all under `resblocks.i`.
template <Backend B>
class PaperMultimodalBlock {
 public:
  /// @param path  of the decoder
  /// @param index of the layer
  PaperMultimodalBlock(const ParameterPath& path, std::size_t index, const BlockOptions& options)
      : PaperMultimodalBlock(path + ".resblocks." + std::to_string(index), options) {}

  /// image tokens [pictures, tokens, width] -> their keys and values
  ProjectedTokens<B> project(Context<B>& context, const Array<B>& image_tokens) const {
    return cross_attention_.project(context, image_tokens);
  }

  /// x [sequences, tokens, width] -> the same shape
  Array<B> operator()(Context<B>& context, const Array<B>& x, const ProjectedTokens<B>& image,
                      const CrossAttentionCall<B>& call = {}) const {
    return look(context, attention_(context, ln_1_(context, x), {.causal = true}, branch(ls_1_, x)),
                image, call);
  }

  /// The same for tokens that follow those in the cache.
  Array<B> extend(Context<B>& context, const Array<B>& x, KvCache<B>& cache,
                  const CacheStep<B>& step, const ProjectedTokens<B>& image,
                  const CrossAttentionCall<B>& call) const {
    return look(context,
                attention_.extend(context, ln_1_(context, x), cache, step, {}, branch(ls_1_, x)),
                image, call);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.ln_1_, self.attention_, self.ls_1_, self.ln_cross_,
                     self.cross_attention_, self.ls_cross_, self.ln_2_, self.mlp_, self.ls_2_);
  }

 private:
  PaperMultimodalBlock(const ParameterPath& block, const BlockOptions& options)
      : ln_1_(detail::block_norm<B>(block + ".ln_1", options)),
        attention_(block + ".attn", detail::attention_options(options)),
        ls_1_(detail::layer_scale<B>(block + ".ls_1", options)),
        ln_cross_(detail::block_norm<B>(block + ".ln_cross", options)),
        cross_attention_(block + ".cross_attn", detail::attention_options(options)),
        ls_cross_(detail::layer_scale<B>(block + ".ls_cross", options)),
        ln_2_(detail::block_norm<B>(block + ".ln_2", options)),
        mlp_(block + ".mlp", options),
        ls_2_(detail::layer_scale<B>(block + ".ls_2", options)) {}

  static LinearEnd<B> branch(const LayerScale<B>& scale, const Array<B>& residual) {
    return {.scale = scale.value(), .residual = residual};
  }

  Array<B> look(Context<B>& context, const Array<B>& x, const ProjectedTokens<B>& image,
                const CrossAttentionCall<B>& call) const {
    const Array<B> seen =
        cross_attention_(context, ln_cross_(context, x), image, call, branch(ls_cross_, x));
    return mlp_(context, ln_2_(context, seen), branch(ls_2_, seen));
  }

  LayerNorm<B> ln_1_;
  SelfAttention<B> attention_;
  LayerScale<B> ls_1_;
  LayerNorm<B> ln_cross_;
  CrossAttention<B> cross_attention_;
  LayerScale<B> ls_cross_;
  LayerNorm<B> ln_2_;
  Mlp<B> mlp_;
  LayerScale<B> ls_2_;
};

}  // namespace coca
