#pragma once
/// @file
/// The primitives of training: the gradient of each operation of backend.hpp, losses, and the
/// updates of optimizers. A backend that has them is a DifferentiableBackend.
///
/// Conventions. A `...Gradient` operation takes the gradient of a loss by the operation's output
/// and gives those by its inputs. Gradients of parameters and of rows that several outputs may have
/// read are added to what is there (`Add`); others are assigned or added (`Update`). An absent
/// tensor among the outputs is not computed. Sums run in an order that depends on nothing but
/// shapes and the number of threads, so that a repeated step gives the same bits. No operation
/// returns a number to the host.

#include <concepts>

#include "coca/backend/backend.hpp"
#include "coca/backend/ops/accumulate.hpp"
#include "coca/backend/ops/activate.hpp"
#include "coca/backend/ops/adafactor.hpp"
#include "coca/backend/ops/adamw.hpp"
#include "coca/backend/ops/blend.hpp"
#include "coca/backend/ops/clamp.hpp"
#include "coca/backend/ops/clip_factor.hpp"
#include "coca/backend/ops/copy.hpp"
#include "coca/backend/ops/cross_entropy.hpp"
#include "coca/backend/ops/dropout.hpp"
#include "coca/backend/ops/fill.hpp"
#include "coca/backend/ops/product.hpp"
#include "coca/backend/ops/scale.hpp"
#include "coca/backend/ops/scale_by_exp.hpp"
#include "coca/backend/ops/scale_columns.hpp"
#include "coca/backend/ops/sgd.hpp"
#include "coca/backend/ops/sigmoid_loss.hpp"
#include "coca/backend/ops/sum.hpp"
#include "coca/backend/ops/sum_of_squares.hpp"

namespace coca {

/// What a backend that trains runs besides InferenceOperations.
template <class B>
using TrainingOperations = ops::OperationList<
    // Layers.
    ops::MatmulInputGradientOn<B>, ops::On<B, ops::MatmulWeightGradient>, ops::On<B, ops::SumRows>,
    ops::On<B, ops::LayerNormGradient>, ops::On<B, ops::AttentionGradient>,
    ops::On<B, ops::EmbedGradient>, ops::On<B, ops::UnfoldGradient>,
    ops::On<B, ops::DepthwiseConvolutionGradient>, ops::On<B, ops::L2NormalizeGradient>,
    ops::On<B, ops::WriteTokensGradient>, ops::On<B, ops::SliceTokensGradient>,
    ops::On<B, ops::MeanTokensGradient>, ops::On<B, ops::SoftmaxGradient>,
    ops::On<B, ops::GatherRowsGradient>,
    // Elementwise; the parts of an epilogue as separate operations.
    ops::On<B, ops::Activate>, ops::On<B, ops::ActivationGradient>, ops::On<B, ops::ScaleColumns>,
    ops::On<B, ops::ScaleColumnsGradient>, ops::On<B, ops::Fill>, ops::On<B, ops::Copy>,
    ops::On<B, ops::Accumulate>, ops::On<B, ops::Scale>, ops::On<B, ops::Sum>,
    ops::On<B, ops::Product>, ops::On<B, ops::ProductGradient>, ops::On<B, ops::Dropout>,
    ops::On<B, ops::DropoutGradient>,
    // Losses.
    ops::On<B, ops::CrossEntropy>, ops::On<B, ops::SoftCrossEntropy>, ops::On<B, ops::SigmoidLoss>,
    ops::On<B, ops::ScaleByExp>, ops::On<B, ops::ScaleByExpGradient>,
    // Optimizers.
    ops::On<B, ops::SumOfSquares>, ops::On<B, ops::ClipFactor>, ops::On<B, ops::AdamW>,
    ops::On<B, ops::Sgd>, ops::On<B, ops::Adafactor>, ops::On<B, ops::Clamp>,
    ops::On<B, ops::Blend>>;

/// A backend that trains.
///
/// - view(values, transposed): a matrix that reads `values`, [out, in] or, transposed, [in, out],
///   where they are; later changes of them are seen by later products
/// - its `Matrix` says what it reads: `values()`, the array of a view (nothing for a packed
/// weight),
///   and `transposed()`
/// - run(operation) for each of TrainingOperations too
template <class B>
concept DifferentiableBackend = Backend<B> &&
    requires(const B backend, const Tensor<typename B::value_type, typename B::memory_type> values,
             const typename B::Matrix matrix) {
  { backend.view(values, true) } -> std::same_as<typename B::Matrix>;
  {
    matrix.values()
    } -> std::convertible_to<Tensor<typename B::value_type, typename B::memory_type>>;
  { matrix.transposed() } -> std::convertible_to<bool>;
} && ops::runs_all<B, TrainingOperations<B>>;

}  // namespace coca
