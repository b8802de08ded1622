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
#include "coca/backend/ops/dropout.hpp"
#include "coca/backend/ops/losses.hpp"
#include "coca/backend/ops/optimizers.hpp"

namespace coca {

/// Of what a backend that trains runs in addition to InferenceOperations, everything but gradients.
template <class B>
using TrainingOperationsWithoutGradients =
    ops::Joined<ops::ElementwiseTrainingOperations<B>, ops::DropoutOperations<B>,
                ops::LossOperations<B>, ops::OptimizerOperations<B>>;

/// All that a backend that trains runs in addition to InferenceOperations.
template <class B>
using TrainingOperations =
    ops::Joined<ops::GradientsOf<InferenceOperations<B>>, TrainingOperationsWithoutGradients<B>,
                ops::GradientsOf<TrainingOperationsWithoutGradients<B>>>;

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
