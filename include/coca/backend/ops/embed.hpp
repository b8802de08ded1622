#pragma once
/// @file
/// Token embedding.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"

namespace coca::ops {

/// table gradient[ids[b, t]] += output gradient[b, t] and
/// positions gradient[first + t] += output gradient[b, t].
template <class T, class M>
struct EmbedGradient {
  static constexpr const char* name = "embed_gradient";
  In<std::int32_t, M> ids;   ///< [batch, tokens]
  In<T, M> output_gradient;  ///< [batch, tokens, width]
  std::size_t first = 0;
  Add<T, M> table_gradient{};      ///< [vocabulary, width]; nothing: not computed
  Add<T, M> positions_gradient{};  ///< [P, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("ids", self.ids...);
    visit("output_gradient", self.output_gradient...);
    visit("first", self.first...);
    visit("table_gradient", self.table_gradient...);
    visit("positions_gradient", self.positions_gradient...);
  }

  void check() const {
    const std::size_t width = output_gradient.shape().back();
    if (output_gradient.size() != ids.size() * width)
      throw ShapeError("embed_gradient: a gradient of " + to_string(output_gradient.shape()) +
                       " does not fit ids of " + to_string(ids.shape()));
    if (positions_gradient && first + ids.shape().back() > positions_gradient.shape()[0])
      throw ShapeError("embed_gradient: positions " + to_string(positions_gradient.shape()) +
                       " are too few for " + to_string(output_gradient.shape()));
  }
};

/// output[b, t] = table[ids[b, t]] + positions[first + t]. Ids must be below the vocabulary: they
/// are checked where they come from, on the host.
/// @tparam W the type of the table
template <class T, class M, class W>
struct Embed {
  static constexpr const char* name = "embed";
  In<std::int32_t, M> ids;  ///< [batch, tokens]
  In<W, M> table;           ///< [vocabulary, width]
  In<T, M> positions;       ///< [at least first + tokens, width]
  std::size_t first = 0;
  Out<T, M> output{};  ///< [batch, tokens, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("ids", self.ids...);
    visit("table", self.table...);
    visit("positions", self.positions...);
    visit("first", self.first...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {ids.shape().rows(), ids.shape().back(), table.shape()[1]}; }

  /// @throws ShapeError if there are too few positions, or of another width.
  void check() const {
    const std::size_t tokens = ids.shape().back();
    if (first + tokens > positions.shape()[0])
      throw ShapeError("embed: " + std::to_string(first + tokens) +
                       " tokens, but there are only positions for " +
                       std::to_string(positions.shape()[0]));
    expect_shape(positions, {positions.shape()[0], table.shape()[1]}, "embed: positions");
  }

  template <class Gradients>
  void backward(Gradients& g) const {
    g.run(EmbedGradient<T, M>{.ids = ids,
                              .output_gradient = g.of(output),
                              .first = first,
                              .table_gradient = g.add(table),
                              .positions_gradient = g.add(positions)});
  }
};

/// With the table type of a backend.
template <class B>
using EmbedOn = Embed<typename B::value_type, typename B::memory_type, typename B::weight_type>;

}  // namespace coca::ops
