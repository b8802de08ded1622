#pragma once
/// @file
/// Threads that share the tasks of an evaluation.

#include <algorithm>
#include <cstddef>
#include <future>
#include <thread>
#include <vector>

namespace coca::detail {

/// How many threads share some tasks. @param wanted 0: one per processor
inline std::size_t worker_count(std::size_t wanted, std::size_t tasks) {
  const std::size_t threads = wanted == 0 ? std::thread::hardware_concurrency() : wanted;
  return std::clamp<std::size_t>(threads, 1, std::max<std::size_t>(tasks, 1));
}

/// Calls run(task, thread) for all tasks, every `threads`-th of them in the same thread.
/// @throws what `run` throws
template <class Run>
void share_tasks(std::size_t tasks, std::size_t threads, const Run& run) {
  std::vector<std::future<void>> workers;
  for (std::size_t thread = 0; thread < threads; ++thread)
    workers.push_back(std::async(std::launch::async, [&run, tasks, threads, thread] {
      for (std::size_t task = thread; task < tasks; task += threads) run(task, thread);
    }));
  for (std::future<void>& worker : workers) worker.get();
}

}  // namespace coca::detail
