#pragma once
/// @file
/// The backends that the typed tests compare with Reference<double>.

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "backend/bench.hpp"
#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/differentiable.hpp"
#include "coca/backend/profiled/profiled.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/features.hpp"

namespace coca::testing {

/// A backend without options. `Weight` is what its matrices are rounded to.
template <class B>
struct Plain {
  using Backend = B;
  using Weight = float;
  static bool available() { return true; }
  static Backend make() { return {}; }
};

/// The CPU backend with everything chosen, and more than one thread.
template <GemmKind gemm, InstructionSet instruction_set, class W = float>
struct Chosen {
  using Backend = Cpu<W>;
  using Weight = W;
  static bool available() {
    if (gemm == GemmKind::onednn && COCA_HAS_ONEDNN == 0) return false;
    return instruction_set <= coca::detail::best_instruction_set();
  }
  static Backend make() {
    return Backend(CpuOptions{.threads = 3, .gemm = gemm, .instruction_set = instruction_set});
  }
};

/// For the primitives that are not matrix products.
using Subjects = std::tuple<Plain<Reference<float>>, Plain<Profiled<Reference<float>>>,
                            Plain<Remote>, Chosen<GemmKind::automatic, InstructionSet::baseline>,
                            Chosen<GemmKind::automatic, InstructionSet::avx2>,
                            Chosen<GemmKind::automatic, InstructionSet::avx512>,
                            Chosen<GemmKind::automatic, InstructionSet::automatic, bfloat16>>;

/// For matrix products.
using ProductSubjects = std::tuple<
    Plain<Reference<float>>, Plain<Remote>, Chosen<GemmKind::packed, InstructionSet::baseline>,
    Chosen<GemmKind::packed, InstructionSet::avx2>,
    Chosen<GemmKind::packed, InstructionSet::avx512>,
    Chosen<GemmKind::fixed24, InstructionSet::avx2>,
    Chosen<GemmKind::eigen, InstructionSet::baseline>,
    Chosen<GemmKind::eigen, InstructionSet::avx2>, Chosen<GemmKind::eigen, InstructionSet::avx512>,
    Chosen<GemmKind::onednn, InstructionSet::automatic>,
    Chosen<GemmKind::automatic, InstructionSet::automatic>,
    Chosen<GemmKind::packed, InstructionSet::baseline, bfloat16>,
    Chosen<GemmKind::packed, InstructionSet::avx2, bfloat16>,
    Chosen<GemmKind::packed, InstructionSet::avx512, bfloat16>,
    Chosen<GemmKind::automatic, InstructionSet::automatic, bfloat16>>;

/// Those of a list that train.
template <class List>
struct Training;
template <class... Subject>
struct Training<std::tuple<Subject...>> {
  template <class One>
  using Kept = std::conditional_t<DifferentiableBackend<typename One::Backend>, std::tuple<One>,
                                  std::tuple<>>;
  using type = decltype(std::tuple_cat(std::declval<Kept<Subject>>()...));
};
using TrainingSubjects = Training<Subjects>::type;
using TrainingProductSubjects = Training<ProductSubjects>::type;

/// What the same steps gave on the subject and on the judge.
struct Results {
  std::vector<double> actual, expected;
};

/// Runs `steps`, a function of a Bench that returns what it read, on `backend` and on
/// Reference<double>, and checks that neither wrote where it must not.
template <class B, class Steps>
Results both(const B& backend, const Steps& steps) {
  Bench<B> bench(backend);
  Bench<Reference<double>> judge{Reference<double>()};
  Results results{steps(bench), steps(judge)};
  CHECK(bench.damage() == "");
  CHECK(judge.damage() == "");
  return results;
}

/// Leaves a test whose backend this machine or build does not have.
#define COCA_SKIP_UNAVAILABLE()                                \
  if (!TestType::available()) {                                \
    SUCCEED("not available on this machine or in this build"); \
    return;                                                    \
  }                                                            \
  const auto backend = TestType::make()

}  // namespace coca::testing
