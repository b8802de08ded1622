#pragma once
/// @file
/// The attentional poolers between an image encoder and its two outputs, in the designs of OpenCLIP
/// and of the paper, and one type for all poolers.

#include <cstddef>
#include <string>
#include <variant>

#include "coca/models/token_pooler.hpp"
#include "coca/nn/attentional_pooler.hpp"

namespace coca {

namespace detail {

/// The sizes themselves. @throws ArgumentError if they do not fit together.
inline const PoolerSizes& checked_single(const PoolerSizes& sizes) {
  expect_rule(heads_fit(sizes.embed_dim, sizes.heads),
              "SinglePooler: embed_dim must be a multiple of the pooler's heads");
  expect_rule(sizes.queries > 1,
              "SinglePooler: needs a query for the embedding and at least one for captions");
  return sizes;
}

/// The same.
inline const PoolerSizes& checked_dual(const PoolerSizes& sizes) {
  expect_rule(sizes.queries > 0 && heads_fit(sizes.embed_dim, sizes.heads),
              "DualPooler: embed_dim must be a multiple of the pooler's heads");
  return sizes;
}

}  // namespace detail

/// One attentional pooler, whose first query is the embedding (`attentional_pool: true` of
/// OpenCLIP).
template <Backend B>
class SinglePooler {
 public:
  using backend_type = B;
  using Options = PoolerSizes;

  std::size_t input_width, embed_dim;
  std::size_t tokens, width;  ///< of what the captioner looks at

  /// @param path prefix of all parameters, "visual" in OpenCLIP's checkpoints
  /// @throws ArgumentError for sizes that do not fit together.
  explicit SinglePooler(const PoolerSizes& sizes, const std::string& path = "visual")
      : input_width(detail::size(detail::checked_single(sizes).width)),
        embed_dim(detail::size(sizes.embed_dim)),
        tokens(detail::size(sizes.queries - 1)),
        width(embed_dim),
        attn_pool_(path + ".attn_pool", {.width = embed_dim,
                                         .key_width = input_width,
                                         .queries = detail::size(sizes.queries),
                                         .heads = detail::size(sizes.heads)}),
        ln_post_(path + ".ln_post", embed_dim, {.epsilon = sizes.norm_epsilon.value()}),
        proj_(detail::projection<B>(path + ".proj", embed_dim, embed_dim)) {}

  /// x [batch, encoder tokens, width] -> pooled [batch, embed_dim], tokens [batch, tokens,
  /// embed_dim]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    PooledTokens<B> result = unprojected(context, x);
    result.pooled = linear(context, result.pooled, proj_.value());
    return result;
  }

  /// The same before the projection of what was pooled.
  PooledTokens<B> unprojected(Context<B>& context, const Array<B>& x) const {
    const Array<B> all = ln_post_(context, attn_pool_(context, x));  // [batch, queries, embed_dim]
    const Array<B> first =
        detail::select_tokens(context, all, 0, 1).reshaped({x.shape()[0], embed_dim});
    return {first, detail::select_tokens(context, all, 1, tokens)};
  }

  /// The captioner's tokens are gathered by queries: of any number of encoder tokens the same
  /// number.
  bool gathers_tokens() const noexcept { return true; }

  /// Where the caption tokens attend: [batch, heads, queries, encoder tokens]; query 0 is the
  /// embedding's.
  Array<B> attention_map(Context<B>& context, const Array<B>& x) const {
    Array<B> map =
        context.empty(Shape{x.shape()[0], attn_pool_.heads(), attn_pool_.queries(), x.shape()[1]});
    attn_pool_(context, x, map);
    return map;
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.attn_pool_, self.ln_post_, self.proj_);
  }

 private:
  AttentionalPooler<B> attn_pool_;
  LayerNorm<B> ln_post_;
  MatrixParameter<B> proj_;
};

/// Two attentional poolers: one with many queries for captions, one with a single query for the
/// embedding, which attends to the encoder's tokens (parallel) or to the caption tokens (cascade).
template <Backend B>
class DualPooler {
 public:
  using backend_type = B;

  std::size_t input_width, embed_dim;
  std::size_t tokens, width;  ///< of what the captioner looks at

  /// @param cascade whether the contrastive pooler attends to the caption tokens
  /// @param path prefix of all parameters, "visual" in OpenCLIP's checkpoints
  /// @throws ArgumentError for sizes that do not fit together.
  DualPooler(const PoolerSizes& sizes, bool cascade, const std::string& path = "visual")
      : input_width(detail::size(detail::checked_dual(sizes).width)),
        embed_dim(detail::size(sizes.embed_dim)),
        tokens(detail::size(sizes.queries)),
        width(embed_dim),
        cascade_(cascade),
        ln_post_(path + ".ln_post", input_width, {.epsilon = sizes.norm_epsilon.value()}),
        attn_pool_(path + ".attn_pool", {.width = embed_dim,
                                         .key_width = input_width,
                                         .queries = tokens,
                                         .heads = detail::size(sizes.heads)}),
        attn_pool_contrastive_(path + ".attn_pool_contrastive",
                               {.width = embed_dim,
                                .key_width = cascade ? embed_dim : input_width,
                                .queries = 1,
                                .heads = detail::size(sizes.heads)}),
        proj_(detail::projection<B>(path + ".proj", embed_dim, embed_dim)) {}

  /// x [batch, encoder tokens, width] -> pooled [batch, embed_dim], tokens [batch, tokens,
  /// embed_dim]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    PooledTokens<B> result = unprojected(context, x);
    result.pooled = linear(context, result.pooled, proj_.value());
    return result;
  }

  /// The same before the projection of what was pooled.
  PooledTokens<B> unprojected(Context<B>& context, const Array<B>& x) const {
    const Array<B> normed = ln_post_(context, x);
    const Array<B> caption_tokens = attn_pool_(context, normed);
    const Array<B> one = attn_pool_contrastive_(context, cascade_ ? caption_tokens : normed)
                             .reshaped({x.shape()[0], embed_dim});
    return {one, caption_tokens};
  }

  /// The captioner's tokens are gathered by queries: of any number of encoder tokens the same
  /// number.
  bool gathers_tokens() const noexcept { return true; }

  /// Where the caption tokens attend: [batch, heads, tokens, encoder tokens].
  Array<B> attention_map(Context<B>& context, const Array<B>& x) const {
    Array<B> map =
        context.empty(Shape{x.shape()[0], attn_pool_.heads(), attn_pool_.queries(), x.shape()[1]});
    attn_pool_(context, ln_post_(context, x), map);
    return map;
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.ln_post_, self.attn_pool_, self.attn_pool_contrastive_,
                     self.proj_);
  }

  /// Calls visit(parameter) for each parameter that leads only to the captioner's tokens.
  template <class Visitor>
  void for_each_caption_parameter(Visitor&& visit) const {
    if (!cascade_) visit_parameters(visit, attn_pool_);
  }

 private:
  bool cascade_;
  LayerNorm<B> ln_post_;
  AttentionalPooler<B> attn_pool_;
  AttentionalPooler<B> attn_pool_contrastive_;
  MatrixParameter<B> proj_;
};

/// Both poolers over the encoder's tokens (`attentional_pool: "parallel"`).
template <Backend B>
class ParallelPooler : public DualPooler<B> {
 public:
  using Options = PoolerSizes;
  explicit ParallelPooler(const PoolerSizes& sizes, const std::string& path = "visual")
      : DualPooler<B>(sizes, false, path) {}
};

/// The contrastive pooler over the caption tokens (`attentional_pool: "cascade"`, the paper's).
template <Backend B>
class CascadePooler : public DualPooler<B> {
 public:
  using Options = PoolerSizes;
  explicit CascadePooler(const PoolerSizes& sizes, const std::string& path = "visual")
      : DualPooler<B>(sizes, true, path) {}
};

/// The pooler that a configuration requests: one type for all kinds.
template <Backend B>
class AnyPooler {
 public:
  using backend_type = B;
  /// A pooler and its sizes.
  struct Options {
    Pooling kind = Pooling::single;
    PoolerSizes sizes{};
    TokenPoolerOptions token{};  ///< of a TokenPooler, but for its kind and sizes
  };

  std::size_t input_width, embed_dim;
  std::size_t tokens, width;  ///< of what the captioner looks at

  /// @throws ArgumentError for sizes that do not fit together.
  explicit AnyPooler(const Options& options, const std::string& path = "visual")
      : pooler_(make(options, path)) {
    std::visit(
        [this](const auto& pooler) {
          input_width = pooler.input_width;
          embed_dim = pooler.embed_dim;
          tokens = pooler.tokens;
          width = pooler.width;
        },
        pooler_);
  }

  /// x [batch, encoder tokens, width] -> pooled [batch, embed_dim], tokens [batch, tokens, width]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    return std::visit([&](const auto& pooler) { return pooler(context, x); }, pooler_);
  }

  /// The same before the projection of what was pooled: [batch, width of the tokens] for a
  /// TokenPooler, otherwise [batch, embed_dim].
  PooledTokens<B> unprojected(Context<B>& context, const Array<B>& x) const {
    return std::visit([&](const auto& pooler) { return pooler.unprojected(context, x); }, pooler_);
  }

  /// Whether the captioner's tokens are gathered by queries, not one per patch.
  bool gathers_tokens() const noexcept { return !std::holds_alternative<TokenPooler<B>>(pooler_); }

  /// Where the caption tokens look: [batch, heads, queries, encoder tokens]; the last `tokens`
  /// queries are the captioner's.
  Array<B> attention_map(Context<B>& context, const Array<B>& x) const {
    return std::visit([&](const auto& pooler) { return pooler.attention_map(context, x); },
                      pooler_);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.pooler_);
  }

  /// See TokenPooler; none of an attentional pooler's.
  template <class Visitor>
  void for_each_embedding_parameter(Visitor&& visit) const {
    if (const auto* pooler = std::get_if<TokenPooler<B>>(&pooler_))
      pooler->for_each_embedding_parameter(visit);
  }

  /// See DualPooler; none of the others'.
  template <class Visitor>
  void for_each_caption_parameter(Visitor&& visit) const {
    if (const auto* pooler = std::get_if<DualPooler<B>>(&pooler_))
      pooler->for_each_caption_parameter(visit);
  }

 private:
  using Held = std::variant<TokenPooler<B>, SinglePooler<B>, DualPooler<B>>;

  static Held make(const Options& options, const std::string& path) {
    TokenPoolerOptions token = options.token;
    token.kind = options.kind;
    token.sizes = options.sizes;
    switch (options.kind) {
      case Pooling::class_token:
      case Pooling::mean:
      case Pooling::map_head:
        return TokenPooler<B>(token, path);
      case Pooling::single:
        return SinglePooler<B>(options.sizes, path);
      case Pooling::parallel:
      case Pooling::cascade:
        break;
    }
    return DualPooler<B>(options.sizes, options.kind == Pooling::cascade, path);
  }

  Held pooler_;
};

/// The pooler of a configuration.
/// @param config a CoCaConfig or a ClipConfig
template <Backend B, ConfigPart Config>
AnyPooler<B> configured_pooler(const Config& config, const std::string& path = "visual") {
  detail::expect_rule(detail::pools_plainly(config.pooling),
                      "PoolingConfig: attentional poolers have a projection and no "
                      "final_ln_after_pool");
  return AnyPooler<B>(
      {config.pooling.kind, pooler_sizes(config), detail::token_pooler_options(config)}, path);
}

}  // namespace coca
