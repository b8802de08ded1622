#pragma once
/// @file
/// The CPU backend.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/backend/backend.hpp"
#include "coca/backend/cpu/attention.hpp"
#include "coca/backend/cpu/candidates.hpp"
#include "coca/backend/cpu/cpu_options.hpp"
#include "coca/backend/cpu/matrix.hpp"
#include "coca/backend/cpu/norm.hpp"
#include "coca/backend/cpu/rows.hpp"
#include "coca/backend/cpu/vocabulary.hpp"

namespace coca {

/// Vectorised and threaded primitives over host memory: float activations, weights kept as `Weight`
/// (float or bfloat16), sums in float. See backend.hpp for what each operation does.
///
/// A cheap value; constant and safe to call from several threads at once. Working memory is kept by
/// each thread, so that calls of a size that was seen before allocate nothing.
template <class Weight = float>
class Cpu {
 public:
  using value_type = float;
  using weight_type = Weight;
  using memory_type = HostMemory;
  using Matrix = CpuMatrix;
  using Array = Tensor<float>;

  /// Everything automatic.
  Cpu() : Cpu(CpuOptions{}) {}

  /// @throws ArgumentError for an instruction set that the processor has not, a number of threads
  /// that makes no sense, or an environment variable that names no choice (see CpuOptions).
  explicit Cpu(const CpuOptions& options)
      : threads_(detail::resolve_threads(options.threads)),
        gemm_(detail::resolve(options.gemm)),
        set_(detail::resolve_with_environment(options.instruction_set)) {}

  /// How many threads share the work of a call.
  int threads() const { return threads_; }
  /// What the kernels use, never `automatic`.
  InstructionSet instruction_set() const { return set_; }
  /// Who multiplies, or `automatic` for whoever is fastest.
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

  /// @throws UnavailableError or ArgumentError where the kind of product that was asked for does
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

 private:
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
