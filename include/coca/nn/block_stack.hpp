#pragma once
/// @file
/// The blocks of a transformer, one after the other.

#include <cstddef>
#include <deque>
#include <vector>

#include "coca/autograd/recompute.hpp"
#include "coca/nn/kv_cache.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

/// Blocks of one type. How a block is called depends on the transformer, so the caller decides.
template <Backend B, class Block>
class BlockStack {
 public:
  /// @param make make(index) -> the block with that index
  template <class Make>
  BlockStack(std::size_t layers, const Make& make) {
    for (std::size_t index = 0; index < layers; ++index)
      blocks_.emplace_back(InPlace<Make>{make, index});
  }

  const std::deque<Block>& blocks() const noexcept { return blocks_; }

  /// x through all blocks: [batch, tokens, width] -> the same shape. Each block keeps only its
  /// input if the context's tape requests that.
  /// @param run run(block, x) -> the block's output; copied, as the backward pass may call it again
  template <class Run>
  Array<B> operator()(Context<B>& context, Array<B> x, const Run& run) const {
    for (const Block& block : blocks_)
      x = recomputed(context, x,
                     [&block, run](const Array<B>& input) { return run(block, input); });
    return x;
  }

  /// New tokens after those in the caches: [sequences, new tokens, width] -> the same shape
  /// @param extend extend(block, layer, x) -> the block's output
  template <class Extend>
  Array<B> extend(Array<B> x, const Extend& extend) const {
    for (std::size_t layer = 0; layer < blocks_.size(); ++layer)
      x = extend(blocks_[layer], layer, x);
    return x;
  }

  /// Room for the keys and values of `capacity` tokens in each layer.
  std::vector<KvCache<B>> make_caches(Context<B>& context, std::size_t capacity,
                                      std::size_t width) const {
    std::vector<KvCache<B>> caches;
    for (std::size_t layer = 0; layer < blocks_.size(); ++layer)
      caches.emplace_back(context, capacity, width);
    return caches;
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.blocks_);
  }

 private:
  /// Becomes a block where it is needed, so that no code to move blocks is compiled.
  template <class Make>
  struct InPlace {
    const Make& make;
    std::size_t index;
    operator Block() const { return make(index); }
  };

  std::deque<Block> blocks_;  // never moves its elements
};

}  // namespace coca
