#pragma once
/// @file
/// A learnt query that attends to all tokens, followed by a perceptron (Zhai et al. 2022, arXiv
/// 2106.04560: "MAP head"; timm's AttentionPoolLatent, SigLIP's pooling).

#include <cstddef>

#include "coca/nn/attention.hpp"
#include "coca/nn/layer_norm.hpp"
#include "coca/nn/mlp.hpp"

namespace coca {

/// x = attn(query, tokens), then x + mlp(ln x).
template <Backend B>
class MapHead {
 public:
  /// @param path prefix of ".query", ".attn", ".ln" and ".mlp"
  MapHead(const ParameterPath& path, const BlockOptions& options)
      : query_(path + ".query", {1, options.width}, Initializer::normal(options.in_deviation),
               ParameterRole::query),
        attention_(path + ".attn", {.width = options.width,
                                    .heads = options.heads,
                                    .key_width = 0,
                                    .in_deviation = options.in_deviation,
                                    .out_deviation = options.out_deviation,
                                    .use = options.use}),
        ln_(path + ".ln", options.width, {.epsilon = options.norm_epsilon}),
        mlp_(path + ".mlp", options) {}

  /// tokens [batch, tokens, width] -> [batch, width]
  Array<B> operator()(Context<B>& context, const Array<B>& tokens) const {
    const std::size_t batch = tokens.shape()[0], width = query_.shape()[1];
    Array<B> queries = context.empty(Shape{batch, 1, width});
    write_tokens(context, query_.value().reshaped({1, 1, width}), Array<B>(), 0, queries);
    const Array<B> seen = attention_(context, queries, attention_.project(context, tokens));
    return mlp_(context, ln_(context, seen), {.residual = seen}).reshaped({batch, width});
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.query_, self.attention_, self.ln_, self.mlp_);
  }

 private:
  ArrayParameter<B> query_;
  CrossAttention<B> attention_;
  LayerNorm<B> ln_;
  Mlp<B> mlp_;
};

}  // namespace coca
