#pragma once
/// @file
/// The stage between an image encoder and its two outputs, in the designs of OpenCLIP and of the
/// paper.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/models/config_rules.hpp"
#include "coca/nn/attentional_pooler.hpp"
#include "coca/nn/layer_norm.hpp"

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

  friend constexpr bool operator==(const PoolerSizes&, const PoolerSizes&) = default;
};

/// The sizes that follow from a configuration.
constexpr PoolerSizes pooler_sizes(const CoCaConfig& config) {
  return {.width = config.vision.width,
          .tokens = config.vision.tokens(),
          .embed_dim = config.embed_dim,
          .queries = config.pooling.queries,
          .heads = config.pooling.heads};
}
/// The same.
constexpr PoolerSizes pooler_sizes(const ClipConfig& config) {
  return {.width = config.vision.width,
          .tokens = config.vision.tokens(),
          .embed_dim = config.embed_dim};
}

namespace detail {

/// Tokens [first, first + count) of each entry of x [batch, tokens, width] -> [batch, count, width]
template <Backend B>
Array<B> select_tokens(Context<B>& context, const Array<B>& x, std::size_t first,
                       std::size_t count) {
  const std::size_t batch = x.shape()[0], tokens = x.shape()[1], width = x.shape()[2];
  if (first == 0 && count == tokens) return x;
  std::vector<std::int32_t> rows;
  rows.reserve(batch * count);
  for (std::size_t b = 0; b < batch; ++b)
    for (std::size_t t = first; t < first + count; ++t)
      rows.push_back(static_cast<std::int32_t>(b * tokens + t));
  const auto indices = context.to_device(rows, Shape{rows.size()});
  return gather_rows(context, x, indices).reshaped({batch, count, width});
}

/// `proj` [in, out], used as x proj.
template <Backend B>
MatrixParameter<B> projection(const std::string& path, std::size_t in, std::size_t out,
                              MatrixUse use = MatrixUse::many_rows) {
  return MatrixParameter<B>(path, {in, out},
                            Initializer::normal(1 / std::sqrt(static_cast<float>(in))),
                            {.parts = {}, .transposed = true, .use = use});
}

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

/// The class token is the embedding, the others are the captioner's: no attentional pooler
/// (`attentional_pool: false` of OpenCLIP: `coca_base`, and every CLIP).
template <Backend B>
class ClassTokenPooler {
 public:
  using backend_type = B;
  using Options = PoolerSizes;

  std::size_t input_width, embed_dim;
  std::size_t tokens, width;  ///< of what the captioner looks at

  /// @param path prefix of all parameters, "visual" in OpenCLIP's checkpoints
  explicit ClassTokenPooler(const PoolerSizes& sizes, const std::string& path = "visual")
      : input_width(detail::size(sizes.width)),
        embed_dim(detail::size(sizes.embed_dim)),
        tokens(detail::size(sizes.tokens - 1)),
        width(input_width),
        ln_post_(path + ".ln_post", input_width),
        proj_(detail::projection<B>(path + ".proj", input_width, embed_dim)) {}

  /// x [batch, tokens + 1, width] -> pooled [batch, embed_dim], tokens [batch, tokens, width]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    const Array<B> normed = ln_post_(context, x);
    const Array<B> class_token =
        detail::select_tokens(context, normed, 0, 1).reshaped({x.shape()[0], input_width});
    return {linear(context, class_token, proj_.value()),
            detail::select_tokens(context, normed, 1, x.shape()[1] - 1)};
  }

  /// Where the caption tokens look: [batch, 1, tokens, encoder tokens]; each is one of them.
  Array<B> attention_map(Context<B>& context, const Array<B>& x) const {
    const std::size_t batch = x.shape()[0], keys = x.shape()[1], queries = keys - 1;
    std::vector<typename B::value_type> map(batch * queries * keys,
                                            static_cast<typename B::value_type>(0.0f));
    for (std::size_t row = 0; row < batch * queries; ++row)
      map[row * keys + row % queries + 1] = static_cast<typename B::value_type>(1.0f);
    return context.to_device(map, Shape{batch, 1, queries, keys});
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.ln_post_, self.proj_);
  }

 private:
  LayerNorm<B> ln_post_;
  MatrixParameter<B> proj_;
};

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
        ln_post_(path + ".ln_post", embed_dim),
        proj_(detail::projection<B>(path + ".proj", embed_dim, embed_dim)) {}

  /// x [batch, encoder tokens, width] -> pooled [batch, embed_dim], tokens [batch, tokens,
  /// embed_dim]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    const Array<B> all = ln_post_(context, attn_pool_(context, x));  // [batch, queries, embed_dim]
    const Array<B> first =
        detail::select_tokens(context, all, 0, 1).reshaped({x.shape()[0], embed_dim});
    return {linear(context, first, proj_.value()), detail::select_tokens(context, all, 1, tokens)};
  }

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
        ln_post_(path + ".ln_post", input_width),
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
    const Array<B> normed = ln_post_(context, x);
    const Array<B> caption_tokens = attn_pool_(context, normed);
    const Array<B> one = attn_pool_contrastive_(context, cascade_ ? caption_tokens : normed)
                             .reshaped({x.shape()[0], embed_dim});
    return {linear(context, one, proj_.value()), caption_tokens};
  }

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

 private:
  using Held = std::variant<ClassTokenPooler<B>, SinglePooler<B>, DualPooler<B>>;

  static Held make(const Options& options, const std::string& path) {
    switch (options.kind) {
      case Pooling::class_token:
        return ClassTokenPooler<B>(options.sizes, path);
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

}  // namespace coca
