#pragma once
/// @file
/// Rows selected by index: embeddings, gathered and scattered rows.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/counted.hpp"
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
  using Gradients = OperationList<EmbedGradient<T, M>>;
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
      throw ShapeError("embed: " + counted(first + tokens, "token") +
                       ", but there are only positions for " +
                       std::to_string(positions.shape()[0]));
    expect_shape(positions, {positions.shape()[0], table.shape()[1]}, "embed: positions");
  }

  template <class Pass>
  void backward(Pass& g) const {
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

/// input gradient[indices[i]] += output gradient[i]; indices may repeat.
template <class T, class M>
struct GatherRowsGradient {
  static constexpr const char* name = "gather_rows_gradient";
  In<T, M> output_gradient;     ///< [n, width]
  In<std::int32_t, M> indices;  ///< [n]
  Add<T, M> input_gradient;     ///< [rows, width]; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("indices", self.indices...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    if (output_gradient.shape().rows() != indices.size())
      throw ShapeError("gather_rows_gradient: a gradient of " + to_string(output_gradient.shape()) +
                       " for " + counted(indices.size(), "row"));
    if (input_gradient && input_gradient.shape().back() != output_gradient.shape().back())
      throw ShapeError("gather_rows_gradient: rows of " + to_string(output_gradient.shape()) +
                       " do not fit " + to_string(input_gradient.shape()));
  }
};

/// output[i] = input[indices[i]]. Indices must be below `rows`.
template <class T, class M>
struct GatherRows {
  static constexpr const char* name = "gather_rows";
  using Gradients = OperationList<GatherRowsGradient<T, M>>;
  In<T, M> input;               ///< [rows, width], outer extents folded
  In<std::int32_t, M> indices;  ///< [n]
  Out<T, M> output{};           ///< [n, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("indices", self.indices...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return {indices.size(), input.shape().back()}; }

  void check() const {}

  template <class Pass>
  void backward(Pass& g) const {
    g.run(GatherRowsGradient<T, M>{g.of(output), indices, g.add(input)});
  }
};

/// output[indices[i]] = the chosen columns of input row i; other rows stay. If an index occurs
/// twice, the later row wins.
template <class T, class M>
struct ScatterRows {
  static constexpr const char* name = "scatter_rows";
  Columns<T, M> input;          ///< n rows
  In<std::int32_t, M> indices;  ///< [n]
  InOut<T, M> output;           ///< [rows, input.width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("indices", self.indices...);
    visit("output", self.output...);
  }

  void check() const {
    if (input.rows.shape().rows() < indices.size() || output.shape().back() != input.width)
      throw ShapeError("scatter_rows: " + counted(indices.size(), "row") + " of " +
                       counted(input.width, "column") + " of " + to_string(input.rows.shape()) +
                       " do not fit into " + to_string(output.shape()));
  }
};

/// What every backend runs of these.
template <class B>
using RowOperations = OperationList<EmbedOn<B>, On<B, GatherRows>, On<B, ScatterRows>>;

}  // namespace coca::ops
