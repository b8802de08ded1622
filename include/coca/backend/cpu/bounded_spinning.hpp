#pragma once
/// @file
/// How long threads that wait for each other spin before they sleep.
///
/// GNU's OpenMP spins for milliseconds unless OMP_WAIT_POLICY or GOMP_SPINCOUNT say otherwise, and
/// reads these once, before main(): a library cannot change them any more, but a program can by
/// restarting itself. If another process needs the same processors, spinning slows down that
/// process and the thread that is waited for. Captioning eight pictures with a small model on two
/// busy processors took 5.4 to 8.8 s by default, 0.7 s with the bound below; on idle
/// processors 0.41 and 0.43 s, and 0.48 s with OMP_WAIT_POLICY=passive, which never spins.

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace coca {

/// Iterations of the loop in which a thread waits, some ten microseconds: longer than the time from
/// one parallel region to the next in a running model, and much shorter than a time slice.
inline constexpr const char* bounded_spin_count = "1000";

namespace detail {

/// Whether the environment lets GNU's OpenMP spin for long: it has neither GOMP_SPINCOUNT, which
/// overrides a policy, nor the policy "passive".
inline bool spins_without_bound() {
  const char* policy = std::getenv("OMP_WAIT_POLICY");
  if (std::getenv("GOMP_SPINCOUNT") != nullptr) return false;
  return policy == nullptr ||
         (std::string_view(policy) != "passive" && std::string_view(policy) != "PASSIVE");
}

}  // namespace detail

/// Restarts the program with a bound on spinning, unless the environment has one. Call it first in
/// main(), before there are threads, open files, or anything else that would be lost. It does
/// nothing if the system has no /proc, and for OpenMP libraries other than GNU's, which do not
/// read what it sets.
/// @param argv of main()
inline void bound_spinning(char** argv) {
  if (!detail::spins_without_bound()) return;
  if (::setenv("GOMP_SPINCOUNT", bounded_spin_count, 1) != 0) return;
  ::execv("/proc/self/exe", argv);  // returns only if it fails
}

}  // namespace coca
