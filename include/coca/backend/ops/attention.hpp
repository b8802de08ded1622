#pragma once
/// @file
/// Attention.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// softmax(scale query keyᵀ + bias) value, for every sequence and head.
template <class T, class M>
struct AttentionArguments {
  Columns<T, M> query{};  ///< [batch * query_tokens, width]
  Columns<T, M> key{};    ///< [batch * key_tokens, width], or any rows, picked by key_rows
  Columns<T, M> value{};  ///< as key
  std::size_t batch = 0;
  std::size_t query_tokens = 0;
  std::size_t key_tokens = 0;
  std::size_t heads = 0;
  /// Query i stands at key position key_tokens - query_tokens + i and sees no later key.
  bool causal = false;
  ops::In<std::uint8_t, M> hidden_keys{};  ///< [batch, key_tokens], 1: no query sees it; or nothing
  /// [batch, key_tokens]: where each key and value stands among the rows of `key` and `value`
  /// (caches, beams that share a picture); nothing: row batch * key_tokens + position.
  ops::In<std::int32_t, M> key_rows{};
  /// [batch, heads, query_tokens, key_tokens], written when present.
  ops::Out<T, M> probabilities{};
  float scale = 0;       ///< of the scores; 0: 1 / sqrt(head width)
  ops::In<T, M> bias{};  ///< [heads, query_tokens, key_tokens], added to the scores; or nothing
  /// [batch, query_tokens, key_tokens], 1: that query does not see that key; or nothing.
  ops::In<std::uint8_t, M> hidden_pairs{};

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("query", self.query...);
    visit("key", self.key...);
    visit("value", self.value...);
    visit("batch", self.batch...);
    visit("query_tokens", self.query_tokens...);
    visit("key_tokens", self.key_tokens...);
    visit("heads", self.heads...);
    visit("causal", self.causal...);
    visit("hidden_keys", self.hidden_keys...);
    visit("key_rows", self.key_rows...);
    visit("probabilities", self.probabilities...);
    visit("scale", self.scale...);
    visit("bias", self.bias...);
    visit("hidden_pairs", self.hidden_pairs...);
  }
};

/// Where the gradients of attention go, each added: the same columns of arrays of the same shapes
/// as AttentionArguments has; absent rows: not computed.
template <class T, class M>
struct AttentionGradients {
  AddColumns<T, M> query{};
  AddColumns<T, M> key{};
  AddColumns<T, M> value{};
  ops::Add<T, M> bias{};  ///< [heads, query_tokens, key_tokens], of all sequences together

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("query", self.query...);
    visit("key", self.key...);
    visit("value", self.value...);
    visit("bias", self.bias...);
  }
};

namespace ops {

/// The gradients of attention. With p the probabilities and g the gradient of the output:
///   d value_k += p_k g
///   d s_k = p_k (g · value_k - sum_j p_j g · value_j), d bias_k += d s_k
///   d query += scale sum_k d s_k key_k
///   d key_k += scale d s_k query
template <class T, class M>
struct AttentionGradient {
  static constexpr const char* name = "attention_gradient";
  AttentionArguments<T, M> arguments;  ///< `probabilities` is not used
  In<T, M> output;                     ///< [batch * query_tokens, width], the output of attention
  In<T, M> output_gradient;            ///< as output
  AttentionGradients<T, M> gradients;

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("arguments", self.arguments...);
    visit("output", self.output...);
    visit("output_gradient", self.output_gradient...);
    visit("gradients", self.gradients...);
  }

  void check() const {
    const std::size_t size = arguments.batch * arguments.query_tokens * arguments.query.width;
    if (output.size() != size || output_gradient.size() != size)
      throw ShapeError("attention_gradient: " + counted(size, "value") +
                       " expected of an output, got " + to_string(output.shape()) +
                       " and a gradient of " + to_string(output_gradient.shape()));
    if (gradients.bias)
      expect_shape(gradients.bias, {arguments.heads, arguments.query_tokens, arguments.key_tokens},
                   "attention_gradient: bias gradient");
  }
};

/// See AttentionArguments.
template <class T, class M>
struct Attention {
  static constexpr const char* name = "attention";
  using Gradients = OperationList<AttentionGradient<T, M>>;
  AttentionArguments<T, M> arguments;
  Out<T, M> output{};  ///< [batch * query_tokens, width]

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("arguments", self.arguments...);
    visit("output", self.output...);
  }

  Shape output_shape() const {
    return {arguments.batch, arguments.query_tokens, arguments.query.width};
  }

  /// @throws ShapeError if columns, rows or heads do not fit.
  void check() const {
    const AttentionArguments<T, M>& a = arguments;
    const std::size_t key_rows = a.key_rows ? 0 : a.batch * a.key_tokens;
    expect_columns(a.query, a.batch * a.query_tokens, "query");
    expect_columns(a.key, key_rows, "key");
    expect_columns(a.value, key_rows, "value");
    if (a.heads == 0 || a.query.width % a.heads != 0 || a.key.width != a.query.width ||
        a.value.width != a.query.width)
      throw ShapeError(
          "attention: widths of query, key and value must be equal and a multiple of " +
          counted(a.heads, "head") + ", got " + std::to_string(a.query.width) + ", " +
          std::to_string(a.key.width) + " and " + std::to_string(a.value.width));
    if (a.causal && a.query_tokens > a.key_tokens)
      throw ShapeError("attention: more queries than keys under a causal mask");
    const Shape table{a.batch, a.key_tokens};
    if (a.hidden_keys) expect_shape(a.hidden_keys, table, "attention: hidden_keys");
    if (a.key_rows) expect_shape(a.key_rows, table, "attention: key_rows");
    if (a.probabilities)
      expect_shape(a.probabilities, {a.batch, a.heads, a.query_tokens, a.key_tokens},
                   "attention: probabilities");
    if (a.bias) expect_shape(a.bias, {a.heads, a.query_tokens, a.key_tokens}, "attention: bias");
    if (a.hidden_pairs)
      expect_shape(a.hidden_pairs, {a.batch, a.query_tokens, a.key_tokens},
                   "attention: hidden_pairs");
  }

  template <class Pass>
  void backward(Pass& g) const {
    const auto of_columns = [&](const Columns<T, M>& columns) {
      return AddColumns<T, M>{g.add(columns.rows), columns.first, columns.width};
    };
    g.run(AttentionGradient<T, M>{
        .arguments = arguments,
        .output = output.tensor(),
        .output_gradient = g.of(output),
        .gradients = {of_columns(arguments.query), of_columns(arguments.key),
                      of_columns(arguments.value), g.add(arguments.bias)}});
  }

 private:
  static void expect_columns(const Columns<T, M>& columns, std::size_t rows, const char* what) {
    if (columns.first + columns.width > columns.rows.shape().back() ||
        columns.rows.shape().rows() < rows)
      throw ShapeError(std::string("attention: ") + what + " needs " + counted(rows, "row") +
                       " with columns up to " + std::to_string(columns.first + columns.width) +
                       ", got " + to_string(columns.rows.shape()));
  }
};

/// What every backend runs of these.
template <class B>
using AttentionOperations = OperationList<On<B, Attention>>;

}  // namespace ops
}  // namespace coca
