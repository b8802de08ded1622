#pragma once
/// @file
/// A backend that computes nothing and counts memory: a model's code, run on it, reports what the
/// same run will need elsewhere, to the byte of every buffer, instantly and without the memory.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/backend/differentiable.hpp"

namespace coca {

/// Memory that is counted instead of taken. The count is the calling thread's.
struct CountedMemory {
  /// Addresses nothing; knows its size, so that releasing it can be counted.
  template <class T>
  struct Pointer {
    std::size_t bytes = 0;
  };

  /// Bytes that the calling thread has allocated now, and the peak since reset().
  struct Count {
    std::size_t now = 0;
    std::size_t peak = 0;
  };

  static const Count& count() noexcept { return counter(); }
  /// Restarts the peak from the current count.
  static void reset() noexcept { counter().peak = counter().now; }

  static Pointer<std::byte> allocate(std::size_t bytes) noexcept {
    Count& count = counter();
    count.now += bytes;
    count.peak = std::max(count.peak, count.now);
    return {bytes};
  }
  static void release(Pointer<std::byte> pointer) noexcept { counter().now -= pointer.bytes; }

  template <class T>
  static Pointer<T> at(Pointer<std::byte>, std::size_t) noexcept {
    return {};
  }

 private:
  static Count& counter() noexcept {
    thread_local Count count;
    return count;
  }
};

/// Counts what backend `Like` would hold: its activations, weights, gradients and optimizer state,
/// not the scratch memory of its kernels.
template <Backend Like>
class Plan {
 public:
  using value_type = typename Like::value_type;
  using weight_type = typename Like::weight_type;
  using memory_type = CountedMemory;
  template <class T>
  using Tensor = coca::Tensor<T, CountedMemory>;
  using Array = Tensor<value_type>;

  /// A weight's sizes, and the memory that it takes.
  class Matrix {
   public:
    Matrix() = default;
    std::size_t out_features() const { return out_; }
    std::size_t in_features() const { return in_; }
    Array values() const { return values_; }
    bool transposed() const { return transposed_; }

   private:
    friend class Plan;
    std::size_t out_ = 0, in_ = 0;
    Array values_;
    bool transposed_ = false;
    Buffer<CountedMemory> packed_;
  };

  template <class U>
  Tensor<U> allocate(const Shape& shape) const {
    return Tensor<U>(Buffer<CountedMemory>::allocate(shape.size() * sizeof(U)), shape);
  }
  template <class U>
  void copy_in(std::span<const U>, const Tensor<U>&) const {}
  /// Values that were never computed read as zero.
  template <class U>
  void copy_out(const Tensor<U>&, std::span<U> host) const {
    std::fill(host.begin(), host.end(), U{});
  }
  void synchronize() const {}

  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    Matrix matrix;
    matrix.out_ = options.transposed ? source.row_size() : options.rows;
    matrix.in_ = options.transposed ? source.rows() : source.row_size();
    matrix.packed_ =
        Buffer<CountedMemory>::allocate(matrix.out_ * matrix.in_ * sizeof(weight_type));
    return matrix;
  }
  Matrix view(const Array& values, bool transposed) const {
    Matrix matrix;
    const std::size_t rows = values.shape()[0], columns = values.size() / rows;
    matrix.out_ = transposed ? columns : rows;
    matrix.in_ = transposed ? rows : columns;
    matrix.values_ = values;
    matrix.transposed_ = transposed;
    return matrix;
  }
  void unpack(const Matrix& matrix, std::size_t, std::size_t count, float* rows) const {
    std::fill_n(rows, count * matrix.in_features(), 0.0f);
  }

  /// Operations take no memory beyond that of their arguments.
  template <class Operation>
  void run(const Operation&) const {}
};

}  // namespace coca
