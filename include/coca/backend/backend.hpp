#pragma once
/// @file
/// The backend concept: the closed list of primitive operations that every model is made of.
///
/// A backend is a copyable value. Its operations read their `const` arguments, write the arguments
/// named `output` (or what an `_inplace` name says), allocate nothing that a caller sees, and
/// return before their work is done where the device works asynchronously; `copy_out` and
/// `synchronize` wait for it. Shapes are checked here, once for all backends, by the operations of
/// autograd/operations.hpp.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/core/activation.hpp"
#include "coca/core/memory.hpp"
#include "coca/core/tensor.hpp"
#include "coca/core/weight_source.hpp"

namespace coca {

/// What is applied to a matrix product before it is stored:
/// output = residual + scale * activation(product + bias), each part optional.
template <class T, Memory M>
struct Epilogue {
  Tensor<T, M> bias{};                       ///< [out]
  Activation activation = Activation::none;  ///< applied after the bias
  Tensor<T, M> scale{};                      ///< [out], layer scale
  Tensor<T, M> residual{};                   ///< [rows, out]; may be the output itself
};

/// Some columns of each row of a matrix: the queries, say, of a fused [rows, 3 * width] projection.
template <class T, Memory M>
struct Columns {
  Tensor<T, M> rows{};    ///< [n, row width]
  std::size_t first = 0;  ///< first of the columns
  std::size_t width = 0;  ///< how many
};

/// softmax(query keyᵀ / sqrt(head width)) value, for every sequence and head.
template <class T, Memory M>
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
  Tensor<std::uint8_t, M> hidden_keys{};  ///< [batch, key_tokens], 1: no query sees it; or nothing
  /// [batch, key_tokens]: where each key and value stands among the rows of `key` and `value`
  /// (caches, beams that share a picture); nothing: row batch * key_tokens + position.
  Tensor<std::int32_t, M> key_rows{};
  Tensor<T, M> probabilities{};  ///< [batch, heads, query_tokens, key_tokens], written when present
};

/// Windows of a picture as rows, so that a convolution is a matrix product.
struct Unfold {
  std::size_t channels = 0, height = 0, width = 0;
  std::size_t kernel = 1, stride = 1, padding = 0;
  bool channels_last = false;  ///< input [batch, height, width, channels] instead of channels first

  constexpr std::size_t rows() const { return (height + 2 * padding - kernel) / stride + 1; }
  constexpr std::size_t columns() const { return (width + 2 * padding - kernel) / stride + 1; }
};

/// How single scores of a [rows, vocabulary] array are changed before a search looks at them.
enum class ScoreEdit : std::uint8_t {
  forbid,    ///< becomes minus infinity
  penalize,  ///< score < 0 ? score * value : score / value (repetition penalty of transformers)
  subtract,  ///< score - value (diversity between groups of beams)
};

/// How scores are bent before sampling, in the order of transformers: temperature, top-k, top-p.
struct SamplingWarp {
  float temperature = 1.0f;
  std::size_t top_k = 0;     ///< 0: all
  float top_p = 1.0f;        ///< 1: all
  std::size_t min_keep = 1;  ///< top-k and top-p leave at least so many
};

/// Noise that turns a search for the best into a draw by probability: candidates are ranked by
/// score + Gumbel noise. Word `token` of row r draws word e % 4 of philox(seed, step, e / 4), where
/// e = (r % rows_per_picture) * vocabulary + token: a picture's results do not depend on its batch.
struct GumbelNoise {
  bool enabled = false;
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::size_t rows_per_picture = 1;
};

/// How a matrix will be used, for backends that choose a layout by it.
enum class MatrixUse : std::uint8_t {
  many_rows,  ///< hundreds of rows at a time (encoders)
  few_rows,   ///< a handful of rows at a time (decoding)
};

/// Which part of a stored weight becomes a matrix [out, in].
struct PackOptions {
  std::size_t first_row = 0;  ///< of the stored rows
  std::size_t rows = 0;       ///< how many
  bool transposed = false;    ///< stored as [in, out]; then all of it is taken
  MatrixUse use = MatrixUse::many_rows;
};

/// A device with a precision.
///
/// - `value_type`: what activations, biases and norms are computed and kept in
/// - `weight_type`: what embedding tables are kept in
/// - `memory_type`: where its tensors live
/// - `Matrix`: a weight [out, in] in whatever layout and precision the backend wants; a shared
///   handle with `out_features()` and `in_features()`
template <class B>
concept Backend = std::copyable<B> && Memory<typename B::memory_type> &&
    std::copyable<typename B::Matrix> &&
    requires(const B backend, const Tensor<typename B::value_type, typename B::memory_type> input,
             Tensor<typename B::value_type, typename B::memory_type> output,
             const Tensor<typename B::weight_type, typename B::memory_type> table,
             const Tensor<std::int32_t, typename B::memory_type> indices,
             Tensor<std::int32_t, typename B::memory_type> ids, const typename B::Matrix matrix,
             const Epilogue<typename B::value_type, typename B::memory_type> epilogue,
             const AttentionArguments<typename B::value_type, typename B::memory_type> attention,
             const Columns<typename B::value_type, typename B::memory_type> columns,
             const WeightSource source, const PackOptions pack, const Unfold unfold,
             std::span<const typename B::value_type> host_input,
             std::span<typename B::value_type> host_output, float* floats, std::size_t n) {
  // Tensors and weights.
  {backend.template allocate<float>(Shape{})};
  backend.copy_in(host_input, output);
  backend.copy_out(input, host_output);
  backend.synchronize();
  { backend.pack(source, pack) } -> std::same_as<typename B::Matrix>;
  backend.unpack(matrix, n, n, floats);
  { matrix.out_features() } -> std::convertible_to<std::size_t>;
  { matrix.in_features() } -> std::convertible_to<std::size_t>;
  // Layers.
  backend.matmul(input, matrix, epilogue, output);
  backend.layer_norm(input, input, input, output);
  backend.attention(attention, output);
  backend.embed(indices, table, input, n, output);
  backend.unfold(input, unfold, output);
  backend.l2_normalize(input, output);
  // Rows from here to there.
  backend.write_tokens(input, input, n, output);
  backend.gather_rows(input, indices, output);
  backend.scatter_rows(columns, indices, output);
  // Vocabulary.
  backend.log_softmax_inplace(output);
  backend.edit_scores_inplace(output, indices, input, ScoreEdit::forbid);
  backend.warp_scores_inplace(output, SamplingWarp{});
  backend.best_candidates(input, input, GumbelNoise{}, output, ids);
};

}  // namespace coca
