#pragma once
/// @file
/// Loops over arrays, a vector at a time, shared by threads, from which elementwise operations and
/// sums are built.

#include <algorithm>
#include <cstddef>

#include "coca/backend/cpu/cpu_context.hpp"
#include "coca/backend/cpu/scratch.hpp"
#include "coca/backend/cpu/simd.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/core/tensor.hpp"

namespace coca::detail {

namespace simd {

/// `count` <= S::width elements; the others become zero.
template <class S>
[[gnu::always_inline]] inline void load_up_to(typename S::F& x, const float* from,
                                              std::size_t count) {
  if (count == S::width)
    load<S>(x, from);
  else
    load_some<S>(x, from, count);
}

/// `count` <= S::width elements.
template <class S>
[[gnu::always_inline]] inline void store_up_to(float* to, const typename S::F& x,
                                               std::size_t count) {
  if (count == S::width)
    store<S>(to, x);
  else
    store_some<S>(to, x, count);
}

/// Like store_up_to, or added to the current content.
template <class S>
[[gnu::always_inline]] inline void write_up_to(float* to, const typename S::F& x, std::size_t count,
                                               Write write) {
  if (write == Write::assign) return store_up_to<S>(to, x, count);
  typename S::F before;
  load_up_to<S>(before, to, count);
  before = before + x;
  store_up_to<S>(to, before, count);
}

/// sqrt of each element; the compiler vectorises a loop over a fixed number of elements.
template <class S>
[[gnu::always_inline]] inline void sqrt_inplace(typename S::F& x) {
  float values[S::width];
  std::memcpy(values, &x, sizeof x);
  for (float& value : values) value = __builtin_sqrtf(value);
  std::memcpy(&x, values, sizeof x);
}

}  // namespace simd

/// step.run<S>(i, count) for vectors of elements [begin, end), the last perhaps shorter.
struct EachVector {
  template <class S, class Step>
  [[gnu::always_inline]] static inline void over(const Step& step, std::size_t begin,
                                                 std::size_t end) {
    std::size_t i = begin;
    for (; i + S::width <= end; i += S::width) step.template run<S>(i, S::width);
    if (i < end) step.template run<S>(i, end - i);
  }
};

template <class Step>
struct EachVectorKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Step& step, std::size_t begin,
                                                std::size_t end) {
    EachVector::over<S>(step, begin, end);
  }
};

/// Calls step.run<S>(i, count) for vectors of `count` elements from i on that cover [0, size).
/// @param cost of an element, in vector instructions or so
template <class Step>
void for_each_vector(const Step& step, std::size_t size, const CpuContext& context,
                     std::size_t cost = 1) {
  parallel_for(worthwhile_threads(context.threads, size * cost / 8), size,
               [&](std::size_t begin, std::size_t end) {
                 dispatch<EachVectorKernel<Step>>(context.set, step, begin, end);
               });
}

/// The sum over [begin, end) of what step.run<S>(sum, i, count) adds to a vector. Short stretches
/// are summed in float, these in double.
template <class Step>
struct SumKernel {
  template <class S>
  [[gnu::always_inline]] static inline void run(const Step& step, std::size_t begin,
                                                std::size_t end, double* result) {
    constexpr std::size_t stretch = 32 * S::width;
    double sum = 0;
    for (std::size_t i = begin; i < end; i += stretch) {
      const std::size_t last = std::min(i + stretch, end);
      typename S::F part;
      simd::fill<S>(part, 0.0f);
      std::size_t j = i;
      for (; j + S::width <= last; j += S::width) step.template run<S>(part, j, S::width);
      if (j < last) step.template run<S>(part, j, last - j);
      sum += double{simd::sum<S>(part)};
    }
    *result = sum;
  }
};

/// The sum over [0, size), in double, in an order that does not depend on the number of threads.
template <class Step>
double sum_over(const Step& step, std::size_t size, const CpuContext& context) {
  constexpr std::size_t block = 16384;
  const std::size_t blocks = (size + block - 1) / block;
  double* sums = scratch<SumKernel<Step>>().template get<double>(blocks + 1);
  parallel_for(worthwhile_threads(context.threads, size / 4), blocks,
               [&](std::size_t begin, std::size_t end) {
                 for (std::size_t b = begin; b < end; ++b)
                   dispatch<SumKernel<Step>>(context.set, step, b * block,
                                             std::min(size, (b + 1) * block), sums + b);
               });
  double sum = 0;
  for (std::size_t b = 0; b < blocks; ++b) sum += sums[b];
  return sum;
}

}  // namespace coca::detail
