#include <algorithm>
#include <string>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/cpu/gemm_choice.hpp"

namespace {

coca::CpuMatrix packed(const coca::Cpu<>& cpu, std::size_t out, std::size_t in) {
  const coca::WeightSource source{
      coca::Shape{out, in},
      [in](std::size_t, std::size_t count, float* rows) { std::fill_n(rows, count * in, 0.5f); }};
  return cpu.pack(source, {.rows = out, .use = coca::MatrixUse::few_rows});
}

}  // namespace

TEST_CASE("small weights are packed without being measured", "[cpu]") {
  const auto before = coca::GemmChoices::recorded().size();
  const coca::Cpu<> cpu({.threads = 1});
  if (cpu.gemm() != coca::GemmKind::automatic) return;  // set by the environment
  CHECK(packed(cpu, 99, 99).kind() == coca::GemmKind::packed);
  CHECK(coca::GemmChoices::recorded().size() == before);
}

TEST_CASE("large weights are measured once, and the choice is recorded by name", "[cpu]") {
  const coca::Cpu<> cpu({.threads = 2, .instruction_set = coca::InstructionSet::baseline});
  if (cpu.gemm() != coca::GemmKind::automatic) return;
  const std::string name = "411x307 few_rows float32 baseline 2";
  CHECK(coca::GemmChoices::recorded().count(name) == 0);
  const auto kind = packed(cpu, 411, 307).kind();
  CHECK(kind != coca::GemmKind::automatic);
  CHECK(coca::GemmChoices::recorded().at(name) == kind);
}

TEST_CASE("a preset choice is used", "[cpu]") {
  const coca::Cpu<> cpu({.threads = 1, .instruction_set = coca::InstructionSet::baseline});
  if (cpu.gemm() != coca::GemmKind::automatic) return;
  const std::string name = "413x311 few_rows float32 baseline 1";
  for (const auto kind : {coca::GemmKind::eigen, coca::GemmKind::packed}) {
    coca::GemmChoices::preset({{name, kind}});
    CHECK(packed(cpu, 413, 311).kind() == kind);
  }
}

TEST_CASE("automatic cannot be preset", "[cpu]") {
  std::string message;
  try {
    coca::GemmChoices::preset({{"here", coca::GemmKind::automatic}});
  } catch (const coca::ArgumentError& error) {
    message = error.what();
  }
  CHECK(message ==
        "the preset choice for here is automatic, expected packed, fixed24, eigen or onednn");
}

TEST_CASE("weights are read a bounded number of rows at a time", "[cpu]") {
  const std::size_t out = 3000, in = 1500;
  for (const bool transposed : {false, true}) {
    std::size_t most = 0, next = 0;
    const coca::WeightSource source{
        coca::Shape{out, in}, [&](std::size_t first, std::size_t count, float* rows) {
          CHECK(first == next);
          next = first + count;
          most = std::max(most, count * in);
          for (std::size_t r = 0; r < count; ++r)
            for (std::size_t i = 0; i < in; ++i)
              rows[r * in + i] = static_cast<float>((first + r) % 1000 * 2 + i % 2);
        }};
    const coca::Cpu<> cpu({.gemm = coca::GemmKind::packed});
    const auto matrix = cpu.pack(source, {.rows = out, .transposed = transposed});
    CHECK(next == out);
    CHECK(most <= std::size_t{1} << 20);
    CHECK(matrix.out_features() == (transposed ? in : out));
    CHECK(matrix.in_features() == (transposed ? out : in));
    std::vector<float> row(matrix.in_features());
    cpu.unpack(matrix, 1001, 1, row.data());
    CHECK(row[5] == (transposed ? 5.0f * 2 + 1 : 1.0f * 2 + 1));
  }
}
