#pragma once
/// @file
/// The stage between an image encoder and its two outputs, in the designs of OpenCLIP and of the
/// paper.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "coca/autograd/operations.hpp"
#include "coca/models/config.hpp"
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

template <PoolerSizes sizes>
constexpr bool heads_fit = sizes.queries > 0 && sizes.heads > 0 && sizes.embed_dim > 0 &&
                           sizes.embed_dim % sizes.heads == 0;

}  // namespace detail

/// The class token is the embedding, the others are the captioner's: no attentional pooler
/// (`attentional_pool: false` of OpenCLIP: `coca_base`, and every CLIP).
template <PoolerSizes sizes, Backend B>
class ClassTokenPooler {
 public:
  using backend_type = B;
  static constexpr std::size_t input_width = detail::size(sizes.width);
  static constexpr std::size_t embed_dim = detail::size(sizes.embed_dim);
  static constexpr std::size_t tokens = detail::size(sizes.tokens - 1);
  static constexpr std::size_t width = input_width;

  explicit ClassTokenPooler(const std::string& path = "visual")
      : ln_post_(path + ".ln_post", input_width),
        proj_(detail::projection<B>(path + ".proj", input_width, embed_dim)) {}

  /// x [batch, tokens + 1, width] -> pooled [batch, embed_dim], tokens [batch, tokens, width]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    const Array<B> normed = ln_post_(context, x);
    const Array<B> class_token =
        detail::select_tokens(context, normed, 0, 1).reshaped({x.shape()[0], input_width});
    return {linear(context, class_token, proj_.value()),
            detail::select_tokens(context, normed, 1, x.shape()[1] - 1)};
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    LayerNorm<B>::for_each_parameter(self.ln_post_, visit);
    visit(self.proj_);
  }

 private:
  LayerNorm<B> ln_post_;
  MatrixParameter<B> proj_;
};

/// One attentional pooler, whose first query is the embedding (`attentional_pool: true` of
/// OpenCLIP).
template <PoolerSizes sizes, Backend B>
class SinglePooler {
  static_assert(detail::heads_fit<sizes>,
                "SinglePooler: embed_dim must be a multiple of the pooler's heads");
  static_assert(sizes.queries > 1,
                "SinglePooler: needs a query for the embedding and at least one for captions");

 public:
  using backend_type = B;
  static constexpr std::size_t input_width = detail::size(sizes.width);
  static constexpr std::size_t embed_dim = detail::size(sizes.embed_dim);
  static constexpr std::size_t tokens = detail::size(sizes.queries - 1);
  static constexpr std::size_t width = embed_dim;

  explicit SinglePooler(const std::string& path = "visual")
      : attn_pool_(path + ".attn_pool", {.width = embed_dim,
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
    AttentionalPooler<B>::for_each_parameter(self.attn_pool_, visit);
    LayerNorm<B>::for_each_parameter(self.ln_post_, visit);
    visit(self.proj_);
  }

 private:
  AttentionalPooler<B> attn_pool_;
  LayerNorm<B> ln_post_;
  MatrixParameter<B> proj_;
};

/// Two attentional poolers: one with many queries for captions, one with a single query for the
/// embedding, which attends to the encoder's tokens (parallel) or to the caption tokens (cascade).
template <PoolerSizes sizes, bool cascade, Backend B>
class DualPooler {
  static_assert(detail::heads_fit<sizes>,
                "DualPooler: embed_dim must be a multiple of the pooler's heads");

 public:
  using backend_type = B;
  static constexpr std::size_t input_width = detail::size(sizes.width);
  static constexpr std::size_t embed_dim = detail::size(sizes.embed_dim);
  static constexpr std::size_t tokens = detail::size(sizes.queries);
  static constexpr std::size_t width = embed_dim;

  explicit DualPooler(const std::string& path = "visual")
      : ln_post_(path + ".ln_post", input_width),
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
    const Array<B> one = attn_pool_contrastive_(context, cascade ? caption_tokens : normed)
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
    LayerNorm<B>::for_each_parameter(self.ln_post_, visit);
    AttentionalPooler<B>::for_each_parameter(self.attn_pool_, visit);
    AttentionalPooler<B>::for_each_parameter(self.attn_pool_contrastive_, visit);
    visit(self.proj_);
  }

 private:
  LayerNorm<B> ln_post_;
  AttentionalPooler<B> attn_pool_;
  AttentionalPooler<B> attn_pool_contrastive_;
  MatrixParameter<B> proj_;
};

/// Both poolers over the encoder's tokens (`attentional_pool: "parallel"`).
template <PoolerSizes sizes, Backend B>
using ParallelPooler = DualPooler<sizes, false, B>;

/// The contrastive pooler over the caption tokens (`attentional_pool: "cascade"`, the paper's).
template <PoolerSizes sizes, Backend B>
using CascadePooler = DualPooler<sizes, true, B>;

namespace detail {

template <Pooling kind, PoolerSizes sizes, Backend B>
struct PoolerOf;
template <PoolerSizes sizes, Backend B>
struct PoolerOf<Pooling::class_token, sizes, B> {
  using type = ClassTokenPooler<sizes, B>;
};
template <PoolerSizes sizes, Backend B>
struct PoolerOf<Pooling::single, sizes, B> {
  using type = SinglePooler<sizes, B>;
};
template <PoolerSizes sizes, Backend B>
struct PoolerOf<Pooling::parallel, sizes, B> {
  using type = ParallelPooler<sizes, B>;
};
template <PoolerSizes sizes, Backend B>
struct PoolerOf<Pooling::cascade, sizes, B> {
  using type = CascadePooler<sizes, B>;
};

}  // namespace detail

/// The pooler of a configuration.
template <CoCaConfig config, Backend B>
using PoolerFor = typename detail::PoolerOf<config.pooling.kind, pooler_sizes(config), B>::type;

}  // namespace coca
