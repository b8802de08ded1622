#pragma once
/// @file
/// The CPU backend.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/activation.hpp"
#include "coca/backend/cpu/attention.hpp"
#include "coca/backend/cpu/attention_gradient.hpp"
#include "coca/backend/cpu/candidates.hpp"
#include "coca/backend/cpu/columns.hpp"
#include "coca/backend/cpu/cpu_options.hpp"
#include "coca/backend/cpu/depthwise_convolution.hpp"
#include "coca/backend/cpu/elementwise.hpp"
#include "coca/backend/cpu/losses.hpp"
#include "coca/backend/cpu/matrix.hpp"
#include "coca/backend/cpu/norm.hpp"
#include "coca/backend/cpu/norm_gradient.hpp"
#include "coca/backend/cpu/optimizers.hpp"
#include "coca/backend/cpu/rows.hpp"
#include "coca/backend/cpu/rows_gradient.hpp"
#include "coca/backend/cpu/softmax.hpp"
#include "coca/backend/cpu/tokens.hpp"
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

  /// Which kernels this process measured to be fastest, by a name for each product: what another
  /// run needs to compute the same bits.
  static std::map<std::string, std::string> choices() { return GemmChoices::recorded_names(); }
  /// Makes such choices without measuring. @throws ArgumentError for an unknown one.
  static void preset_choices(const std::map<std::string, std::string>& choices) {
    GemmChoices::preset_names(choices);
  }

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

  /// Operations whose kernels are in a separate header, as run(operation, CpuContext).
  template <class Operation>
  requires requires(const Operation& op, const detail::CpuContext& context) {
    detail::run(op, context);
  }
  void run(const Operation& op) const { detail::run(op, detail::CpuContext{set_, threads_}); }

  void run(const ops::Matmul<float, HostMemory, Matrix>& op) const {
    detail::GemmCall call;
    call.input = op.input.data();
    call.rows = op.weight.out_features() == 0 ? 0 : op.output.size() / op.weight.out_features();
    call.bias = detail::data_of(op.epilogue.bias);
    call.activation = op.epilogue.activation;
    call.scale = detail::data_of(op.epilogue.scale);
    call.residual = detail::data_of(op.epilogue.residual);
    call.output = op.output.data();
    call.threads = threads_;
    op.weight.weight().multiply(call);
  }

  /// A matrix that reads `values`, [out, in] or, transposed, [in, out], where they are.
  Matrix view(const Array& values,
              bool transposed = false) const requires std::is_same_v<Weight, float> {
    return Matrix(std::make_shared<const detail::ViewWeight>(values, transposed, products()),
                  gemm_);
  }

  /// @throws ArgumentError for a weight that is no view.
  void run(const ops::MatmulInputGradient<float, HostMemory, Matrix>& op) const {
    const detail::ViewWeight& view = op.weight.view();
    const ops::Update<float, HostMemory>& gradient = op.input_gradient;
    if (!gradient || op.weight.in_features() == 0) return;
    view.input_gradient(detail::data_of(op.output_gradient),
                        gradient.size() / op.weight.in_features(), gradient.write, gradient.data(),
                        threads_);
  }

  void run(const ops::MatmulWeightGradient<float, HostMemory>& op) const {
    detail::run(op, threads_, products());
  }

 private:
  detail::ProductOptions products() const { return {gemm_, !std::is_same_v<Compute, float>, set_}; }

  int threads_;
  GemmKind gemm_;
  InstructionSet set_;
};

}  // namespace coca
