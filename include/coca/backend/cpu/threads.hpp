#pragma once
/// @file
/// Threads of the CPU backend: the only header that uses OpenMP.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>

#include "coca/features.hpp"

#if COCA_HAS_OPENMP
#include <omp.h>
#endif

namespace coca::detail {

/// The threads that a parallel region gets unless told otherwise.
inline int default_threads() {
#if COCA_HAS_OPENMP
  return std::max(1, omp_get_max_threads());
#else
  return 1;
#endif
}

/// The part of [0, count) for one of several threads: contiguous, sizes differ by at most one.
struct Share {
  std::size_t begin = 0;
  std::size_t end = 0;

  Share(std::size_t count, std::size_t part, std::size_t parts)
      : begin(count / parts * part + std::min(part, count % parts)),
        end(begin + count / parts + (part < count % parts ? 1 : 0)) {}
};

/// Calls function(begin, end) for contiguous parts of [0, count), one per thread.
///
/// Runs in the calling thread if one is enough, inside another parallel region, and without
/// OpenMP. An exception of a part is rethrown when all have ended.
template <class Function>
void parallel_for(int threads, std::size_t count, const Function& function) {
  if (count == 0) return;
#if COCA_HAS_OPENMP
  const int parts = static_cast<int>(std::min<std::size_t>(count, std::max(threads, 1)));
  if (parts > 1 && omp_in_parallel() == 0) {
    std::exception_ptr error;
#pragma omp parallel num_threads(parts)
    {
      try {
        const Share share(count, static_cast<std::size_t>(omp_get_thread_num()),
                          static_cast<std::size_t>(omp_get_num_threads()));
        if (share.begin < share.end) function(share.begin, share.end);
      } catch (...) {
#pragma omp critical(coca_parallel_for)
        error = std::current_exception();
      }
    }
    if (error) std::rethrow_exception(error);
    return;
  }
#else
  static_cast<void>(threads);
#endif
  function(std::size_t{0}, count);
}

/// Calls function(begin, end) for pieces of [0, count), `piece` long except for the last; a thread
/// that is done with one takes the next, so that none waits for one that the system has suspended.
/// The result must not depend on which thread computes which piece.
template <class Function>
void parallel_for_pieces(int threads, std::size_t count, std::size_t piece,
                         const Function& function) {
  const std::size_t pieces = (count + piece - 1) / piece;
  std::atomic<std::size_t> next{0};
  const auto parts = std::min<std::size_t>(pieces, static_cast<std::size_t>(std::max(threads, 1)));
  parallel_for(threads, parts, [&](std::size_t, std::size_t) {
    for (std::size_t i = next++; i < pieces; i = next++)
      function(i * piece, std::min(count, (i + 1) * piece));
  });
}

/// Threads that are worth starting: one per `grain` units of work, at most `threads`. A unit
/// is about a nanosecond; a parallel region costs some thousand.
inline int worthwhile_threads(int threads, std::size_t work, std::size_t grain = 8192) {
  return static_cast<int>(std::clamp<std::size_t>(work / grain, 1, std::max(threads, 1)));
}

/// During its lifetime, parallel regions opened by others in this thread (by a library) get this
/// many threads.
class ThreadLimit {
 public:
#if COCA_HAS_OPENMP
  explicit ThreadLimit(int threads) : before_(omp_get_max_threads()) {
    if (threads != before_) omp_set_num_threads(threads);
  }
  ~ThreadLimit() {
    if (omp_get_max_threads() != before_) omp_set_num_threads(before_);
  }

 private:
  int before_;

 public:
#else
  explicit ThreadLimit(int) {}
#endif
  ThreadLimit(const ThreadLimit&) = delete;
  ThreadLimit& operator=(const ThreadLimit&) = delete;
};

}  // namespace coca::detail
