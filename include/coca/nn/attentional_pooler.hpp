#pragma once
/// @file
/// Learnt queries that attend to tokens (the paper, section 3.2; OpenCLIP's AttentionalPooler).

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/nn/attention.hpp"
#include "coca/nn/layer_norm.hpp"

namespace coca {

template <Backend B>
class AttentionalPooler {
 public:
  struct Options {
    std::size_t width = 0;      ///< of queries and output
    std::size_t key_width = 0;  ///< of the tokens
    std::size_t queries = 256;
    std::size_t heads = 8;
  };

  /// @param path prefix of ".query", ".ln_q", ".ln_k" and ".attn"
  AttentionalPooler(const ParameterPath& path, const Options& options)
      : query_(path + ".query", {options.queries, options.width}, Initializer::normal(1),
               ParameterRole::query),
        ln_q_(path + ".ln_q", options.width),
        ln_k_(path + ".ln_k", options.key_width),
        attention_(path + ".attn",
                   {.width = options.width,
                    .heads = options.heads,
                    .key_width = options.key_width,
                    .in_deviation = 1 / std::sqrt(static_cast<float>(options.width)),
                    .out_deviation = 1 / std::sqrt(static_cast<float>(options.width))}) {}

  std::size_t heads() const noexcept { return attention_.heads(); }
  std::size_t queries() const noexcept { return query_.shape()[0]; }

  /// tokens [batch, tokens, key_width] -> [batch, queries, width]
  /// @param probabilities [batch, heads, queries, tokens], written when present
  /// @param hidden_tokens [batch, tokens], 1: no query sees it, such as padding; or nothing
  Array<B> operator()(
      Context<B>& context, const Array<B>& tokens, const Array<B>& probabilities = {},
      const Tensor<std::uint8_t, typename B::memory_type>& hidden_tokens = {}) const {
    const Shape& shape = query_.shape();
    const Array<B> query = ln_q_(context, query_.value());  // [queries, width]
    Array<B> queries = context.empty(Shape{tokens.shape()[0], shape[0], shape[1]});
    write_tokens(context, query.reshaped({1, shape[0], shape[1]}), Array<B>{}, 0, queries);
    const ProjectedTokens<B> seen = attention_.project(context, ln_k_(context, tokens));
    return attention_(context, queries, seen,
                      {.probabilities = probabilities, .hidden_keys = hidden_tokens});
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.query_, self.ln_q_, self.ln_k_, self.attention_);
  }

 private:
  ArrayParameter<B> query_;
  LayerNorm<B> ln_q_;
  LayerNorm<B> ln_k_;
  CrossAttention<B> attention_;
};

}  // namespace coca
