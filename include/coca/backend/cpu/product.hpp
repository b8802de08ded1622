#pragma once
/// @file
/// Products of matrices that are read in place, and the choice of their kernels.

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "coca/backend/cpu/cpu_options.hpp"
#include "coca/backend/cpu/gemm_choice.hpp"
#include "coca/backend/cpu/gemm_eigen.hpp"
#include "coca/backend/cpu/gemm_onednn.hpp"
#include "coca/backend/cpu/product_call.hpp"
#include "coca/backend/cpu/product_packed.hpp"

namespace coca::detail {

/// How the products of views are computed.
struct ProductOptions {
  GemmKind kind = GemmKind::automatic;
  bool round_to_bfloat16 = false;  ///< round both sides while packing
  InstructionSet set = InstructionSet::baseline;
};

/// Multiplies with one of the kinds; fixed24, a layout of constant weights, means packed here.
/// Products that round are packed too, whatever is requested: no other kernel rounds its input. No
/// size is zero.
/// @throws UnavailableError if this build has no such kind.
inline void multiply_by(GemmKind kind, const ProductCall& call, const ProductOptions& options) {
  if (options.round_to_bfloat16)
    return PackedProduct::run(call, rounding_kernels(options.set), true, options.set);
  if (kind == GemmKind::eigen) return EigenProduct::run(call, options.set);
  if (kind == GemmKind::onednn) return multiply_by_onednn(call, options.set);
  PackedProduct::run(call, float_kernels(options.set), false, options.set);
}

/// Measures kinds of products against each other, on the sides of a call but not on its output.
class ProductContest {
 public:
  ProductContest(const ProductCall& call, const ProductOptions& options)
      : call_(call), options_(options) {
    // A few million products are enough.
    constexpr std::size_t most_rows = 2048, most_products = std::size_t{1} << 22;
    const bool adds = call.only_adds();
    call_.result = {};
    call_.result.rows = std::min(call.rows(), most_rows);
    call_.columns = std::min(call.columns, most_products / call_.result.rows);
    output_.resize(call_.result.rows * call_.columns);
    call_.result.output = output_.data();
    call_.result.residual = adds ? output_.data() : nullptr;
    call_.result.threads = call.result.threads;
  }

  GemmKind winner() {
    entries_ = {{GemmKind::packed}, {GemmKind::eigen}};
    // Not oneDNN unless requested: signals must be held while it runs, see HeldSignals.
    // Interleaved, so that other load affects all alike. The first round is not counted;
    // those far slower in the second are dropped.
    double total = 0;
    for (int round = 0; round < 20 && (round < 4 || total < 0.02); ++round) {
      for (Entry& entry : entries_) {
        const double time = seconds(entry.kind);
        total += time;
        if (round != 0) entry.least = std::min(entry.least, time);
      }
      if (round == 1) drop_slow();
    }
    const Entry* best = &entries_.front();
    for (const Entry& entry : entries_)
      if (entry.least < 0.95 * best->least) best = &entry;
    return best->kind;
  }

 private:
  struct Entry {
    GemmKind kind;
    double least = std::numeric_limits<double>::infinity();
  };

  void drop_slow() {
    double least = std::numeric_limits<double>::infinity();
    for (const Entry& entry : entries_) least = std::min(least, entry.least);
    // The packed kernels, the first, always stay.
    entries_.erase(std::remove_if(entries_.begin() + 1, entries_.end(),
                                  [&](const Entry& entry) { return entry.least > 2 * least; }),
                   entries_.end());
  }

  double seconds(GemmKind kind) const {
    const auto start = std::chrono::steady_clock::now();
    multiply_by(kind, call_, options_);
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
    return time.count();
  }

  ProductCall call_;
  ProductOptions options_;
  std::vector<float> output_;
  std::vector<Entry> entries_;
};

/// Sizes up to the next powers of two share a choice.
inline std::string name_of(const ProductCall& call, const ProductOptions& options) {
  const auto size = [](std::size_t value) { return std::to_string(std::bit_ceil(value)); };
  return "product " + size(call.rows()) + "x" + size(call.columns) + "x" + size(call.depth) +
         (call.left_is_transposed() ? " t" : " n") + (call.right_is_transposed() ? "t " : "n ") +
         "float32 " + to_string(options.set) + " " + std::to_string(call.result.threads);
}

/// What remains of a product with depth 0: its epilogue.
inline void finish_nothing(const ProductCall& call, InstructionSet set) {
  float* zeros = scratch<ProductOptions>().get<float>(call.columns);
  std::fill_n(zeros, call.columns, 0.0f);
  finish_products(call, 0, call.columns, zeros, 0, set);
}

/// Computes a product with the requested kind or, if it is large, the one measured to be the
/// fastest; small ones with the packed kernels, whose calls cost least.
inline void multiply_matrices(const ProductCall& call, const ProductOptions& options) {
  constexpr std::size_t small = std::size_t{1} << 24;
  if (call.rows() == 0 || call.columns == 0) return;
  if (call.depth == 0) return finish_nothing(call, options.set);
  GemmKind kind = options.kind;
  if (kind == GemmKind::automatic)
    kind = options.round_to_bfloat16 || call.work() < small
               ? GemmKind::packed
               : GemmChoices::get(name_of(call, options),
                                  [&] { return ProductContest(call, options).winner(); });
  multiply_by(kind, call, options);
}

}  // namespace coca::detail
