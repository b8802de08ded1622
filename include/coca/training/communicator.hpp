#pragma once
/// @file
/// The communication that a training step over several processes needs. Each has the whole model
/// and its own batch, all of one size; together they make the step of one process with all batches.

#include <concepts>
#include <cstddef>
#include <utility>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/backend/differentiable.hpp"

namespace coca {

/// A sum over all processes in progress.
///
/// - progress(): continues it, if that needs the processor; never waits
/// - wait(): returns when the sum is complete; nothing happens after that
///
/// Its destructor also waits: the array is in use until then.
template <class R>
concept Reduction = std::movable<R> && requires(R reduction) {
  reduction.progress();
  reduction.wait();
};

/// A handle to a group of processes, copied freely. Every process calls the same in the same order;
/// this holds for reductions among themselves.
///
/// - rank(): the number of this process, below size()
/// - sum(numbers): the sum of all processes' lists, the same bits everywhere
/// - all_gather(context, features [n, width]) -> [size() * n, width], those of rank 0 first.
///   Recorded on the context's tape: in the backward pass all processes' gradients are added up,
///   and each takes its own rows
/// - start_all_reduce(context, gradients) -> a Reduction, after which the gradients are their sum
///   over all processes, the same bits everywhere
/// - broadcast(context, values): the values become those of rank 0
/// - barrier(): returns when all processes have called it
template <class C, class B>
concept Communicator = DifferentiableBackend<B> && std::copyable<C> &&
    requires(const C communicator, Context<B>& context, const Array<B> array,
             std::vector<double> numbers) {
  { communicator.rank() } -> std::convertible_to<std::size_t>;
  { communicator.size() } -> std::convertible_to<std::size_t>;
  { communicator.sum(std::move(numbers)) } -> std::same_as<std::vector<double>>;
  { communicator.all_gather(context, array) } -> std::same_as<Array<B>>;
  { communicator.start_all_reduce(context, array) } -> Reduction;
  communicator.broadcast(context, array);
  communicator.barrier();
};

/// A complete sum.
struct FinishedReduction {
  void progress() const noexcept {}
  void wait() const noexcept {}
};

/// A single process.
struct SingleProcess {
  std::size_t rank() const noexcept { return 0; }
  std::size_t size() const noexcept { return 1; }
  std::vector<double> sum(std::vector<double> numbers) const { return numbers; }

  template <DifferentiableBackend B>
  Array<B> all_gather(Context<B>&, const Array<B>& features) const {
    return features;
  }

  template <DifferentiableBackend B>
  FinishedReduction start_all_reduce(Context<B>&, const Array<B>&) const {
    return {};
  }

  template <DifferentiableBackend B>
  void broadcast(Context<B>&, const Array<B>&) const {}

  void barrier() const noexcept {}
};

}  // namespace coca
