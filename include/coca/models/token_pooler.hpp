#pragma once
/// @file
/// The stage between an image encoder and its two outputs if the captioner sees the patches
/// themselves, and what all poolers share.

#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/models/block_options.hpp"
#include "coca/models/config_rules.hpp"
#include "coca/nn/layer_norm.hpp"
#include "coca/nn/map_head.hpp"

namespace coca {

/// A picture, encoded.
template <Backend B>
struct ImageFeatures {
  Array<B> pooled;     ///< [batch, embed_dim], before normalisation
  Array<B> embedding;  ///< [batch, embed_dim], of Euclidean norm 1
  Array<B>
      tokens;  ///< [batch, caption tokens, width], which the captioner attends to; empty in Clip
};

/// The output of a pooler.
template <Backend B>
struct PooledTokens {
  Array<B> pooled;  ///< [batch, embed_dim]
  Array<B> tokens;  ///< [batch, tokens, width]
};

/// Sizes of a pooler.
struct PoolerSizes {
  int width = 0;      ///< of the encoder's tokens
  int tokens = 0;     ///< of the encoder
  int embed_dim = 0;  ///< of the embedding, and of the tokens that the attentional poolers give
  int queries = 256;
  int heads = 8;
  ConfigReal norm_epsilon = default_norm_epsilon;  ///< of `ln_post`

  friend constexpr bool operator==(const PoolerSizes&, const PoolerSizes&) = default;
};

/// The sizes that follow from a configuration.
/// @param config a CoCaConfig or a ClipConfig
template <ConfigPart Config>
constexpr PoolerSizes pooler_sizes(const Config& config) {
  return {.width = config.vision.width,
          .tokens = config.vision.tokens(),
          .embed_dim = config.embed_dim,
          .queries = config.pooling.queries,
          .heads = config.pooling.heads,
          .norm_epsilon = config.vision.norm_epsilon};
}

namespace detail {

/// Tokens [first, first + count) of each entry of x [batch, tokens, width] -> [batch, count, width]
template <Backend B>
Array<B> select_tokens(Context<B>& context, const Array<B>& x, std::size_t first,
                       std::size_t count) {
  if (first == 0 && count == x.shape()[1]) return x;
  return slice_tokens(context, x, first, count);
}

/// `proj` [in, out], used as x proj.
template <Backend B>
MatrixParameter<B> projection(const std::string& path, std::size_t in, std::size_t out,
                              MatrixUse use = MatrixUse::many_rows) {
  return MatrixParameter<B>(path, {in, out},
                            Initializer::normal(1 / std::sqrt(static_cast<float>(in))),
                            {.parts = {}, .transposed = true, .use = use});
}

}  // namespace detail

/// What a TokenPooler does; by default what CLIP's does.
struct TokenPoolerOptions {
  PoolerSizes sizes{};
  Pooling kind = Pooling::class_token;  ///< class_token, mean or map_head
  bool class_token = true;              ///< whether the first of the encoder's tokens is one
  bool final_ln_after_pool = false;
  bool projection = true;
  BlockOptions head{};  ///< of a MapHead, but for its width
};

namespace detail {

/// The options themselves. @throws ArgumentError if they do not fit together.
inline const TokenPoolerOptions& checked_token(const TokenPoolerOptions& options) {
  expect_rule(has_pooled_token(options.kind, options.class_token),
              "VisionConfig: pooling by the class token needs class_token");
  expect_rule(projection_fits(options.projection, options.sizes.width, options.sizes.embed_dim),
              "PoolingConfig: without projection embed_dim must equal the vision width");
  expect_rule(!is_attentional(options.kind),
              "TokenPooler: pooling must be class_token, mean or map_head");
  return options;
}

/// Of a configuration without an attentional pooler.
template <ConfigPart Config>
TokenPoolerOptions token_pooler_options(const Config& config) {
  return {.sizes = pooler_sizes(config),
          .kind = config.pooling.kind,
          .class_token = config.vision.class_token,
          .final_ln_after_pool = config.pooling.final_ln_after_pool,
          .projection = config.pooling.projection,
          .head = block_options(config.vision, MatrixUse::many_rows)};
}

}  // namespace detail

/// The embedding comes from the class token, the mean of the patches, or a MapHead over all tokens;
/// the patches themselves are the captioner's (`attentional_pool: false` of OpenCLIP: `coca_base`
/// and every CLIP; timm's vision transformers). `ln_post` normalises all tokens, or only what was
/// pooled.
template <Backend B>
class TokenPooler {
 public:
  using backend_type = B;
  using Options = TokenPoolerOptions;

  std::size_t input_width, embed_dim;
  std::size_t tokens, width;  ///< of what the captioner looks at

  /// @param path prefix of all parameters, "visual" in OpenCLIP's checkpoints
  /// @throws ArgumentError for options that do not fit together.
  explicit TokenPooler(const TokenPoolerOptions& options, const std::string& path = "visual")
      : input_width(detail::size(detail::checked_token(options).sizes.width)),
        embed_dim(detail::size(options.sizes.embed_dim)),
        tokens(detail::size(options.sizes.tokens) - (options.class_token ? 1 : 0)),
        width(input_width),
        mean_(options.kind == Pooling::mean),
        class_tokens_(options.class_token ? 1 : 0),
        final_ln_after_pool_(options.final_ln_after_pool),
        ln_post_(path + ".ln_post", input_width, {.epsilon = options.sizes.norm_epsilon.value()}) {
    if (options.kind == Pooling::map_head) {
      BlockOptions head = options.head;
      head.width = input_width;
      map_head_.emplace(path + ".attn_pool", head);
    }
    if (options.projection)
      proj_.emplace(detail::projection<B>(path + ".proj", input_width, embed_dim));
  }

  /// x [batch, encoder tokens, width] -> pooled [batch, embed_dim], tokens [batch, patches, width]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    PooledTokens<B> result = unprojected(context, x);
    if (proj_) result.pooled = linear(context, result.pooled, proj_->value());
    return result;
  }

  /// The same before the projection, which CLIP's linear probes read: pooled [batch, width].
  PooledTokens<B> unprojected(Context<B>& context, const Array<B>& x) const {
    const Array<B> all = final_ln_after_pool_ ? x : ln_post_(context, x);
    const Array<B> patches =
        detail::select_tokens(context, all, class_tokens_, x.shape()[1] - class_tokens_);
    Array<B> pooled = pool(context, all, patches);
    if (final_ln_after_pool_) pooled = ln_post_(context, pooled);
    return {pooled, patches};
  }

  /// Where the caption tokens look: [batch, 1, tokens, encoder tokens]; each is one of them.
  Array<B> attention_map(Context<B>& context, const Array<B>& x) const {
    const std::size_t batch = x.shape()[0], keys = x.shape()[1], queries = keys - class_tokens_;
    std::vector<typename B::value_type> map(batch * queries * keys,
                                            static_cast<typename B::value_type>(0.0f));
    for (std::size_t row = 0; row < batch * queries; ++row)
      map[row * keys + row % queries + class_tokens_] = static_cast<typename B::value_type>(1.0f);
    return context.to_device(map, Shape{batch, 1, queries, keys});
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.map_head_, self.ln_post_, self.proj_);
  }

  /// Calls visit(parameter) for those that only the embedding depends on, not the captioner's
  /// tokens.
  template <class Visitor>
  void for_each_embedding_parameter(Visitor&& visit) const {
    visit_parameters(visit, map_head_, proj_);
    if (final_ln_after_pool_) visit_parameters(visit, ln_post_);
  }

 private:
  // all [batch, encoder tokens, width], patches [batch, tokens, width] -> [batch, width]
  Array<B> pool(Context<B>& context, const Array<B>& all, const Array<B>& patches) const {
    if (map_head_) return (*map_head_)(context, all);
    if (mean_) return mean_tokens(context, patches);
    return detail::select_tokens(context, all, 0, 1).reshaped({all.shape()[0], input_width});
  }

  bool mean_;
  std::size_t class_tokens_;
  bool final_ln_after_pool_;
  std::optional<MapHead<B>> map_head_;
  LayerNorm<B> ln_post_;
  std::optional<MatrixParameter<B>> proj_;
};

/// The class token is the embedding: CLIP's.
template <Backend B>
class ClassTokenPooler : public TokenPooler<B> {
 public:
  using Options = PoolerSizes;
  explicit ClassTokenPooler(const PoolerSizes& sizes, const std::string& path = "visual")
      : TokenPooler<B>({.sizes = sizes}, path) {}
};

}  // namespace coca
