#pragma once
/// @file
/// A backend that is far away: the reference backend behind storage that host code cannot
/// dereference, with every operation queued and run at the next copy_out, unpack or synchronize.
/// Whatever assumes host memory does not compile with it, and whatever assumes finished work or
/// zeroed memory reads NaN.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coca/backend/reference/reference.hpp"
#include "coca/core/error.hpp"

namespace coca::testing {

class RemoteMemory;

/// Where elements lie in remote storage. It can be kept and handed on, nothing else.
template <class T>
class RemotePointer {
 public:
  RemotePointer() = default;

 private:
  friend class RemoteMemory;
  RemotePointer(std::uint64_t allocation, std::size_t offset)
      : allocation_(allocation), offset_(offset) {}

  std::uint64_t allocation_ = 0;  // 0: none
  std::size_t offset_ = 0;        // in bytes
};

/// Storage of the remote device. New allocations are filled with 0xff, which is NaN in float, -1 in
/// int.
class RemoteMemory {
 public:
  template <class T>
  using Pointer = RemotePointer<T>;

  static RemotePointer<std::byte> allocate(std::size_t bytes) {
    Buffer<HostMemory> block = Buffer<HostMemory>::allocate(bytes);
    std::memset(block.at<std::byte>(0), 0xff, bytes);
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    all.blocks.emplace(++all.allocations, std::move(block));
    return {all.allocations, 0};
  }

  static void release(RemotePointer<std::byte> pointer) noexcept {
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    all.blocks.erase(pointer.allocation_);
  }

  template <class T>
  static RemotePointer<T> at(RemotePointer<std::byte> base, std::size_t offset) noexcept {
    return {base.allocation_, base.offset_ + offset};
  }

  /// How many allocations there have ever been: tests see with it that a second call makes none.
  static std::uint64_t allocations() {
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    return all.allocations;
  }

  /// How many of them have not been released.
  static std::size_t live() {
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    return all.blocks.size();
  }

 private:
  friend class Remote;

  struct Storage {
    std::mutex mutex;
    std::uint64_t allocations = 0;
    std::map<std::uint64_t, Buffer<HostMemory>> blocks;
  };

  // Never destroyed: tensors of static lifetime may be released after everything else.
  static Storage& storage() {
    static Storage& instance = *new Storage;
    return instance;
  }

  // What the device sees where the host has a handle.
  template <class T>
  static Tensor<T> resolve(const Tensor<T, RemoteMemory>& tensor) {
    if (!tensor) return {};
    const RemotePointer<T> pointer = tensor.data();
    Storage& all = storage();
    const std::lock_guard lock(all.mutex);
    const auto found = all.blocks.find(pointer.allocation_);
    if (found == all.blocks.end())
      throw ArgumentError("remote block " + std::to_string(pointer.allocation_) +
                          " is used after its release");
    return Tensor<T>(found->second, tensor.shape(), pointer.offset_ / sizeof(T));
  }
};

/// The reference backend in float, out of reach. Copies share one queue; each default-constructed
/// Remote has a queue of its own. An operation's error surfaces at the next synchronisation, and
/// what was queued behind it is dropped.
class Remote {
 public:
  using value_type = float;
  using weight_type = float;
  using memory_type = RemoteMemory;
  template <class T>
  using Array = Tensor<T, RemoteMemory>;
  using Floats = Array<float>;
  using Indices = Array<std::int32_t>;

  /// A weight that the host cannot read.
  class Matrix {
   public:
    Matrix() = default;
    std::size_t out_features() const { return matrix_.out_features(); }
    std::size_t in_features() const { return matrix_.in_features(); }

   private:
    friend class Remote;
    explicit Matrix(Reference<float>::Matrix matrix) : matrix_(std::move(matrix)) {}
    Reference<float>::Matrix matrix_;
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
    Reference<float>().unpack(matrix.matrix_, first, count, rows);
  }

  void matmul(const Floats& input, const Matrix& weight,
              const Epilogue<float, RemoteMemory>& epilogue, const Floats& output) const {
    enqueue([=] {
      Reference<float>().matmul(near(input), weight.matrix_, near(epilogue), near(output));
    });
  }

  void layer_norm(const Floats& input, const Floats& weight, const Floats& bias,
                  const Floats& output) const {
    run(&Reference<float>::layer_norm, input, weight, bias, output);
  }

  void attention(const AttentionArguments<float, RemoteMemory>& arguments,
                 const Floats& output) const {
    run(&Reference<float>::attention, arguments, output);
  }

  void embed(const Indices& ids, const Floats& table, const Floats& positions, std::size_t first,
             const Floats& output) const {
    run(&Reference<float>::embed, ids, table, positions, first, output);
  }

  void unfold(const Floats& input, const Unfold& windows, const Floats& output) const {
    run(&Reference<float>::unfold, input, windows, output);
  }

  void l2_normalize(const Floats& input, const Floats& output) const {
    run(&Reference<float>::l2_normalize, input, output);
  }

  void write_tokens(const Floats& source, const Floats& positions, std::size_t first,
                    const Floats& output) const {
    run(&Reference<float>::write_tokens, source, positions, first, output);
  }

  void gather_rows(const Floats& input, const Indices& indices, const Floats& output) const {
    run(&Reference<float>::gather_rows, input, indices, output);
  }

  void scatter_rows(const Columns<float, RemoteMemory>& input, const Indices& indices,
                    const Floats& output) const {
    run(&Reference<float>::scatter_rows, input, indices, output);
  }

  void log_softmax_inplace(const Floats& scores) const {
    run(&Reference<float>::log_softmax_inplace, scores);
  }

  void edit_scores_inplace(const Floats& scores, const Indices& indices, const Floats& values,
                           ScoreEdit edit) const {
    run(&Reference<float>::edit_scores_inplace, scores, indices, values, edit);
  }

  void warp_scores_inplace(const Floats& scores, const SamplingWarp& warp) const {
    run(&Reference<float>::warp_scores_inplace, scores, warp);
  }

  void best_candidates(const Floats& scores, const Floats& added, const GumbelNoise& noise,
                       const Floats& values, const Indices& ids) const {
    run(&Reference<float>::best_candidates, scores, added, noise, values, ids);
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

  // Queues an operation of the reference backend with copies of its arguments.
  template <class Operation, class... Arguments>
  void run(Operation operation, const Arguments&... arguments) const {
    enqueue([=] { (Reference<float>().*operation)(near(arguments)...); });
  }

  // Arguments as the device sees them.
  template <class T>
  static Tensor<T> near(const Array<T>& tensor) {
    return RemoteMemory::resolve(tensor);
  }
  static Columns<float, HostMemory> near(const Columns<float, RemoteMemory>& columns) {
    return {near(columns.rows), columns.first, columns.width};
  }
  static Epilogue<float, HostMemory> near(const Epilogue<float, RemoteMemory>& epilogue) {
    return {near(epilogue.bias), epilogue.activation, near(epilogue.scale),
            near(epilogue.residual)};
  }
  static AttentionArguments<float, HostMemory> near(
      const AttentionArguments<float, RemoteMemory>& a) {
    return {.query = near(a.query),
            .key = near(a.key),
            .value = near(a.value),
            .batch = a.batch,
            .query_tokens = a.query_tokens,
            .key_tokens = a.key_tokens,
            .heads = a.heads,
            .causal = a.causal,
            .hidden_keys = near(a.hidden_keys),
            .key_rows = near(a.key_rows),
            .probabilities = near(a.probabilities)};
  }
  template <class Option>
  requires(std::is_integral_v<Option> || std::is_enum_v<Option> || std::is_same_v<Option, Unfold> ||
           std::is_same_v<Option, SamplingWarp> ||
           std::is_same_v<Option, GumbelNoise>) static const Option& near(const Option& option) {
    return option;
  }

  std::shared_ptr<Queue> queue_ = std::make_shared<Queue>();
};

}  // namespace coca::testing
