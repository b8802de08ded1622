#pragma once
/// @file
/// Which vector instructions kernels use, chosen at run time.
///
/// A kernel is a struct whose static member template `run<S>` is written once with vectors of
/// `S::width` floats (simd.hpp). It is inlined into one wrapper per instruction set, and the
/// wrapper's target attribute is what lets the compiler use the wide registers: no compiler flag is
/// needed, and one program serves every processor.

#include <cstdint>
#include <string>

#include "coca/core/error.hpp"

namespace coca {

/// The vector instructions of the CPU backend.
enum class InstructionSet : std::uint8_t {
  automatic,  ///< the best that the processor has
  baseline,   ///< 16-byte vectors, what the compiler's flags allow (SSE2)
  avx2,       ///< AVX2 with FMA
  avx512,     ///< AVX-512 F, BW, DQ, VL; its BF16 extension and AMX if available
};

/// "automatic", "baseline", "avx2", "avx512".
constexpr const char* to_string(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::automatic:
      return "automatic";
    case InstructionSet::baseline:
      return "baseline";
    case InstructionSet::avx2:
      return "avx2";
    case InstructionSet::avx512:
      return "avx512";
  }
  return "?";
}

namespace detail {

struct Baseline;
struct Avx2;
struct Avx512;

template <class Kernel, class... A>
void run_baseline(const A&... arguments) {
  Kernel::template run<Baseline>(arguments...);
}

#if defined(__x86_64__)

inline bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
}
inline bool has_avx512() noexcept {
  return has_avx2() && __builtin_cpu_supports("avx512f") != 0 &&
         __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0;
}
inline bool has_avx512_bf16() noexcept {
  return has_avx512() && __builtin_cpu_supports("avx512bf16") != 0;
}

template <class Kernel, class... A>
[[gnu::target("avx2,fma")]] void run_avx2(const A&... arguments) {
  Kernel::template run<Avx2>(arguments...);
}
template <class Kernel, class... A>
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] void run_avx512(
    const A&... arguments) {
  Kernel::template run<Avx512>(arguments...);
}

/// A kernel compiled for an instruction set (not `automatic`).
template <InstructionSet set, class Kernel, class... A>
constexpr auto compiled_for() {
  if constexpr (set == InstructionSet::avx512)
    return &run_avx512<Kernel, A...>;
  else if constexpr (set == InstructionSet::avx2)
    return &run_avx2<Kernel, A...>;
  else
    return &run_baseline<Kernel, A...>;
}

#else

inline bool has_avx2() noexcept { return false; }
inline bool has_avx512() noexcept { return false; }
inline bool has_avx512_bf16() noexcept { return false; }

template <InstructionSet, class Kernel, class... A>
constexpr auto compiled_for() {
  return &run_baseline<Kernel, A...>;
}

#endif

/// Runs a kernel with an instruction set (never `automatic`).
template <class Kernel, class... A>
void dispatch(InstructionSet set, const A&... arguments) {
  switch (set) {
    case InstructionSet::avx512:
      return compiled_for<InstructionSet::avx512, Kernel, A...>()(arguments...);
    case InstructionSet::avx2:
      return compiled_for<InstructionSet::avx2, Kernel, A...>()(arguments...);
    default:
      return run_baseline<Kernel>(arguments...);
  }
}

/// The best set of this processor.
inline InstructionSet best_instruction_set() noexcept {
  static const InstructionSet best = has_avx512() ? InstructionSet::avx512
                                     : has_avx2() ? InstructionSet::avx2
                                                  : InstructionSet::baseline;
  return best;
}

/// The set to use for a request. @throws ArgumentError for more than the processor has.
inline InstructionSet resolve(InstructionSet wish) {
  const InstructionSet best = best_instruction_set();
  if (wish == InstructionSet::automatic) return best;
  if (wish > best)
    throw ArgumentError(std::string("instruction set ") + to_string(wish) +
                        " was requested, but this processor supports at most " + to_string(best));
  return wish;
}

}  // namespace detail

using detail::best_instruction_set;

}  // namespace coca
