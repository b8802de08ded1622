#include "coca/backend/cpu/cpu_options.hpp"

#include <cstdlib>
#include <string>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"

namespace {

/// Sets an environment variable for a while.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ~Variable() {
    if (before_.empty())
      ::unsetenv(name_);
    else
      ::setenv(name_, before_.c_str(), 1);
  }

 private:
  const char* name_;
  std::string before_;
};

std::string problem_with(const coca::CpuOptions& options) {
  try {
    const coca::Cpu<> cpu(options);
  } catch (const coca::ArgumentError& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("the environment decides what the program leaves automatic", "[cpu]") {
  const Variable gemm("COCA_GEMM", "eigen");
  const Variable set("COCA_INSTRUCTION_SET", "baseline");
  CHECK(coca::Cpu<>().gemm() == coca::GemmKind::eigen);
  CHECK(coca::Cpu<>().instruction_set() == coca::InstructionSet::baseline);
  CHECK(coca::Cpu<>({.gemm = coca::GemmKind::packed}).gemm() == coca::GemmKind::packed);
}

TEST_CASE("by default the best instructions of the processor are used", "[cpu]") {
  const Variable set("COCA_INSTRUCTION_SET", "automatic");
  CHECK(coca::Cpu<>().instruction_set() == coca::detail::best_instruction_set());
  CHECK(coca::Cpu<>().threads() >= 1);
  CHECK(coca::Cpu<>({.threads = 3}).threads() == 3);
}

TEST_CASE("an environment variable that names no choice is reported with the valid choices",
          "[cpu]") {
  {
    const Variable gemm("COCA_GEMM", "mkl");
    CHECK(problem_with({}) ==
          "environment variable COCA_GEMM is \"mkl\", expected one of automatic, packed, fixed24, "
          "eigen, "
          "onednn");
  }
  const Variable set("COCA_INSTRUCTION_SET", "sse9");
  CHECK(
      problem_with({}) ==
      "environment variable COCA_INSTRUCTION_SET is \"sse9\", expected one of automatic, baseline, "
      "avx2, avx512");
}

TEST_CASE("a number of threads that makes no sense is refused", "[cpu]") {
  CHECK(problem_with({.threads = -1}) ==
        "a CPU backend with -1 threads was requested, expected 1 to 1024, or 0 for all processors");
  CHECK(problem_with({.threads = 100000}) ==
        "a CPU backend with 100000 threads was requested, expected 1 to 1024, or 0 for all "
        "processors");
}

TEST_CASE("more instructions than the processor has are refused", "[cpu]") {
  const auto best = coca::detail::best_instruction_set();
  if (best == coca::InstructionSet::avx512) {
    CHECK(problem_with({.instruction_set = coca::InstructionSet::avx512}) == "none");
    return;
  }
  CHECK(problem_with({.instruction_set = coca::InstructionSet::avx512}) ==
        std::string("instruction set avx512 was requested, but this processor supports at most ") +
            coca::to_string(best));
}

TEST_CASE("kernels only for floats have no products of bfloat16", "[cpu]") {
  const coca::WeightSource source{coca::Shape{2, 2}, [](std::size_t, std::size_t, float*) {}};
  for (const auto kind : {coca::GemmKind::eigen, coca::GemmKind::fixed24}) {
    const coca::Cpu<coca::bfloat16> cpu({.gemm = kind});
    std::string message;
    try {
      cpu.pack(source, {.rows = 2});
    } catch (const coca::ArgumentError& error) {
      message = error.what();
    }
    CHECK(message == std::string(coca::to_string(kind)) +
                         " only multiplies float weights, but bfloat16 was requested");
  }
}
