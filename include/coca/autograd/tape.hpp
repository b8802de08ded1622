#pragma once
/// @file
/// The tape: the operations that led to a loss, so that its gradient can be propagated back through
/// them.
///
/// Gradients belong to memory, not to handles: a reshaped or sliced view of a tensor has the same
/// view of its gradient, so that layers need not know whether they are recorded. What is written
/// twice adds up. An operation records itself if the context has a tape and one of its inputs is
/// followed; values that the backward pass needs live in what it records, and no longer. The
/// backward pass of an operation is in recorded.hpp, which operations.hpp includes.

#include <cstddef>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/autograd/unwritten_parts.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/core/error.hpp"

namespace coca {

template <Backend B>
class Context;

namespace detail {
template <Backend B>
struct RecordedOperations;
template <Backend B>
const RecordedOperations<B>& recorded_operations();  // both in recorded.hpp
}  // namespace detail

/// Options of a recording.
struct TapeOptions {
  /// Blocks keep only their input and are recomputed in the backward pass (Chen et al., "Training
  /// deep nets with sublinear memory cost", 2016).
  bool recompute_blocks = false;
};

/// Observes a backward pass while it runs, so that work on gradients can begin before all are
/// complete.
template <Backend B>
class TapeObserver {
 public:
  /// The gradient with respect to `values`, watched or part of what is, is about to be added to.
  virtual void on_watched_gradient(
      const Tensor<typename B::value_type, typename B::memory_type>& values) = 0;
  /// Called before the backward pass and after each of its operations: `count` are left. What
  /// blocks recompute is not counted.
  virtual void on_operations_left(std::size_t count) = 0;

 protected:
  ~TapeObserver() = default;
};

/// One forward pass, recorded for the backward pass. Not for several threads at once.
template <Backend B>
class Tape {
 public:
  using Array = Tensor<typename B::value_type, typename B::memory_type>;

  /// @param context not yet recorded by this; see Recording
  explicit Tape(Context<B>& context, TapeOptions options = {})
      : context_(context), options_(options), operations_(&detail::recorded_operations<B>()) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  const TapeOptions& options() const noexcept { return options_; }
  /// The backward pass of each operation, for operations.hpp.
  const detail::RecordedOperations<B>& operations() const noexcept { return *operations_; }

  /// Follows what depends on `values`, whole memory, and adds its gradient to `gradient`.
  /// @param unwritten parts of `gradient` that hold nothing yet, which must live as long as there
  /// are operations; parts still unwritten after the backward pass are left to the caller
  /// @throws ShapeError if the shapes differ.
  void watch(const Array& values, const Array& gradient, UnwrittenParts* unwritten = nullptr) {
    expect_shape(gradient, values.shape(), "watch: gradient");
    if (values.offset() != 0)
      throw ShapeError("watch: a view cannot be watched, give the whole tensor");
    follow(values, Entry{values, gradient, false, 0, unwritten});
  }

  /// Lets `observer`, which must live as long as there are operations, observe the backward pass.
  void observe(TapeObserver<B>& observer) noexcept { observer_ = &observer; }

  /// Whether the gradient with respect to a tensor is wanted.
  bool follows(const Array& tensor) const {
    return tensor && entries_.count(tensor.buffer().id()) != 0;
  }

  /// Adds an operation that wrote (part of) `output`; `backward` is called in the backward pass,
  /// when the gradient of the output is complete.
  void record(const Array& output, std::function<void()> backward) {
    const void* id = output.buffer().id();
    const auto [entry, fresh] = entries_.try_emplace(id);
    if (fresh || output.offset() + output.size() > entry->second.values.size())
      entry->second.values = whole(output);
    ++entry->second.writers;
    nodes_.push_back({id, std::move(backward)});
  }

  /// The gradient with respect to a followed tensor, at the same place and shape, to be added to.
  /// Zero if nothing was added yet.
  Array gradient(const Array& tensor) {
    Entry& entry = at(tensor);
    if (!entry.gradient) {
      entry.gradient = context_.empty(entry.values.shape());
      context_.backend().run(ops::On<B, ops::Fill>{.output = ops::Out(entry.gradient)});
    }
    if (entry.unwritten != nullptr) zero_unwritten(entry, tensor);
    return view(entry, tensor);
  }

  /// The same for operations that can assign: the first write of a gradient that covers the whole
  /// tensor, or the whole of an unwritten part, does not need zeros there.
  std::pair<Array, Write> gradient_to_write(const Array& tensor) {
    Entry& entry = at(tensor);
    if (entry.unwritten != nullptr && entry.unwritten->take(tensor.offset(), tensor.size()))
      return {view(entry, tensor), Write::assign};
    if (entry.gradient || tensor.size() != entry.values.size())
      return {gradient(tensor), Write::add};
    entry.gradient = context_.empty(entry.values.shape());
    return {view(entry, tensor), Write::assign};
  }

  /// The gradient with respect to `tensor` if it is followed, nothing otherwise.
  Array gradient_if_followed(const Array& tensor) {
    return follows(tensor) ? gradient(tensor) : Array{};
  }

  /// Adds `gradient`, which nothing else reads or writes any more, to that of `tensor`.
  void give(const Array& tensor, const Array& gradient) {
    Entry& entry = at(tensor);
    if (!entry.gradient && tensor.size() == entry.values.size() && gradient.offset() == 0)
      entry.gradient = gradient.reshaped(entry.values.shape());
    else
      context_.backend().run(ops::On<B, ops::Accumulate>{
          .input = gradient, .output = ops::Add(this->gradient(tensor))});
  }

  /// Number of recorded operations.
  std::size_t size() const noexcept { return nodes_.size(); }

  /// Runs the backward pass of the operations recorded since there were `size`, last to first, and
  /// drops them. It starts from gradients that were added before (by losses).
  void backward(std::size_t size = 0) {
    TapeObserver<B>* observer = in_backward_pass_ ? nullptr : observer_;  // not within an operation
    const bool before = std::exchange(in_backward_pass_, true);
    if (observer != nullptr) observer->on_operations_left(nodes_.size());
    while (nodes_.size() > size) {
      const Node node = std::move(nodes_.back());
      nodes_.pop_back();
      Entry& entry = entries_.at(node.output);
      if (entry.gradient) node.backward();
      forget_writer(node.output);
      if (observer != nullptr) observer->on_operations_left(nodes_.size());
    }
    in_backward_pass_ = before;
  }

  /// Drops the operations recorded since there were `size`, without a backward pass.
  void drop(std::size_t size = 0) {
    while (nodes_.size() > size) {
      const void* output = nodes_.back().output;
      nodes_.pop_back();
      forget_writer(output);
    }
  }

 private:
  struct Entry {
    Array values;             // the whole memory; keeps it from being reused
    Array gradient;           // nothing: zero
    bool temporary = true;    // dropped after the backward passes of all operations that wrote it
    std::size_t writers = 0;  // recorded operations that wrote it
    UnwrittenParts* unwritten = nullptr;  // of the gradient; nullptr: it has none
  };
  struct Node {
    const void* output;
    std::function<void()> backward;
  };

  static Array whole(const Array& tensor) {
    return tensor.offset() == 0 ? tensor
                                : Array(tensor.buffer(), Shape{tensor.offset() + tensor.size()});
  }

  void follow(const Array& values, Entry entry) {
    entries_.insert_or_assign(values.buffer().id(), std::move(entry));
  }

  Entry& at(const Array& tensor) {
    const auto found = entries_.find(tensor.buffer().id());
    if (found == entries_.end())
      throw Error("the tape does not follow a tensor of shape " + to_string(tensor.shape()));
    if (observer_ != nullptr && !found->second.temporary) observer_->on_watched_gradient(tensor);
    return found->second;
  }

  static Array view(const Entry& entry, const Array& tensor) {
    return Array(entry.gradient.buffer(), tensor.shape(),
                 entry.gradient.offset() + tensor.offset());
  }

  void zero_unwritten(const Entry& entry, const Array& tensor) {
    entry.unwritten->settle(
        tensor.offset(), tensor.size(), [&](std::size_t first, std::size_t size) {
          context_.backend().run(
              ops::On<B, ops::Fill>{.output = ops::Out(Array(entry.gradient.buffer(), Shape{size},
                                                             entry.gradient.offset() + first))});
        });
  }

  void forget_writer(const void* output) {
    const auto found = entries_.find(output);
    if (--found->second.writers == 0 && found->second.temporary) entries_.erase(found);
  }

  Context<B>& context_;
  TapeOptions options_;
  const detail::RecordedOperations<B>* operations_;
  std::vector<Node> nodes_;
  std::unordered_map<const void*, Entry> entries_;
  TapeObserver<B>* observer_ = nullptr;
  bool in_backward_pass_ = false;
};

}  // namespace coca
