#pragma once
/// @file
/// The head of a task on tokens (arXiv 2205.01917, section 3.3): an attentional pooler with one
/// query, and a linear layer.

#include <cstddef>
#include <cstdint>

#include "coca/nn/attentional_pooler.hpp"
#include "coca/nn/linear.hpp"

namespace coca {

/// What a task concludes from the tokens of an encoder or a decoder.
template <Backend B>
class TaskHead {
 public:
  /// Sizes; `outputs` are classes or answers.
  struct Options {
    std::size_t width = 0;      ///< of the query and of what it gathers
    std::size_t key_width = 0;  ///< of the tokens
    std::size_t heads = 8;
    std::size_t outputs = 0;
  };

  /// @param path such as "vqa_head": prefix of ".attn_pool", ".weight" and ".bias"
  TaskHead(const ParameterPath& path, const Options& options)
      : pooler_(path + ".attn_pool", {.width = options.width,
                                      .key_width = options.key_width,
                                      .queries = 1,
                                      .heads = options.heads}),
        linear_(path, {.in = options.width, .out = options.outputs, .deviation = 0.01f}),
        width_(options.width) {}

  std::size_t heads() const noexcept { return pooler_.heads(); }

  /// tokens [batch, tokens, key_width] -> what the query gathers from them, [batch, width]
  /// @param hidden_tokens [batch, tokens], 1: hidden, such as padding; or nothing
  /// @param probabilities [batch, heads, 1, tokens], where the query looks, written when present
  Array<B> pool(Context<B>& context, const Array<B>& tokens,
                const Tensor<std::uint8_t, typename B::memory_type>& hidden_tokens = {},
                const Array<B>& probabilities = {}) const {
    return pooler_(context, tokens, probabilities, hidden_tokens)
        .reshaped({tokens.shape()[0], width_});
  }

  /// The same, and what is concluded from it: logits [batch, outputs]
  Array<B> operator()(Context<B>& context, const Array<B>& tokens,
                      const Tensor<std::uint8_t, typename B::memory_type>& hidden_tokens = {},
                      const Array<B>& probabilities = {}) const {
    return linear_(context, pool(context, tokens, hidden_tokens, probabilities));
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.pooler_, self.linear_);
  }

 private:
  AttentionalPooler<B> pooler_;
  Linear<B> linear_;
  std::size_t width_;
};

}  // namespace coca
