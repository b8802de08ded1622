#pragma once
/// @file
/// The poolers of a classifier: that of its configuration, or a new one with one query.

#include <cstddef>
#include <string>
#include <variant>

#include "coca/models/poolers.hpp"
#include "coca/nn/attentional_pooler.hpp"

namespace coca {

/// Sizes of a QueryPooler.
struct QueryPoolerOptions {
  std::size_t width = 0;  ///< of the encoder's tokens, and of what the query gathers
  std::size_t heads = 8;
};

/// One query that attends to all tokens of an encoder: with the linear layer of an ImageClassifier
/// the TaskHead of the paper's frozen evaluation, under the same names.
template <Backend B>
class QueryPooler {
 public:
  using backend_type = B;
  using Options = QueryPoolerOptions;

  std::size_t input_width, embed_dim;
  std::size_t tokens = 1, width;  ///< the pooled token is the only one

  /// @param path prefix of ".attn_pool"
  /// @throws ArgumentError if the heads do not divide the width.
  explicit QueryPooler(const QueryPoolerOptions& options, const std::string& path = "head")
      : input_width(checked(options).width),
        embed_dim(options.width),
        width(options.width),
        attn_pool_(path + ".attn_pool", {.width = options.width,
                                         .key_width = options.width,
                                         .queries = 1,
                                         .heads = options.heads}) {}

  /// x [batch, encoder tokens, width] -> pooled [batch, width], tokens [batch, 1, width]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    const Array<B> gathered = attn_pool_(context, x);
    return {gathered.reshaped({x.shape()[0], embed_dim}), gathered};
  }

  /// The same: there is no projection.
  PooledTokens<B> unprojected(Context<B>& context, const Array<B>& x) const {
    return (*this)(context, x);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.attn_pool_);
  }

 private:
  static const QueryPoolerOptions& checked(const QueryPoolerOptions& options) {
    detail::expect_rule(
        options.width > 0 && options.heads > 0 && options.width % options.heads == 0,
        "QueryPooler: the width must be a multiple of the heads");
    return options;
  }

  AttentionalPooler<B> attn_pool_;
};

/// Either kind, chosen at run time.
template <Backend B>
class ClassifierPooler {
 public:
  using backend_type = B;
  using Options = std::variant<typename AnyPooler<B>::Options, QueryPoolerOptions>;

  std::size_t input_width, embed_dim;
  std::size_t tokens, width;

  ClassifierPooler(AnyPooler<B> pooler) : ClassifierPooler(Held(std::move(pooler))) {}
  ClassifierPooler(QueryPooler<B> pooler) : ClassifierPooler(Held(std::move(pooler))) {}

  /// @param path of the pooler of a configuration; that of a QueryPooler is "head"
  /// @throws ArgumentError for sizes that do not fit together.
  explicit ClassifierPooler(const Options& options, const std::string& path = "visual")
      : ClassifierPooler(make(options, path)) {}

  /// x [batch, encoder tokens, width] -> pooled [batch, embed_dim], tokens [batch, tokens, width]
  PooledTokens<B> operator()(Context<B>& context, const Array<B>& x) const {
    return std::visit([&](const auto& pooler) { return pooler(context, x); }, pooler_);
  }

  /// The same before the projection of what was pooled, if there is one.
  PooledTokens<B> unprojected(Context<B>& context, const Array<B>& x) const {
    return std::visit([&](const auto& pooler) { return pooler.unprojected(context, x); }, pooler_);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.pooler_);
  }

  /// See DualPooler; none of the others'.
  template <class Visitor>
  void for_each_caption_parameter(Visitor&& visit) const {
    if (const auto* pooler = std::get_if<AnyPooler<B>>(&pooler_))
      pooler->for_each_caption_parameter(visit);
  }

 private:
  using Held = std::variant<AnyPooler<B>, QueryPooler<B>>;

  explicit ClassifierPooler(Held pooler) : pooler_(std::move(pooler)) {
    std::visit(
        [this](const auto& held) {
          input_width = held.input_width;
          embed_dim = held.embed_dim;
          tokens = held.tokens;
          width = held.width;
        },
        pooler_);
  }

  static Held make(const Options& options, const std::string& path) {
    if (const auto* query = std::get_if<QueryPoolerOptions>(&options))
      return QueryPooler<B>(*query);
    return AnyPooler<B>(std::get<typename AnyPooler<B>::Options>(options), path);
  }

  Held pooler_;
};

}  // namespace coca
