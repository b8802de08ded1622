#pragma once
/// @file
/// The primitives of training: the gradient of each operation of backend.hpp, losses, and the
/// updates of optimizers. A backend that has them is a DifferentiableBackend.
///
/// Conventions. A `..._gradient` operation takes the gradient of a loss by the operation's output
/// and gives those by its inputs. Gradients of parameters and of rows that several outputs may have
/// read are added to what is there; those that take a Write are assigned or added. An absent tensor
/// among the outputs is not computed. Sums run in an order that depends on nothing but shapes and
/// the number of threads, so that a repeated step gives the same bits. No operation returns a
/// number to the host.

#include <concepts>
#include <cstddef>
#include <cstdint>

#include "coca/backend/backend.hpp"

namespace coca {

/// How a gradient meets what its tensor holds.
enum class Write : std::uint8_t {
  assign,  ///< replaces it; the tensor may be uninitialised
  add,     ///< is added to it
};

/// Where the gradients of attention go, each added: the same columns of arrays of the same shapes
/// as AttentionArguments has; absent rows: not computed.
template <class T, Memory M>
struct AttentionGradients {
  Columns<T, M> query{};
  Columns<T, M> key{};
  Columns<T, M> value{};
};

/// What a cross-entropy over rows of logits computes.
struct CrossEntropy {
  std::int32_t ignored_label = -1;  ///< rows with this label count for nothing
  float label_smoothing = 0.0f;     ///< as torch.nn.functional.cross_entropy
  float weight = 1.0f;              ///< factor of the loss and of its gradient
};

/// What SigLIP's loss (arXiv 2303.15343) computes: row r belongs to column first_positive + r.
struct SigmoidLoss {
  std::size_t first_positive = 0;
  float weight = 1.0f;  ///< factor of the loss and of its gradient
};

/// One step of AdamW (Loshchilov and Hutter 2019), as torch.optim.AdamW.
struct AdamWStep {
  float learning_rate = 1e-3f;
  float beta1 = 0.9f, beta2 = 0.98f, epsilon = 1e-6f;
  float weight_decay = 0.0f;
  std::uint64_t step = 1;  ///< counted from 1
};

/// One step of stochastic gradient descent, as torch.optim.SGD: velocity = momentum * velocity +
/// gradient + weight_decay * weight (the first step sets it), weight -= learning_rate * velocity.
struct SgdStep {
  float learning_rate = 1e-2f;
  float momentum = 0.9f;
  float weight_decay = 0.0f;
  bool nesterov = false;
  std::uint64_t step = 1;
};

/// One step of Adafactor (Shazeer and Stern 2018) for a tensor seen as a matrix [rows, columns],
/// with the second moment kept as row and column means; a tensor of one row keeps it whole, in
/// `column_moment`. No first moment, as in the CoCa paper, unless beta1 > 0.
struct AdafactorStep {
  float learning_rate = 1e-3f;
  float beta1 = 0.0f;               ///< of the first moment; 0: none is kept
  float decay_exponent = 0.8f;      ///< beta2 of step t is 1 - t^-decay_exponent
  float epsilon = 1e-30f;           ///< added to squared gradients
  float clipping_threshold = 1.0f;  ///< of the root mean square of an update
  float weight_decay = 0.0f;        ///< decoupled: weight -= learning_rate * weight_decay * weight
  std::uint64_t step = 1;
};

/// A backend that trains. Its `Matrix` says what it reads: `values()`, the array of a `view`
/// (nothing for a packed weight), and `transposed()`.
///
/// - view(values, transposed): a matrix that reads `values`, [out, in] or, transposed, [in, out],
///   where they are; later changes of them are seen by later products
/// - matmul_input_gradient(output_gradient [rows, out], weight, write, input_gradient [rows, in]);
///   the weight must be a view
/// - matmul_weight_gradient(output_gradient [rows, out], input [rows, in], write,
///   weight_gradient [out, in]): output_gradientᵀ input
/// - sum_rows(input [rows, width], output [width]) adds
/// - activate(input, activation, output); activation_gradient(input, activation, output_gradient,
///   write, input_gradient)
/// - scale_columns(input [rows, width], scale [width], residual or nothing, output): residual +
/// scale *
///   input; scale_columns_gradient(input, scale, output_gradient, write, input_gradient,
///   scale_gradient): the last is added
/// - layer_norm_gradient(input, weight, output_gradient, write, input_gradient, weight_gradient,
///   bias_gradient): the last two are added
/// - attention_gradient(arguments, output, output_gradient, gradients), see AttentionGradients;
/// output
///   is what attention gave; `probabilities` is not looked at
/// - embed_gradient(ids, output_gradient, first, table_gradient, positions_gradient) adds
/// - unfold_gradient(output_gradient, windows, input_gradient) adds
/// - l2_normalize_gradient(input, output_gradient, write, input_gradient)
/// - write_tokens_gradient(output_gradient, first, source_gradient, positions_gradient) adds
/// - gather_rows_gradient(output_gradient, indices, input_gradient) adds; indices may repeat
/// - fill(output, value); add(input, output): output += input; scale_inplace(output, factor)
/// - cross_entropy_inplace(logits [rows, classes], labels [rows], CrossEntropy, loss [1]): adds
/// weight *
///   the sum of the rows' losses to `loss`, and turns logits into their gradient
/// - soft_cross_entropy_inplace(logits, targets [rows, classes], weight, loss [1]): the same for
///   targets that are probabilities
/// - sigmoid_loss_inplace(logits [rows, columns], bias [1], SigmoidLoss, loss [1], bias_gradient
/// [1]):
///   adds weight * the sum of -log sigmoid(z (logits + bias)), z = 1 for pairs and -1 for others,
///   to `loss`, turns logits into their gradient and adds that of the bias
/// - scale_by_exp(input, exponent [1], output): e^exponent * input; scale_by_exp_gradient(input,
///   exponent, output_gradient, write, input_gradient, exponent_gradient): the last is added
/// - sum_of_squares(input, output [1]) adds
/// - clip_factor(sum_of_squares [1], largest_norm, factor [1]): min(1, largest_norm / (norm +
/// 1e-6)), as
///   torch.nn.utils.clip_grad_norm_; 1 where largest_norm is 0
/// - adamw_inplace(step, gradient, factor [1], weight, first_moment, second_moment): the gradient
/// is
///   multiplied by `factor`; sgd_inplace(step, gradient, factor, weight, velocity);
///   adafactor_inplace( step, gradient [rows, columns], factor, weight, row_moment [rows],
///   column_moment [columns], first_moment or nothing)
/// - clamp_inplace(values, low, high); blend_inplace(input, keep, output): output = keep * output +
/// (1
///   - keep) * input
template <class B>
concept DifferentiableBackend = Backend<B> &&
    requires(const B backend, const Tensor<typename B::value_type, typename B::memory_type> x,
             Tensor<typename B::value_type, typename B::memory_type> y,
             const Tensor<std::int32_t, typename B::memory_type> indices,
             const typename B::Matrix matrix,
             const AttentionArguments<typename B::value_type, typename B::memory_type> attention,
             const AttentionGradients<typename B::value_type, typename B::memory_type> gradients,
             const Unfold windows, std::size_t n) {
  // Matrices that change.
  { backend.view(x, true) } -> std::same_as<typename B::Matrix>;
  {
    matrix.values()
    } -> std::convertible_to<Tensor<typename B::value_type, typename B::memory_type>>;
  { matrix.transposed() } -> std::convertible_to<bool>;
  backend.matmul_input_gradient(x, matrix, Write::add, y);
  backend.matmul_weight_gradient(x, x, Write::add, y);
  // What an epilogue does, on its own.
  backend.sum_rows(x, y);
  backend.activate(x, Activation::gelu, y);
  backend.activation_gradient(x, Activation::gelu, x, Write::add, y);
  backend.scale_columns(x, x, x, y);
  backend.scale_columns_gradient(x, x, x, Write::add, y, y);
  // Layers.
  backend.layer_norm_gradient(x, x, x, Write::add, y, y, y);
  backend.attention_gradient(attention, x, x, gradients);
  backend.embed_gradient(indices, x, n, y, y);
  backend.unfold_gradient(x, windows, y);
  backend.l2_normalize_gradient(x, x, Write::add, y);
  backend.write_tokens_gradient(x, n, y, y);
  backend.gather_rows_gradient(x, indices, y);
  // Elementwise.
  backend.fill(y, 0.0f);
  backend.add(x, y);
  backend.scale_inplace(y, 1.0f);
  // Losses.
  backend.cross_entropy_inplace(y, indices, CrossEntropy{}, y);
  backend.soft_cross_entropy_inplace(y, x, 1.0f, y);
  backend.sigmoid_loss_inplace(y, x, SigmoidLoss{}, y, y);
  backend.scale_by_exp(x, x, y);
  backend.scale_by_exp_gradient(x, x, x, Write::add, y, y);
  // Optimizers.
  backend.sum_of_squares(x, y);
  backend.clip_factor(x, 1.0f, y);
  backend.adamw_inplace(AdamWStep{}, x, x, y, y, y);
  backend.sgd_inplace(SgdStep{}, x, x, y, y);
  backend.adafactor_inplace(AdafactorStep{}, x, x, y, y, y, y);
  backend.clamp_inplace(y, 0.0f, 1.0f);
  backend.blend_inplace(x, 0.5f, y);
};

}  // namespace coca
