#pragma once
/// @file
/// The reference backend: every primitive as the plain loop that a reader can compare with its
/// formula. The other backends are tested against it; it needs no library and is not optimised.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "coca/backend/backend.hpp"
#include "coca/backend/reference/attention.hpp"
#include "coca/backend/reference/convolutions.hpp"
#include "coca/backend/reference/elementwise.hpp"
#include "coca/backend/reference/losses.hpp"
#include "coca/backend/reference/matrix.hpp"
#include "coca/backend/reference/norms.hpp"
#include "coca/backend/reference/optimizers.hpp"
#include "coca/backend/reference/products.hpp"
#include "coca/backend/reference/rows.hpp"
#include "coca/backend/reference/tokens.hpp"
#include "coca/backend/reference/vocabulary.hpp"

namespace coca {

/// Plain loops over host memory in type T (float or double); sums are kept in double. The families
/// of operations are the base classes.
template <class T = float>
class Reference : public ReferenceAttention<T>,
                  public ReferenceConvolutions<T>,
                  public ReferenceElementwise<T>,
                  public ReferenceLosses<T>,
                  public ReferenceNorms<T>,
                  public ReferenceOptimizers<T>,
                  public ReferenceProducts<T>,
                  public ReferenceRows<T>,
                  public ReferenceTokens<T>,
                  public ReferenceVocabulary<T> {
 public:
  using value_type = T;
  using weight_type = T;
  using memory_type = HostMemory;
  using Array = Tensor<T>;
  using Matrix = ReferenceMatrix<T>;

  using ReferenceAttention<T>::run;
  using ReferenceConvolutions<T>::run;
  using ReferenceElementwise<T>::run;
  using ReferenceLosses<T>::run;
  using ReferenceNorms<T>::run;
  using ReferenceOptimizers<T>::run;
  using ReferenceProducts<T>::run;
  using ReferenceRows<T>::run;
  using ReferenceTokens<T>::run;
  using ReferenceVocabulary<T>::run;

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

  /// Takes (part of) a stored weight, see PackOptions.
  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    const std::size_t stored = options.transposed ? source.rows() : options.rows;
    const std::size_t width = source.row_size();
    const Shape shape = options.transposed ? Shape{width, stored} : Shape{stored, width};
    const Array values = allocate<T>(shape);
    std::vector<float> row(width);
    for (std::size_t r = 0; r < stored; ++r) {
      source.read(options.first_row + r, 1, row.data());
      for (std::size_t c = 0; c < width; ++c)
        values.data()[options.transposed ? c * stored + r : r * width + c] = static_cast<T>(row[c]);
    }
    return Matrix(values);
  }

  /// Rows [first, first + count) of a matrix as floats [count, in].
  void unpack(const Matrix& matrix, std::size_t first, std::size_t count, float* rows) const {
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < matrix.in_features(); ++c)
        *rows++ = static_cast<float>(matrix.at(first + r, c));
  }

  /// A matrix that reads `values`, [out, in] or, transposed, [in, out], in place.
  Matrix view(const Array& values, bool transposed = false) const { return {values, transposed}; }
};

}  // namespace coca
