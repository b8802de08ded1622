#pragma once
/// @file
/// A weight of the CPU backend, and how it is packed.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "coca/backend/cpu/gemm_choice.hpp"
#include "coca/backend/cpu/view.hpp"
#include "coca/core/weight_source.hpp"

namespace coca {

/// A weight [out, in] in the layout of the implementation that multiplies it, or a view of an
/// array. A shared handle.
class CpuMatrix {
 public:
  CpuMatrix() = default;
  CpuMatrix(std::shared_ptr<const detail::GemmWeight> weight, GemmKind kind)
      : weight_(std::move(weight)), kind_(kind) {}
  /// @param kind the kernels, or `automatic`
  CpuMatrix(std::shared_ptr<const detail::ViewWeight> view, GemmKind kind)
      : weight_(view), kind_(kind), view_(view.get()) {}

  std::size_t out_features() const { return weight_ ? weight_->out_features() : 0; }
  std::size_t in_features() const { return weight_ ? weight_->in_features() : 0; }

  /// The kernels that multiply it; `automatic` only for views, whose products are chosen one by
  /// one.
  GemmKind kind() const { return kind_; }
  const detail::GemmWeight& weight() const { return *weight_; }

  /// The array of a view, nothing for a packed weight.
  Tensor<float> values() const { return view_ != nullptr ? view_->values() : Tensor<float>(); }
  /// Whether the array of a view is [in, out].
  bool transposed() const { return view_ != nullptr && view_->transposed(); }
  /// @throws ArgumentError for a packed weight.
  const detail::ViewWeight& view() const {
    if (view_ == nullptr)
      throw ArgumentError(
          "matmul_input_gradient: weights packed for inference have no gradients, expected a view");
    return *view_;
  }

 private:
  std::shared_ptr<const detail::GemmWeight> weight_;
  GemmKind kind_ = GemmKind::packed;
  const detail::ViewWeight* view_ = nullptr;  // the weight, if it is a view
};

namespace detail {

/// Reads (part of) a stored weight, a few megabytes at a time, into a weight.
inline void fill_weight(GemmWeight& weight, const WeightSource& source,
                        const PackOptions& options) {
  constexpr std::size_t floats_at_once = std::size_t{1} << 20;
  const std::size_t width = source.row_size();
  const std::size_t stored = options.transposed ? source.rows() : options.rows;
  const std::size_t at_once = std::clamp<std::size_t>(
      floats_at_once / std::max<std::size_t>(width, 1), 1, std::max<std::size_t>(stored, 1));
  std::vector<float> rows(at_once * width);
  for (std::size_t first = 0; first < stored; first += at_once) {
    const std::size_t count = std::min(at_once, stored - first);
    source.read(options.first_row + first, count, rows.data());
    if (options.transposed)
      weight.set({0, width, first, count, rows.data(), 1, width});
    else
      weight.set({first, count, 0, width, rows.data(), width, 1});
  }
  weight.finish();
}

/// Packs (part of) a stored weight. @throws ArgumentError or UnavailableError for a kind of product
/// that does not exist.
template <class Stored>
CpuMatrix pack_matrix(const WeightSource& source, const PackOptions& options, GemmKind wish,
                      InstructionSet set, int threads) {
  GemmRequest request;
  request.out = options.transposed ? source.row_size() : options.rows;
  request.in = options.transposed ? source.rows() : source.row_size();
  request.use = options.use;
  request.set = set;
  request.threads = threads;
  const GemmKind kind = choose_kind<Stored>(wish, request);
  const std::shared_ptr<GemmWeight> weight = make_weight<Stored>(kind, request);
  fill_weight(*weight, source, options);
  return CpuMatrix(weight, kind);
}

}  // namespace detail
}  // namespace coca
