#pragma once
/// @file
/// Matrix products by Eigen: the one header that includes it. Eigen uses the instructions that the
/// compiler's flags allow (SSE2 without any), so this is what there is where nothing better is.

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/huge_pages.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/memory.hpp"

namespace coca::detail {

/// A weight kept row-major [out, in].
class EigenWeight final : public GemmWeight {
 public:
  EigenWeight(std::size_t out, std::size_t in, InstructionSet set)
      : GemmWeight(out, in),
        set_(set),
        storage_(LargeMemory::instance().allocate(out * in * sizeof(float))),
        values_(storage_.at<float>(0)) {}

  void set(const WeightBlock& block) override {
    for (std::size_t o = 0; o < block.out; ++o)
      for (std::size_t i = 0; i < block.in; ++i)
        values_[(block.first_out + o) * in_features() + block.first_in + i] =
            block.values[o * block.out_stride + i * block.in_stride];
  }

  void unpack(std::size_t first, std::size_t count, float* rows) const override {
    std::copy_n(values_ + first * in_features(), count * in_features(), rows);
  }

  // Each thread computes some of the outputs for all rows.
  void multiply(const GemmCall& call) const override {
    if (call.rows == 0) return;
    parallel_for(worthwhile_threads(call.threads, call.rows * out_features() * in_features() / 16),
                 out_features(), [&](std::size_t begin, std::size_t end) {
                   multiply_part(call, begin, end);
                   finish_part(call, begin, end);
                 });
  }

 private:
  // A residual that shares memory with the output must not be overwritten by the products.
  float* products_for(const GemmCall& call, std::size_t part) const {
    return call.residual == nullptr ? call.output
                                    : scratch<EigenWeight>().get<float>(call.rows * part);
  }

  // The serial routine behind Eigen's products: operator* would start as many OpenMP threads as
  // there are, whatever number this call was given. The row-major output is a column-major [out,
  // rows].
  void multiply_part(const GemmCall& call, std::size_t begin, std::size_t end) const {
    using Eigen::Index;
    const auto index = [](std::size_t value) { return static_cast<Index>(value); };
    const bool apart = call.residual != nullptr;
    const std::size_t part = end - begin, stride = apart ? part : out_features();
    float* products = products_for(call, part) + (apart ? 0 : begin);
    for (std::size_t r = 0; r < call.rows; ++r) std::fill_n(products + r * stride, part, 0.0f);
    using Blocking =
        Eigen::internal::gemm_blocking_space<Eigen::ColMajor, float, float, Eigen::Dynamic,
                                             Eigen::Dynamic, Eigen::Dynamic, 1, false>;
    Blocking blocking(index(part), index(call.rows), index(in_features()), 1, true);
    Eigen::internal::general_matrix_matrix_product<
        Index, float, Eigen::RowMajor, false, float, Eigen::ColMajor, false, Eigen::ColMajor,
        1>::run(index(part), index(call.rows), index(in_features()),
                values_ + begin * in_features(), index(in_features()), call.input,
                index(in_features()), products, 1, index(stride), 1.0f, blocking, nullptr);
  }

  void finish_part(const GemmCall& call, std::size_t begin, std::size_t end) const {
    if (!call.has_epilogue()) return;
    const bool apart = call.residual != nullptr;
    EpilogueRow first;
    first.call = &call;
    first.out = out_features();
    first.first = begin;
    first.count = end - begin;
    first.products = products_for(call, end - begin) + (apart ? 0 : begin);
    dispatch<EpilogueKernel>(set_, first, call.rows, apart ? end - begin : out_features());
  }

  InstructionSet set_;
  LargeBlock storage_;
  float* values_;
};

}  // namespace coca::detail
