#pragma once
/// @file
/// A dense, row-major tensor: a shared buffer, an offset and a shape.

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/memory.hpp"
#include "coca/core/shape.hpp"

namespace coca {

/// Elements of type T in memory of kind M. Copies share the elements, as do reshaped and sliced
/// views.
template <class T, Memory M = HostMemory>
class Tensor {
 public:
  using value_type = T;
  using memory_type = M;

  /// No tensor at all (an absent bias, for example).
  Tensor() = default;

  /// A view of `shape` that starts `offset` elements into the buffer.
  /// @throws ShapeError if the buffer is too small.
  Tensor(Buffer<M> buffer, Shape shape, std::size_t offset = 0)
      : buffer_(std::move(buffer)), shape_(shape), offset_(offset) {
    const std::size_t elements = buffer_.bytes() / sizeof(T);
    if (offset_ > elements || shape_.size() > elements - offset_)
      throw ShapeError("a buffer of " + counted(buffer_.bytes(), "byte") + " is too small for " +
                       to_string(shape_));
  }

  const Shape& shape() const noexcept { return shape_; }
  std::size_t size() const noexcept { return buffer_ ? shape_.size() : 0; }
  /// Whether there is a tensor.
  explicit operator bool() const noexcept { return static_cast<bool>(buffer_); }

  /// The memory shared with its copies and views.
  const Buffer<M>& buffer() const noexcept { return buffer_; }
  /// Offset of the first element in that memory.
  std::size_t offset() const noexcept { return offset_; }

  /// How kernels address the first element (`T*` in host memory).
  auto data() const noexcept { return buffer_.template at<T>(offset_ * sizeof(T)); }

  /// The same elements with another shape. @throws ShapeError if the sizes differ.
  Tensor reshaped(Shape shape) const {
    if (shape.size() != shape_.size())
      throw ShapeError("a tensor of shape " + to_string(shape_) + " cannot be viewed as " +
                       to_string(shape));
    return Tensor(buffer_, shape, offset_);
  }

  /// Entries [first, first + count) of the outermost axis. @throws ShapeError beyond its end.
  Tensor slice(std::size_t first, std::size_t count) const {
    if (shape_.rank() == 0 || first > shape_[0] || count > shape_[0] - first)
      throw ShapeError("entries " + std::to_string(first) + " to " + std::to_string(first + count) +
                       " are outside a tensor of shape " + to_string(shape_));
    Shape shape{count};
    for (std::size_t axis = 1; axis < shape_.rank(); ++axis) shape.push_back(shape_[axis]);
    const std::size_t entry = shape_[0] == 0 ? 0 : shape_.size() / shape_[0];
    return Tensor(buffer_, shape, offset_ + first * entry);
  }

 private:
  Buffer<M> buffer_;
  Shape shape_;
  std::size_t offset_ = 0;
};

/// @throws ShapeError unless the tensor has the shape that an operation expects for its argument.
template <class T, Memory M>
void expect_shape(const Tensor<T, M>& tensor, const Shape& expected, const char* what) {
  if (!tensor)
    throw ShapeError(std::string(what) + ": nothing given, expected " + to_string(expected));
  if (tensor.shape() != expected)
    throw ShapeError(std::string(what) + ": got " + to_string(tensor.shape()) + ", expected " +
                     to_string(expected));
}

}  // namespace coca
