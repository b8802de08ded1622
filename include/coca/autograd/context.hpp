#pragma once
/// @file
/// The context of a computation: the backend it runs on, the memory it works in, and the tape
/// that it is recorded on, if any.

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "coca/autograd/tape.hpp"
#include "coca/backend/backend.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/memory.hpp"
#include "coca/core/tensor.hpp"

namespace coca {

/// A tensor of activations on a backend.
template <Backend B>
using Array = Tensor<typename B::value_type, typename B::memory_type>;

/// Row numbers, token ids and the like on a backend.
template <Backend B>
using Indices = Tensor<std::int32_t, typename B::memory_type>;

/// The backend and the workspace of one request, and the tape of a recording. A model is immutable
/// and may be shared by threads; each thread has its own context, and keeps it: buffers are
/// reused from call to call.
template <Backend B>
class Context {
 public:
  explicit Context(B backend = B{}) : backend_(std::move(backend)) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const B& backend() const noexcept { return backend_; }
  /// The tape that operations are recorded on, or nullptr.
  Tape<B>* tape() const noexcept { return tape_; }

  /// A tensor with unspecified elements.
  template <class T = typename B::value_type>
  Tensor<T, typename B::memory_type> empty(const Shape& shape) {
    return {pool_.allocate(shape.size() * sizeof(T)), shape};
  }

  /// A copy of host values. @throws ShapeError unless there are shape.size() of them.
  template <class T>
  Tensor<T, typename B::memory_type> to_device(std::span<const T> host, const Shape& shape) {
    if (host.size() != shape.size())
      throw ShapeError(counted(host.size(), "value") + " cannot fill " + to_string(shape));
    auto tensor = empty<T>(shape);
    backend_.copy_in(host, tensor);
    return tensor;
  }

  template <class T>
  Tensor<T, typename B::memory_type> to_device(const std::vector<T>& host, const Shape& shape) {
    return to_device(std::span<const T>(host), shape);
  }

  /// The elements of a tensor; waits for them.
  template <class T>
  std::vector<T> to_host(const Tensor<T, typename B::memory_type>& tensor) const {
    std::vector<T> host(tensor.size());
    backend_.copy_out(tensor, std::span<T>(host));
    return host;
  }

 private:
  template <Backend C>
  friend class Recording;

  B backend_;
  Pool<typename B::memory_type> pool_;
  Tape<B>* tape_ = nullptr;
};

/// During its lifetime, operations of the context are recorded on a tape, or, with nullptr, not
/// recorded.
template <Backend B>
class Recording {
 public:
  Recording(Context<B>& context, Tape<B>* tape)
      : context_(context), before_(std::exchange(context.tape_, tape)) {}
  ~Recording() { context_.tape_ = before_; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

 private:
  Context<B>& context_;
  Tape<B>* before_;
};

}  // namespace coca
