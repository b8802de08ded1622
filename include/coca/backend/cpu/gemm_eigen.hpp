#pragma once
/// @file
/// Matrix products by Eigen: the only header that includes it. Eigen uses the instructions that the
/// compiler's flags allow (SSE2 without any), so this is the fallback.

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/huge_pages.hpp"
#include "coca/backend/cpu/product_call.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/memory.hpp"

namespace coca::detail {

/// The serial routine inside Eigen's products: operator* would start as many OpenMP threads as
/// there are, whatever number a call was given. products [out, rows], column-major, `stride` apart
/// += left [out, depth] right [depth, rows].
template <int left_order, int right_order>
void add_eigen_product(std::size_t out, std::size_t rows, std::size_t depth, const float* left,
                       std::size_t left_stride, const float* right, std::size_t right_stride,
                       float* products, std::size_t stride) {
  using Eigen::Index;
  const auto index = [](std::size_t value) { return static_cast<Index>(value); };
  using Blocking =
      Eigen::internal::gemm_blocking_space<Eigen::ColMajor, float, float, Eigen::Dynamic,
                                           Eigen::Dynamic, Eigen::Dynamic, 1, false>;
  Blocking blocking(index(out), index(rows), index(depth), 1, true);
  Eigen::internal::general_matrix_matrix_product<Index, float, left_order, false, float,
                                                 right_order, false, Eigen::ColMajor,
                                                 1>::run(index(out), index(rows), index(depth),
                                                         left, index(left_stride), right,
                                                         index(right_stride), products, 1,
                                                         index(stride), 1.0f, blocking, nullptr);
}

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

  // The row-major output is a column-major [out, rows].
  void multiply_part(const GemmCall& call, std::size_t begin, std::size_t end) const {
    const bool apart = call.residual != nullptr;
    const std::size_t part = end - begin, stride = apart ? part : out_features();
    float* products = products_for(call, part) + (apart ? 0 : begin);
    for (std::size_t r = 0; r < call.rows; ++r) std::fill_n(products + r * stride, part, 0.0f);
    add_eigen_product<Eigen::RowMajor, Eigen::ColMajor>(
        part, call.rows, in_features(), values_ + begin * in_features(), in_features(), call.input,
        in_features(), products, stride);
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

/// A product by Eigen; each thread computes some of the columns for all rows.
class EigenProduct {
 public:
  static void run(const ProductCall& call, InstructionSet set) {
    parallel_for(worthwhile_threads(call.result.threads, call.work() / 16), call.columns,
                 [&](std::size_t begin, std::size_t end) { part(call, set, begin, end); });
  }

 private:
  static void part(const ProductCall& call, InstructionSet set, std::size_t begin,
                   std::size_t end) {
    const std::size_t count = end - begin;
    if (call.only_adds()) return add(call, begin, count, call.result.output + begin, call.columns);
    float* products = scratch<EigenProduct>().get<float>(call.rows() * count);
    std::fill_n(products, call.rows() * count, 0.0f);
    add(call, begin, count, products, count);
    finish_products(call, begin, count, products, count, set);
  }

  // Seen column-major, the output is [columns, rows] and the sides change places.
  static void add(const ProductCall& call, std::size_t first, std::size_t count, float* products,
                  std::size_t stride) {
    const Operand &left = call.left, &right = call.right;
    const float* values = right.values + first * right.column_stride;
    const std::size_t left_stride = std::max(left.row_stride, left.column_stride);
    const std::size_t right_stride = std::max(right.row_stride, right.column_stride);
    const auto run = [&](auto function) {
      function(count, call.rows(), call.depth, values, right_stride, left.values, left_stride,
               products, stride);
    };
    constexpr int by_row = Eigen::RowMajor, by_column = Eigen::ColMajor;
    if (call.right_is_transposed())
      call.left_is_transposed() ? run(add_eigen_product<by_row, by_row>)
                                : run(add_eigen_product<by_row, by_column>);
    else
      call.left_is_transposed() ? run(add_eigen_product<by_column, by_row>)
                                : run(add_eigen_product<by_column, by_column>);
  }
};

}  // namespace coca::detail
