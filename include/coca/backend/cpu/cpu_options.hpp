#pragma once
/// @file
/// Options of the CPU backend, from the program or from the environment.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string>

#include "coca/backend/cpu/instruction_set.hpp"
#include "coca/backend/cpu/threads.hpp"
#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Which kernels compute matrix products.
enum class GemmKind : std::uint8_t {
  automatic,  ///< the fastest for each shape, as measured when weights are packed or, for views of
              ///< arrays (training), at the first large product of such sizes
  packed,     ///< the library's own kernels
  fixed24,    ///< the same for float weights of few rows, of which they read three bytes (AVX2)
  eigen,      ///< Eigen, for float weights
  onednn,     ///< oneDNN, if installed
};

/// "automatic", "packed", "fixed24", "eigen", "onednn".
constexpr const char* to_string(GemmKind kind) noexcept {
  switch (kind) {
    case GemmKind::automatic:
      return "automatic";
    case GemmKind::packed:
      return "packed";
    case GemmKind::fixed24:
      return "fixed24";
    case GemmKind::eigen:
      return "eigen";
    case GemmKind::onednn:
      return "onednn";
  }
  return "?";
}

/// Options of Cpu. What is left automatic can be set by the environment variables
/// COCA_GEMM (automatic, packed, fixed24, eigen, onednn) and COCA_INSTRUCTION_SET (automatic,
/// baseline, avx2, avx512).
struct CpuOptions {
  int threads =
      0;  ///< 0: OpenMP's default (OMP_NUM_THREADS or the processors); without OpenMP, one
  GemmKind gemm = GemmKind::automatic;
  InstructionSet instruction_set = InstructionSet::automatic;
};

namespace detail {

/// The value named by an environment variable, or `automatic`.
/// @throws ArgumentError for a text that is not one of the names.
template <class Choice>
Choice choice_from_environment(const char* variable, std::initializer_list<Choice> values) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return Choice::automatic;
  std::string names;
  for (const Choice value : values) {
    if (std::string(text) == to_string(value)) return value;
    names += (names.empty() ? "" : ", ") + std::string(to_string(value));
  }
  throw ArgumentError("environment variable " + std::string(variable) + " is \"" + text +
                      "\", expected one of " + names);
}

/// The number of threads to use. @throws ArgumentError for a negative or unreasonable number.
inline int resolve_threads(int wish) {
  constexpr int most = 1024;
  if (wish < 0 || wish > most)
    throw ArgumentError("a CPU backend with " + counted(wish, "thread") +
                        " was requested, expected 1 to " + std::to_string(most) +
                        ", or 0 for all processors");
  return wish == 0 ? std::min(default_threads(), most) : wish;
}

/// The kind requested by the program or the environment.
inline GemmKind resolve(GemmKind wish) {
  if (wish != GemmKind::automatic) return wish;
  return choice_from_environment(
      "COCA_GEMM", {GemmKind::automatic, GemmKind::packed, GemmKind::fixed24, GemmKind::eigen,
                    GemmKind::onednn});
}

/// The instruction set given by the program, the environment or else the processor.
inline InstructionSet resolve_with_environment(InstructionSet wish) {
  if (wish == InstructionSet::automatic)
    wish = choice_from_environment("COCA_INSTRUCTION_SET",
                                   {InstructionSet::automatic, InstructionSet::baseline,
                                    InstructionSet::avx2, InstructionSet::avx512});
  return resolve(wish);
}

/// The kernels that are used without any measurement: the library's own, or those that the
/// environment names.
inline GemmKind fixed_gemm() {
  const GemmKind wish = resolve(GemmKind::automatic);  // of the environment
  return wish == GemmKind::automatic ? GemmKind::packed : wish;
}

}  // namespace detail

/// The options of a backend for training.
/// @param gemm "fixed" (the same kernels in each run, so that it computes the same bits),
///        "automatic" (those that are measured to be fastest; a resumed run keeps them,
///        another may not), "packed", "eigen" or "onednn"
/// @throws ArgumentError for another name
inline CpuOptions cpu_training_options(const std::string& gemm, int threads) {
  if (gemm == "fixed") return {.threads = threads, .gemm = detail::fixed_gemm()};
  for (const GemmKind kind :
       {GemmKind::automatic, GemmKind::packed, GemmKind::eigen, GemmKind::onednn})
    if (gemm == to_string(kind)) return {.threads = threads, .gemm = kind};
  throw ArgumentError("gemm is \"" + gemm +
                      "\", expected one of fixed, automatic, packed, eigen, onednn");
}

}  // namespace coca
