#pragma once
/// @file
/// Gradient checkpointing: a block that keeps only its input and is recomputed in the backward
/// pass.

#include <cstddef>

#include "coca/autograd/context.hpp"
#include "coca/backend/differentiable.hpp"

namespace coca {

/// block(x) -> a new array. If the context's tape requests it (TapeOptions), nothing
/// that the block computes is kept except its result.
/// @param block copied; what it refers to must live until the backward pass is done
template <Backend B, class Block>
Array<B> recomputed(Context<B>& context, const Array<B>& x, const Block& block) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = context.tape();
    if (tape != nullptr && tape->options().recompute_blocks) {
      Array<B> output;
      {
        const Recording<B> off(context, nullptr);
        output = block(x);
      }
      tape->record(output, [&context, tape, x, block, output] {
        const std::size_t size = tape->size();
        const Recording<B> on(context, tape);
        const Array<B> again = block(x);
        if (!tape->follows(again)) return;
        tape->give(again, tape->gradient(output));
        tape->backward(size);
      });
      return output;
    }
  }
  return block(x);
}

}  // namespace coca
