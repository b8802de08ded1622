#pragma once
/// @file
/// The CPU backend.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/activation.hpp"
#include "coca/backend/cpu/attention.hpp"
#include "coca/backend/cpu/attention_gradient.hpp"
#include "coca/backend/cpu/candidates.hpp"
#include "coca/backend/cpu/columns.hpp"
#include "coca/backend/cpu/cpu_options.hpp"
#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/losses.hpp"
#include "coca/backend/cpu/matrix.hpp"
#include "coca/backend/cpu/norm.hpp"
#include "coca/backend/cpu/norm_gradient.hpp"
#include "coca/backend/cpu/optimizers.hpp"
#include "coca/backend/cpu/rows.hpp"
#include "coca/backend/cpu/rows_gradient.hpp"
#include "coca/backend/cpu/view.hpp"
#include "coca/backend/cpu/vocabulary.hpp"
#include "coca/backend/differentiable.hpp"

namespace coca {

/// Vectorised and threaded primitives over host memory: float activations, weights kept as `Weight`
/// (float or bfloat16), sums in float. See backend.hpp and differentiable.hpp for what each
/// operation does.
///
/// Cpu<float> trains in float. Cpu<float, bfloat16> trains in mixed precision: everything is float,
/// but products of views round what they multiply to bfloat16 where that is faster (a processor
/// whose kernels widen bfloat16 leaves the left side as it is). Cpu<bfloat16> does not train.
///
/// A cheap value; constant and safe to call from several threads at once. Working memory is kept by
/// each thread, so that calls of a size that was seen before allocate nothing.
/// @tparam Weight  what packed weights and embedding tables are kept in
/// @tparam Compute what products of views multiply
template <class Weight = float, class Compute = Weight>
class Cpu {
 public:
  using value_type = float;
  using weight_type = Weight;
  using memory_type = HostMemory;
  using Matrix = CpuMatrix;
  using Array = Tensor<float>;

  /// Everything automatic.
  Cpu() : Cpu(CpuOptions{}) {}

  /// @throws ArgumentError for an instruction set that the processor lacks, a number of threads
  /// that makes no sense, or an environment variable that names no choice (see CpuOptions).
  explicit Cpu(const CpuOptions& options)
      : threads_(detail::resolve_threads(options.threads)),
        gemm_(detail::resolve(options.gemm)),
        set_(detail::resolve_with_environment(options.instruction_set)) {}

  /// How many threads share the work of a call.
  int threads() const { return threads_; }
  /// What the kernels use, never `automatic`.
  InstructionSet instruction_set() const { return set_; }
  /// The kernels that multiply, or `automatic` for the fastest ones.
  GemmKind gemm() const { return gemm_; }

  template <class U>
  Tensor<U> allocate(const Shape& shape) const {
    return Tensor<U>(Buffer<HostMemory>::allocate(shape.size() * sizeof(U)), shape);
  }
  template <class U>
  void copy_in(std::span<const U> host, const Tensor<U>& output) const {
    std::copy(host.begin(), host.end(), output.data());
  }
  template <class U>
  void copy_out(const Tensor<U>& input, std::span<U> host) const {
    std::copy_n(input.data(), host.size(), host.begin());
  }
  void synchronize() const {}

  /// @throws UnavailableError or ArgumentError if the requested kind of product does
  /// not exist in this build, on this processor or for these weights.
  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    return detail::pack_matrix<Weight>(source, options, gemm_, set_, threads_);
  }

  void unpack(const Matrix& matrix, std::size_t first, std::size_t count, float* rows) const {
    matrix.weight().unpack(first, count, rows);
  }

  void matmul(const Array& input, const Matrix& weight, const Epilogue<float, HostMemory>& epilogue,
              const Array& output) const {
    const auto data = [](const Array& array) { return array ? array.data() : nullptr; };
    detail::GemmCall call;
    call.input = input.data();
    call.rows = weight.out_features() == 0 ? 0 : output.size() / weight.out_features();
    call.bias = data(epilogue.bias);
    call.activation = epilogue.activation;
    call.scale = data(epilogue.scale);
    call.residual = data(epilogue.residual);
    call.output = output.data();
    call.threads = threads_;
    weight.weight().multiply(call);
  }

  void layer_norm(const Array& input, const Array& weight, const Array& bias,
                  const Array& output) const {
    normalize<detail::LayerNormKernel>(input, weight.data(), bias.data(), weight.size(), output);
  }

  void attention(const AttentionArguments<float, HostMemory>& arguments,
                 const Array& output) const {
    detail::attention(arguments, output.data(), set_, threads_);
  }

  void embed(const Tensor<std::int32_t>& ids, const Tensor<Weight>& table, const Array& positions,
             std::size_t first, const Array& output) const {
    detail::embed(ids, table, positions, first, output, set_, threads_);
  }

  void unfold(const Array& input, const Unfold& windows, const Array& output) const {
    detail::unfold(input, windows, output, threads_);
  }

  void l2_normalize(const Array& input, const Array& output) const {
    normalize<detail::L2NormalizeKernel>(input, nullptr, nullptr, input.shape().back(), output);
  }

  void write_tokens(const Array& source, const Array& positions, std::size_t first,
                    const Array& output) const {
    detail::write_tokens(source, positions, first, output, set_, threads_);
  }

  void gather_rows(const Array& input, const Tensor<std::int32_t>& indices,
                   const Array& output) const {
    detail::gather_rows(input, indices, output, threads_);
  }

  void scatter_rows(const Columns<float, HostMemory>& input, const Tensor<std::int32_t>& indices,
                    const Array& output) const {
    detail::scatter_rows(input, indices, output);
  }

  void log_softmax_inplace(const Array& scores) const {
    detail::log_softmax_inplace(scores, set_, threads_);
  }

  void edit_scores_inplace(const Array& scores, const Tensor<std::int32_t>& indices,
                           const Array& values, ScoreEdit edit) const {
    detail::edit_scores_inplace(scores, indices, values, edit);
  }

  void warp_scores_inplace(const Array& scores, const SamplingWarp& warp) const {
    detail::warp_scores_inplace(scores, warp, threads_);
  }

  void best_candidates(const Array& scores, const Array& added, const GumbelNoise& noise,
                       const Array& values, const Tensor<std::int32_t>& ids) const {
    detail::best_candidates(scores, added, noise, values, ids, set_, threads_);
  }

  // Training; see DifferentiableBackend.

  /// A matrix that reads `values`, [out, in] or, transposed, [in, out], in place.
  Matrix view(const Array& values,
              bool transposed = false) const requires std::is_same_v<Weight, float> {
    return Matrix(std::make_shared<const detail::ViewWeight>(values, transposed, products()),
                  gemm_);
  }

  /// @throws ArgumentError for a weight that is not a view.
  void matmul_input_gradient(const Array& output_gradient, const Matrix& weight, Write write,
                             const Array& input_gradient) const {
    const detail::ViewWeight& view = weight.view();
    if (!input_gradient || weight.in_features() == 0) return;
    view.input_gradient(detail::data_of(output_gradient),
                        input_gradient.size() / weight.in_features(), write, input_gradient.data(),
                        threads_);
  }

  void matmul_weight_gradient(const Array& output_gradient, const Array& input, Write write,
                              const Array& weight_gradient) const {
    detail::weight_gradient(output_gradient, input, write, weight_gradient, threads_, products());
  }

  void sum_rows(const Array& input, const Array& output) const {
    detail::sum_rows(input, output, context());
  }

  void activate(const Array& input, Activation activation, const Array& output) const {
    detail::activate(input, activation, output, context());
  }

  void activation_gradient(const Array& input, Activation activation, const Array& output_gradient,
                           Write write, const Array& input_gradient) const {
    detail::activation_gradient(input, activation, output_gradient, write, input_gradient,
                                context());
  }

  void scale_columns(const Array& input, const Array& scale, const Array& residual,
                     const Array& output) const {
    detail::scale_columns(input, scale, residual, output, context());
  }

  void scale_columns_gradient(const Array& input, const Array& scale, const Array& output_gradient,
                              Write write, const Array& input_gradient,
                              const Array& scale_gradient) const {
    detail::scale_columns_gradient(input, scale, output_gradient, write, input_gradient,
                                   scale_gradient, context());
  }

  void layer_norm_gradient(const Array& input, const Array& weight, const Array& output_gradient,
                           Write write, const Array& input_gradient, const Array& weight_gradient,
                           const Array& bias_gradient) const {
    detail::layer_norm_gradient(input, weight, output_gradient, write, input_gradient,
                                weight_gradient, bias_gradient, context());
  }

  void attention_gradient(const AttentionArguments<float, HostMemory>& arguments,
                          const Array& output, const Array& output_gradient,
                          const AttentionGradients<float, HostMemory>& gradients) const {
    detail::attention_gradient(arguments, output.data(), output_gradient.data(), gradients,
                               context());
  }

  void embed_gradient(const Tensor<std::int32_t>& ids, const Array& output_gradient,
                      std::size_t first, const Array& table_gradient,
                      const Array& positions_gradient) const {
    detail::embed_gradient(ids, output_gradient, first, table_gradient, positions_gradient,
                           context());
  }

  void unfold_gradient(const Array& output_gradient, const Unfold& windows,
                       const Array& input_gradient) const {
    detail::unfold_gradient(output_gradient, windows, input_gradient, context());
  }

  void l2_normalize_gradient(const Array& input, const Array& output_gradient, Write write,
                             const Array& input_gradient) const {
    detail::l2_normalize_gradient(input, output_gradient, write, input_gradient, context());
  }

  void write_tokens_gradient(const Array& output_gradient, std::size_t first,
                             const Array& source_gradient, const Array& positions_gradient) const {
    detail::write_tokens_gradient(output_gradient, first, source_gradient, positions_gradient,
                                  context());
  }

  void gather_rows_gradient(const Array& output_gradient, const Tensor<std::int32_t>& indices,
                            const Array& input_gradient) const {
    detail::gather_rows_gradient(output_gradient, indices, input_gradient, context());
  }

  void fill(const Array& output, float value) const { detail::fill(output, value, context()); }

  void add(const Array& input, const Array& output) const { detail::add(input, output, context()); }

  void scale_inplace(const Array& output, float factor) const {
    detail::scale_inplace(output, factor, context());
  }

  void cross_entropy_inplace(const Array& logits, const Tensor<std::int32_t>& labels,
                             const CrossEntropy& options, const Array& loss) const {
    detail::cross_entropy_inplace(logits, labels, options, loss, context());
  }

  void soft_cross_entropy_inplace(const Array& logits, const Array& targets, float weight,
                                  const Array& loss) const {
    detail::soft_cross_entropy_inplace(logits, targets, weight, loss, context());
  }

  void sigmoid_loss_inplace(const Array& logits, const Array& bias, const SigmoidLoss& options,
                            const Array& loss, const Array& bias_gradient) const {
    detail::sigmoid_loss_inplace(logits, bias, options, loss, bias_gradient, context());
  }

  void scale_by_exp(const Array& input, const Array& exponent, const Array& output) const {
    detail::scale_by_exp(input, exponent, output, context());
  }

  void scale_by_exp_gradient(const Array& input, const Array& exponent,
                             const Array& output_gradient, Write write, const Array& input_gradient,
                             const Array& exponent_gradient) const {
    detail::scale_by_exp_gradient(input, exponent, output_gradient, write, input_gradient,
                                  exponent_gradient, context());
  }

  void sum_of_squares(const Array& input, const Array& output) const {
    detail::sum_of_squares(input, output, context());
  }

  void clip_factor(const Array& sum_of_squares, float largest_norm, const Array& factor) const {
    detail::clip_factor(sum_of_squares, largest_norm, factor);
  }

  void adamw_inplace(const AdamWStep& step, const Array& gradient, const Array& factor,
                     const Array& weight, const Array& first_moment,
                     const Array& second_moment) const {
    detail::adamw_inplace(step, gradient, factor, weight, first_moment, second_moment, context());
  }

  void sgd_inplace(const SgdStep& step, const Array& gradient, const Array& factor,
                   const Array& weight, const Array& velocity) const {
    detail::sgd_inplace(step, gradient, factor, weight, velocity, context());
  }

  void adafactor_inplace(const AdafactorStep& step, const Array& gradient, const Array& factor,
                         const Array& weight, const Array& row_moment, const Array& column_moment,
                         const Array& first_moment) const {
    detail::adafactor_inplace(step, gradient, factor, weight, row_moment, column_moment,
                              first_moment, context());
  }

  void clamp_inplace(const Array& values, float low, float high) const {
    detail::clamp_inplace(values, low, high, context());
  }

  void blend_inplace(const Array& input, float keep, const Array& output) const {
    detail::blend_inplace(input, keep, output, context());
  }

 private:
  detail::CpuContext context() const { return {set_, threads_}; }
  detail::ProductOptions products() const { return {gemm_, !std::is_same_v<Compute, float>, set_}; }

  template <class Kernel>
  void normalize(const Array& input, const float* weight, const float* bias, std::size_t width,
                 const Array& output) const {
    if (width == 0) return;
    detail::parallel_for(detail::worthwhile_threads(threads_, input.size() / 4),
                         input.size() / width, [&](std::size_t begin, std::size_t end) {
                           const detail::NormRows rows{input.data(), weight, bias, output.data(),
                                                       width,        begin,  end};
                           detail::dispatch<Kernel>(set_, rows);
                         });
  }

  int threads_;
  GemmKind gemm_;
  InstructionSet set_;
};

}  // namespace coca
