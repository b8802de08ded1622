#pragma once
/// @file
/// The backend concept: the closed list of primitive operations that every model is made of.
///
/// An operation is a struct of ops/ (see operands.hpp), and a backend is a copyable value that can
/// run(operation) each of a list. Running one allocates nothing that a caller sees, and returns
/// before the work is done where the device works asynchronously; `copy_out` and `synchronize` wait
/// for it. Shapes are checked by the operations' check(), once for all backends, which the
/// functions of autograd/operations.hpp call.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/backend/operands.hpp"
#include "coca/backend/ops/attention.hpp"
#include "coca/backend/ops/convolutions.hpp"
#include "coca/backend/ops/elementwise.hpp"
#include "coca/backend/ops/norms.hpp"
#include "coca/backend/ops/products.hpp"
#include "coca/backend/ops/rows.hpp"
#include "coca/backend/ops/tokens.hpp"
#include "coca/backend/ops/vocabulary.hpp"
#include "coca/core/memory.hpp"
#include "coca/core/tensor.hpp"
#include "coca/core/weight_source.hpp"

namespace coca {

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

/// What every backend runs.
template <class B>
using InferenceOperations =
    ops::Joined<ops::ProductOperations<B>, ops::AttentionOperations<B>, ops::NormOperations<B>,
                ops::ElementwiseOperations<B>, ops::RowOperations<B>, ops::TokenOperations<B>,
                ops::ConvolutionOperations<B>, ops::VocabularyOperations<B>>;

/// A device with a precision.
///
/// - `value_type`: what activations, biases and norms are computed and kept in
/// - `weight_type`: what embedding tables are kept in
/// - `memory_type`: where its tensors live
/// - `Matrix`: a weight [out, in] in whatever layout and precision the backend wants; a shared
///   handle with `out_features()` and `in_features()`
/// - copy_in takes the host's elements before it returns, so that the caller may overwrite them
/// - run(operation) for each of InferenceOperations
template <class B>
concept Backend = std::copyable<B> && Memory<typename B::memory_type> &&
    std::copyable<typename B::Matrix> &&
    requires(const B backend, const Tensor<typename B::value_type, typename B::memory_type> input,
             Tensor<typename B::value_type, typename B::memory_type> output,
             const typename B::Matrix matrix, const WeightSource source, const PackOptions pack,
             std::span<const typename B::value_type> host_input,
             std::span<typename B::value_type> host_output, float* floats, std::size_t n) {
  typename B::weight_type;
  {backend.template allocate<float>(Shape{})};
  backend.copy_in(host_input, output);
  backend.copy_out(input, host_output);
  backend.synchronize();
  { backend.pack(source, pack) } -> std::same_as<typename B::Matrix>;
  backend.unpack(matrix, n, n, floats);
  { matrix.out_features() } -> std::convertible_to<std::size_t>;
  { matrix.in_features() } -> std::convertible_to<std::size_t>;
} && ops::runs_all<B, InferenceOperations<B>>;

}  // namespace coca
