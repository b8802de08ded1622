#pragma once
/// @file
/// The head of a task on two pictures (arXiv 2205.01917, appendix B: NLVR2): one query gathers from
/// the tokens of each, and both results, side by side, are classified.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "coca/core/error.hpp"
#include "coca/nn/attentional_pooler.hpp"
#include "coca/nn/linear.hpp"

namespace coca {

/// What classifies the two results.
enum class PairHeadKind : std::uint8_t {
  linear,  ///< the paper's: what it can say of both pictures is a sum over them
  mlp,     ///< with a hidden layer of GELU, for what is no sum, such as "exactly one"
};

/// What a task concludes from the tokens of two pictures.
template <Backend B>
class PairHead {
 public:
  /// Sizes; the hidden layer, if there is one, is as wide as the query.
  struct Options {
    std::size_t width = 0;      ///< of the query and of what it gathers
    std::size_t key_width = 0;  ///< of the tokens
    std::size_t heads = 8;
    std::size_t outputs = 2;
    PairHeadKind kind = PairHeadKind::linear;
  };

  /// @param path such as "pair_head": prefix of ".attn_pool", ".hidden", ".weight" and ".bias"
  PairHead(const ParameterPath& path, const Options& options)
      : pooler_(path + ".attn_pool", {.width = options.width,
                                      .key_width = options.key_width,
                                      .queries = 1,
                                      .heads = options.heads}),
        linear_(path, {.in = options.kind == PairHeadKind::mlp ? options.width : 2 * options.width,
                       .out = options.outputs,
                       .deviation = 0.01f}),
        width_(options.width) {
    if (options.kind == PairHeadKind::mlp)
      hidden_.emplace(
          path + ".hidden",
          typename Linear<B>::Options{.in = 2 * width_,
                                      .out = width_,
                                      .deviation = 1 / std::sqrt(static_cast<float>(2 * width_))});
  }

  PairHeadKind kind() const noexcept { return hidden_ ? PairHeadKind::mlp : PairHeadKind::linear; }
  std::size_t heads() const noexcept { return pooler_.heads(); }

  /// tokens [2 * batch, tokens, key_width], the left and the right picture of each sample one after
  /// the other -> what the query gathers from both, side by side, [batch, 2 * width]
  /// @param hidden_tokens [2 * batch, tokens], 1: hidden, such as padding; or nothing
  /// @param probabilities [2 * batch, heads, 1, tokens], written when present
  /// @throws ShapeError for an odd number of pictures.
  Array<B> pool(Context<B>& context, const Array<B>& tokens,
                const Tensor<std::uint8_t, typename B::memory_type>& hidden_tokens = {},
                const Array<B>& probabilities = {}) const {
    const std::size_t pictures = tokens.shape()[0];
    if (pictures % 2 != 0)
      throw ShapeError("a head on two pictures got the tokens of " + std::to_string(pictures) +
                       " pictures, expected an even number");
    // Neighbouring rows of one array are side by side already.
    return pooler_(context, tokens, probabilities, hidden_tokens)
        .reshaped({pictures / 2, 2 * width_});
  }

  /// The same, and what is concluded from it: logits [batch, outputs]
  Array<B> operator()(Context<B>& context, const Array<B>& tokens,
                      const Tensor<std::uint8_t, typename B::memory_type>& hidden_tokens = {},
                      const Array<B>& probabilities = {}) const {
    Array<B> pooled = pool(context, tokens, hidden_tokens, probabilities);
    if (hidden_) pooled = (*hidden_)(context, pooled, {.activation = Activation::gelu});
    return linear_(context, pooled);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.pooler_, self.hidden_, self.linear_);
  }

 private:
  AttentionalPooler<B> pooler_;
  std::optional<Linear<B>> hidden_;
  Linear<B> linear_;
  std::size_t width_;
};

}  // namespace coca
