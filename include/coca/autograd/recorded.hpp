#pragma once
/// @file
/// The backward pass through operations: what is recorded on a tape. Written once for all
/// operations, each of which says in its backward() which gradients it gives (see ops/). Without a
/// tape, or where no input is followed, nothing happens here.

#include <type_traits>
#include <utility>

#include "coca/autograd/context.hpp"
#include "coca/backend/differentiable.hpp"

namespace coca {

/// The argument of an operation's backward(): the gradients of a tape, and the backend to run on.
template <DifferentiableBackend B>
class BackwardPass {
 public:
  using T = typename B::value_type;
  using M = typename B::memory_type;

  BackwardPass(const B& backend, Tape<B>& tape) : backend_(backend), tape_(tape) {}

  /// Whether the gradient with respect to an input is wanted.
  bool follows(const Array<B>& input) const { return tape_.follows(input); }
  /// The gradient with respect to the operation's output.
  Array<B> of(const Array<B>& output) const { return tape_.gradient(output); }
  /// Where to add the gradient with respect to an input; nothing if it is not wanted.
  ops::Add<T, M> add(const Array<B>& input) const {
    return ops::Add<T, M>(tape_.gradient_if_followed(input));
  }
  /// Where to assign or add the gradient with respect to an input; nothing if it is not wanted.
  ops::Update<T, M> update(const Array<B>& input) const {
    if (!follows(input)) return {};
    const auto [gradient, write] = tape_.gradient_to_write(input);
    return {gradient, write};
  }
  /// Adds `gradient`, which nothing else will read or write any more, to that with respect to an
  /// input, if it is wanted.
  void give(const Array<B>& input, const Array<B>& gradient) const {
    if (follows(input)) tape_.give(input, gradient);
  }
  template <class Operation>
  void run(const Operation& operation) const {
    backend_.run(operation);
  }

 private:
  const B& backend_;
  Tape<B>& tape_;
};

namespace detail {

/// The context's tape if it follows one of the tensors, else nullptr.
template <Backend B, class... Tensors>
Tape<B>* tape_for(const Context<B>& context, const Tensors&... tensors) {
  Tape<B>* tape = context.tape();
  return tape != nullptr && (tape->follows(tensors) || ...) ? tape : nullptr;
}

/// Whether a tape follows an input among the fields of an operation or a group of arguments.
template <Backend B, class Group>
bool follows_input(const Tape<B>& tape, const Group& group) {
  bool follows = false;
  Group::fields(
      [&]<class Field>(const char*, const Field& field) {
        if constexpr (std::is_same_v<Field,
                                     ops::In<typename B::value_type, typename B::memory_type>>)
          follows = follows || tape.follows(field);
        else if constexpr (std::is_same_v<Field, typename B::Matrix>)
          follows = follows || tape.follows(field.values());
        else if constexpr (ops::HasFields<const Field>)
          follows = follows || follows_input(tape, field);
      },
      group);
  return follows;
}

/// Records an operation that has run on the context's tape, if that follows one of its inputs.
template <Backend B, class Operation>
void record_operation(Context<B>& context, const Operation& operation) {
  if constexpr (DifferentiableBackend<B>) {
    Tape<B>* tape = context.tape();
    if (!follows_input(*tape, operation)) return;
    tape->record(operation.output, [&context, tape, operation] {
      BackwardPass<B> pass(context.backend(), *tape);
      operation.backward(pass);
    });
  }
}

struct AnyPass {};
/// Whether an operation has a backward().
template <class Operation>
concept Recordable = requires(const Operation& operation, AnyPass& pass) {
  operation.backward(pass);
};

/// How one operation is recorded; empty for operations without backward().
template <Backend B, class Operation>
struct RecordedOperation {};
template <Backend B, Recordable Operation>
struct RecordedOperation<B, Operation> {
  void (*record)(Context<B>&, const Operation&) = &record_operation<B, Operation>;
};

template <Backend B, class List>
struct RecordedList;
template <Backend B, class... Operation>
struct RecordedList<B, ops::OperationList<Operation...>> : RecordedOperation<B, Operation>... {};

template <Backend B>
Array<B> linear_in_steps(Context<B>& context, const ops::MatmulOn<B>& product);  // operations.hpp

/// How all operations are recorded. A tape points to them and operations reach them through it, so
/// that a program which creates no tape does not compile them.
template <Backend B>
struct RecordedOperations : RecordedList<B, InferenceOperations<B>>,
                            RecordedList<B, TrainingOperations<B>> {
  Array<B> (*linear)(Context<B>&, const ops::MatmulOn<B>&) = &linear_in_steps<B>;
};

template <Backend B>
const RecordedOperations<B>& recorded_operations() {
  static constexpr RecordedOperations<B> operations;
  return operations;
}

/// Records an operation that has run, if the context has a tape.
template <Backend B, class Operation>
void record(Context<B>& context, const Operation& operation) {
  if (context.tape() == nullptr) return;
  using Recorded = RecordedOperation<B, Operation>;
  if constexpr (std::is_base_of_v<Recorded, RecordedOperations<B>>)
    static_cast<const Recorded&>(context.tape()->operations()).record(context, operation);
  else
    record_operation(context, operation);
}

}  // namespace detail
}  // namespace coca
