#pragma once
/// @file
/// A backend that is far away: the reference backend behind storage that host code cannot
/// dereference, with every operation queued and run at the next copy_out, unpack or synchronize.
/// Whatever assumes host memory does not compile with it, and whatever assumes finished work or
/// zeroed memory reads NaN.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "backend/remote_memory.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/core/error.hpp"

namespace coca::testing {

/// The reference backend in float, out of reach. Copies share one queue; each default-constructed
/// Remote has its own queue. An operation's error surfaces at the next synchronisation, and
/// what was queued after it is dropped.
class Remote {
 public:
  using value_type = float;
  using weight_type = float;
  using memory_type = RemoteMemory;
  template <class T>
  using Array = Tensor<T, RemoteMemory>;
  using Floats = Array<float>;
  using Indices = Array<std::int32_t>;

  /// A weight that the host cannot read: a packed one, or a view, whose array is looked up when an
  /// operation runs.
  class Matrix {
   public:
    Matrix() = default;
    std::size_t out_features() const {
      return values_ ? values_.shape()[transposed_ ? 1 : 0] : packed_.out_features();
    }
    std::size_t in_features() const {
      return values_ ? values_.shape()[transposed_ ? 0 : 1] : packed_.in_features();
    }
    Floats values() const { return values_; }
    bool transposed() const { return transposed_; }

   private:
    friend class Remote;
    explicit Matrix(Reference<float>::Matrix matrix) : packed_(std::move(matrix)) {}
    Matrix(Floats values, bool transposed) : values_(std::move(values)), transposed_(transposed) {}
    Reference<float>::Matrix packed_;
    Floats values_;
    bool transposed_ = false;
  };

  template <class U>
  Array<U> allocate(const Shape& shape) const {
    return Array<U>(Buffer<RemoteMemory>::allocate(shape.size() * sizeof(U)), shape);
  }

  /// The host's elements are taken at once, so that the caller may overwrite them.
  template <class U>
  void copy_in(std::span<const U> host, const Array<U>& output) const {
    expect_room(host.size(), output.size());
    enqueue([data = std::vector<U>(host.begin(), host.end()), output] {
      Reference<float>().copy_in(std::span<const U>(data), near(output));
    });
  }

  template <class U>
  void copy_out(const Array<U>& input, std::span<U> host) const {
    expect_room(host.size(), input.size());
    synchronize();
    Reference<float>().copy_out(near(input), host);
  }

  void synchronize() const {
    const std::lock_guard lock(queue_->mutex);
    // An operation that throws leaves nothing behind, and each lets go of its tensors once it has
    // run.
    auto operations = std::exchange(queue_->operations, {});
    for (; !operations.empty(); operations.pop_front()) operations.front()();
  }

  /// How many operations wait for the next synchronisation.
  std::size_t pending() const {
    const std::lock_guard lock(queue_->mutex);
    return queue_->operations.size();
  }

  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    return Matrix(Reference<float>().pack(source, options));
  }

  void unpack(const Matrix& matrix, std::size_t first, std::size_t count, float* rows) const {
    synchronize();
    Reference<float>().unpack(near(matrix), first, count, rows);
  }

  Matrix view(const Floats& values, bool transposed = false) const { return {values, transposed}; }

  /// Queues an operation of the reference backend with copies of its arguments.
  template <class Operation>
  requires ops::HasFields<Operation>
  void run(const Operation& operation) const {
    enqueue([operation] { Reference<float>().run(near(operation)); });
  }

 private:
  struct Queue {
    std::mutex mutex;
    std::deque<std::function<void()>> operations;
  };

  static void expect_room(std::size_t host, std::size_t remote) {
    if (host > remote)
      throw ShapeError("copy: " + std::to_string(host) + " elements on the host, " +
                       std::to_string(remote) + " in the tensor");
  }

  void enqueue(std::function<void()> operation) const {
    const std::lock_guard lock(queue_->mutex);
    queue_->operations.push_back(std::move(operation));
  }

  // What an argument is in host memory: for tensors, and for all that has fields, the same with
  // another memory; a matrix of the reference backend; anything else is what it is.
  template <class Argument>
  struct Near {
    using type = Argument;
  };
  template <template <class, Memory> class Group, class T>
  struct Near<Group<T, RemoteMemory>> {
    using type = Group<T, HostMemory>;
  };
  template <template <class, Memory, class> class Operation, class T, class Third>
  struct Near<Operation<T, RemoteMemory, Third>> {
    using type = Operation<T, HostMemory, typename Near<Third>::type>;
  };
  template <class Third>
  requires std::is_same_v<Third, Matrix>
  struct Near<Third> {
    using type = Reference<float>::Matrix;
  };

  // Arguments as the device sees them.
  template <class Argument>
  static typename Near<Argument>::type near(const Argument& argument) {
    typename Near<Argument>::type result{};
    if constexpr (ops::HasFields<const Argument>)
      Argument::fields([](const char*, auto& to, const auto& from) { to = near(from); }, result,
                       argument);
    else if constexpr (std::is_same_v<Argument, Matrix>)
      result = argument.values_
                   ? Reference<float>().view(near(argument.values_), argument.transposed_)
                   : argument.packed_;
    else if constexpr (std::is_same_v<Argument, typename Near<Argument>::type>)
      result = argument;
    else
      static_cast<Tensor<typename Argument::value_type>&>(result) = RemoteMemory::resolve(argument);
    if constexpr (requires { argument.write; }) result.write = argument.write;
    return result;
  }

  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

}  // namespace coca::testing
