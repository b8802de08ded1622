#pragma once
/// @file
/// The tape: which operations led to a loss, so that its gradient can be followed back through
/// them.
///
/// Gradients belong to memory, not to handles: a reshaped or sliced view of a tensor has the same
/// view of its gradient, so that layers need not know whether they are recorded. What is written
/// twice adds up. An operation records itself where a context has a tape and one of its inputs is
/// followed; values that the way back needs live in what it records, and nothing longer. How to go
/// back through an operation is in recorded.hpp, which operations.hpp includes.

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

/// Choices of a recording.
struct TapeOptions {
  /// Blocks keep their input alone and are computed again on the way back (Chen et al., "Training
  /// deep nets with sublinear memory cost", 2016).
  bool recompute_blocks = false;
};

/// Is told of a way back while it goes on, so that work on gradients can begin before all are
/// complete.
template <Backend B>
class TapeObserver {
 public:
  /// The gradient by `values`, watched or part of what is, is about to be added to.
  virtual void on_watched_gradient(
      const Tensor<typename B::value_type, typename B::memory_type>& values) = 0;
  /// Called before the way back and behind each of its operations: `count` are left. What blocks
  /// compute again for themselves is not counted.
  virtual void on_operations_left(std::size_t count) = 0;

 protected:
  ~TapeObserver() = default;
};

/// One forward pass, on its way back. Not for several threads at once.
template <Backend B>
class Tape {
 public:
  using Array = Tensor<typename B::value_type, typename B::memory_type>;

  /// @param context takes part in no recording by that; see Recording
  explicit Tape(Context<B>& context, TapeOptions options = {})
      : context_(context), options_(options), operations_(&detail::recorded_operations<B>()) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  const TapeOptions& options() const noexcept { return options_; }
  /// The way back through each operation, for operations.hpp.
  const detail::RecordedOperations<B>& operations() const noexcept { return *operations_; }

  /// Follows what depends on `values`, whole memory, and adds its gradient to `gradient`.
  /// @param unwritten parts of `gradient` that hold nothing yet, which must live as long as there
  /// are operations; those that are still so after the way back are the caller's to fill
  /// @throws ShapeError where the shapes differ.
  void watch(const Array& values, const Array& gradient, UnwrittenParts* unwritten = nullptr) {
    expect_shape(gradient, values.shape(), "watch: gradient");
    if (values.offset() != 0)
      throw ShapeError("watch: a view cannot be watched, give the whole tensor");
    follow(values, Entry{values, gradient, false, 0, unwritten});
  }

  /// Lets `observer`, which must live as long as there are operations, follow the way back.
  void observe(TapeObserver<B>& observer) noexcept { observer_ = &observer; }

  /// Whether the gradient by a tensor is wanted.
  bool follows(const Array& tensor) const {
    return tensor && entries_.count(tensor.buffer().id()) != 0;
  }

  /// Adds an operation that wrote (part of) `output`; `backward` is called on the way back, when
  /// the gradient of the output is complete.
  void record(const Array& output, std::function<void()> backward) {
    const void* id = output.buffer().id();
    const auto [entry, fresh] = entries_.try_emplace(id);
    if (fresh || output.offset() + output.size() > entry->second.values.size())
      entry->second.values = whole(output);
    ++entry->second.writers;
    nodes_.push_back({id, std::move(backward)});
  }

  /// The gradient by a followed tensor, at the same place of the same shape, to be added to. Zero
  /// where nothing was added yet.
  Array gradient(const Array& tensor) {
    Entry& entry = at(tensor);
    if (!entry.gradient) {
      entry.gradient = context_.empty(entry.values.shape());
      context_.backend().run(ops::On<B, ops::Fill>{.output = ops::Out(entry.gradient)});
    }
    if (entry.unwritten != nullptr) zero_unwritten(entry, tensor);
    return view(entry, tensor);
  }

  /// The same for operations that can assign: the first to write a gradient that covers the whole
  /// tensor, or the whole of a part that holds nothing, need not find zeros there.
  std::pair<Array, Write> gradient_to_write(const Array& tensor) {
    Entry& entry = at(tensor);
    if (entry.unwritten != nullptr && entry.unwritten->take(tensor.offset(), tensor.size()))
      return {view(entry, tensor), Write::assign};
    if (entry.gradient || tensor.size() != entry.values.size())
      return {gradient(tensor), Write::add};
    entry.gradient = context_.empty(entry.values.shape());
    return {view(entry, tensor), Write::assign};
  }

  /// The gradient by `tensor` if it is followed, nothing otherwise.
  Array gradient_if_followed(const Array& tensor) {
    return follows(tensor) ? gradient(tensor) : Array{};
  }

  /// Adds `gradient`, which nobody else will read or write any more, to that by `tensor`.
  void give(const Array& tensor, const Array& gradient) {
    Entry& entry = at(tensor);
    if (!entry.gradient && tensor.size() == entry.values.size() && gradient.offset() == 0)
      entry.gradient = gradient.reshaped(entry.values.shape());
    else
      context_.backend().run(ops::On<B, ops::Accumulate>{
          .input = gradient, .output = ops::Add(this->gradient(tensor))});
  }

  /// How many operations are recorded.
  std::size_t size() const noexcept { return nodes_.size(); }

  /// Goes back through the operations recorded since there were `size`, last to first, and forgets
  /// them. Gradients that were added before (by losses) are what it starts from.
  void backward(std::size_t size = 0) {
    TapeObserver<B>* observer = goes_back_ ? nullptr : observer_;  // not within an operation
    const bool before = std::exchange(goes_back_, true);
    if (observer != nullptr) observer->on_operations_left(nodes_.size());
    while (nodes_.size() > size) {
      const Node node = std::move(nodes_.back());
      nodes_.pop_back();
      Entry& entry = entries_.at(node.output);
      if (entry.gradient) node.backward();
      forget_writer(node.output);
      if (observer != nullptr) observer->on_operations_left(nodes_.size());
    }
    goes_back_ = before;
  }

  /// Forgets the operations recorded since there were `size`, without going back.
  void drop(std::size_t size = 0) {
    while (nodes_.size() > size) {
      const void* output = nodes_.back().output;
      nodes_.pop_back();
      forget_writer(output);
    }
  }

 private:
  struct Entry {
    Array values;    // the whole memory; keeps it from being reused
    Array gradient;  // nothing: zero
    bool temporary =
        true;  // forgotten when all operations that wrote it have been gone back through
    std::size_t writers = 0;              // recorded operations that wrote it
    UnwrittenParts* unwritten = nullptr;  // of the gradient; nothing: it has none
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
  bool goes_back_ = false;
};

}  // namespace coca
