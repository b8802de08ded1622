#pragma once
/// @file
/// Blocks signals for threads while a library's kernels use the stack pointer for
/// something else.

#include "coca/backend/cpu/threads.hpp"

#if defined(__unix__) || defined(__APPLE__)
#define COCA_HOLDS_SIGNALS 1
#include <csignal>
#else
#define COCA_HOLDS_SIGNALS 0
#endif

namespace coca::detail {

/// During its lifetime, signals that would be delivered to the calling thread or to the others of
/// its parallel regions are held back, except those raised by the thread's own faults.
///
/// oneDNN's kernels called "gemm" (seen in 2.6, with AVX2 and AVX-512) make the stack pointer point
/// into a block of the heap. The frame of a signal handler would be written before that
/// block.
class HeldSignals {
 public:
#if COCA_HOLDS_SIGNALS
  explicit HeldSignals(int threads) : threads_(threads) {
    sigset_t held;
    ::sigfillset(&held);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT})
      ::sigdelset(&held, fault);
    in_each_thread([&held] { ::pthread_sigmask(SIG_BLOCK, &held, &before()); });
  }
  ~HeldSignals() {
    in_each_thread([] { ::pthread_sigmask(SIG_SETMASK, &before(), nullptr); });
  }

 private:
  // OpenMP uses the same threads for each region with this many.
  template <class Function>
  void in_each_thread(const Function& function) const {
    parallel_for(threads_, static_cast<std::size_t>(threads_),
                 [&](std::size_t, std::size_t) { function(); });
  }

  static sigset_t& before() {
    static thread_local sigset_t mask;
    return mask;
  }

  int threads_;

 public:
#else
  explicit HeldSignals(int) {}
#endif
  HeldSignals(const HeldSignals&) = delete;
  HeldSignals& operator=(const HeldSignals&) = delete;
};

}  // namespace coca::detail

#undef COCA_HOLDS_SIGNALS
