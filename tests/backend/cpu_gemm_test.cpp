#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/cpu/gemm.hpp"
#include "coca/core/random.hpp"

namespace {

using coca::GemmKind;
using coca::InstructionSet;
using coca::detail::GemmCall;
using coca::detail::GemmWeight;

std::vector<float> gemm_normals(std::size_t count, std::uint64_t stream) {
  std::vector<float> values(count + 1);
  for (std::size_t i = 0; i < count; i += 2) {
    const auto words = coca::philox(5, stream, i);
    const auto pair = coca::to_normal(words[0], words[1]);
    values[i] = pair[0];
    values[i + 1] = pair[1];
  }
  values.resize(count);
  return values;
}

struct GemmCase {
  std::size_t rows, in, out;
  int threads;
};

// Around the edges of tiles, panels and blocks: one to 15 rows, panels that are not full, odd
// depths, more than one block of depth, more rows than are computed at once, more threads than
// panels.
constexpr GemmCase gemm_cases[] = {
    {1, 1, 1, 1},     {1, 7, 3, 2},      {2, 16, 32, 1},    {5, 33, 31, 2},    {6, 64, 96, 2},
    {7, 65, 97, 3},   {12, 100, 40, 1},  {13, 31, 130, 2},  {14, 257, 33, 2},  {15, 513, 65, 1},
    {28, 512, 70, 3}, {29, 1030, 47, 4}, {300, 260, 50, 2}, {570, 300, 20, 5}, {33, 700, 300, 2}};

struct Subject {
  std::string name;
  std::shared_ptr<GemmWeight> weight;
  bool bfloat16 = false;
};

template <class Stored>
void add(std::vector<Subject>& subjects, GemmKind kind, InstructionSet set, const GemmCase& c) {
  if (set > coca::detail::best_instruction_set()) return;
  const coca::detail::GemmRequest request{c.out, c.in, coca::MatrixUse::few_rows, set, c.threads};
  const bool bfloat16 = !std::is_same_v<Stored, float>;
  try {
    subjects.push_back(
        {std::string(to_string(kind)) + (bfloat16 ? " bfloat16 " : " float ") + to_string(set),
         coca::detail::make_weight<Stored>(kind, request), bfloat16});
  } catch (const coca::UnavailableError&) {  // no oneDNN, or none of its products here
  }
}

std::vector<Subject> subjects_for(const GemmCase& c) {
  std::vector<Subject> subjects;
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
    add<float>(subjects, GemmKind::packed, set, c);
    add<coca::bfloat16>(subjects, GemmKind::packed, set, c);
    add<float>(subjects, GemmKind::fixed24, set, c);
    add<float>(subjects, GemmKind::eigen, set, c);
  }
  const auto best = coca::detail::best_instruction_set();
  add<float>(subjects, GemmKind::onednn, best, c);
  add<coca::bfloat16>(subjects, GemmKind::onednn, best, c);
  return subjects;
}

double activated(double x, coca::Activation activation) {
  if (activation == coca::Activation::gelu) return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  if (activation == coca::Activation::quick_gelu) return x / (1 + std::exp(-1.702 * x));
  return x;
}

/// Inputs of one case, and what is right.
struct GemmProblem {
  GemmCase c;
  std::vector<float> weight, input, bias, scale, residual;

  explicit GemmProblem(const GemmCase& size)
      : c(size),
        weight(gemm_normals(c.out * c.in, 1)),
        input(gemm_normals(c.rows * c.in, 2)),
        bias(gemm_normals(c.out, 3)),
        scale(gemm_normals(c.out, 4)),
        residual(gemm_normals(c.rows * c.out, 5)) {}

  GemmCall call(float* output) const {
    GemmCall made;
    made.input = input.data();
    made.rows = c.rows;
    made.output = output;
    made.threads = c.threads;
    return made;
  }

  double expected(const GemmCall& call, std::size_t r, std::size_t o) const {
    double sum = call.bias == nullptr ? 0.0 : bias[o];
    for (std::size_t i = 0; i < c.in; ++i)
      sum += double{input[r * c.in + i]} * double{weight[o * c.in + i]};
    sum = activated(sum, call.activation);
    if (call.scale != nullptr) sum *= scale[o];
    return call.residual == nullptr ? sum : sum + residual[r * c.out + o];
  }

  /// The largest error, in units of the expected rounding error.
  double worst(const GemmCall& call, const std::vector<float>& output, bool bfloat16) const {
    double worst = 0;
    const auto in = static_cast<double>(c.in);
    const double unit = 2e-6 + (bfloat16 ? 0x1p-7 * std::sqrt(in) : 0x1p-24 * in);
    for (std::size_t r = 0; r < c.rows; ++r)
      for (std::size_t o = 0; o < c.out; ++o) {
        const double size = call.scale == nullptr ? 1.0 : std::max(1.0, std::abs(double{scale[o]}));
        const double error = std::abs(output[r * c.out + o] - expected(call, r, o)) / (unit * size);
        worst = error <= worst ? worst : error;
      }
    return worst;
  }
};

}  // namespace

TEST_CASE("every product is right at every edge, with and without an epilogue", "[cpu]") {
  for (const GemmCase& c : gemm_cases) {
    const GemmProblem problem(c);
    for (const Subject& subject : subjects_for(c)) {
      INFO(subject.name << " " << c.rows << "x" << c.in << "->" << c.out << " threads "
                        << c.threads);
      subject.weight->set({0, c.out, 0, c.in, problem.weight.data(), c.in, 1});
      subject.weight->finish();
      std::vector<float> output(c.rows * c.out, -77.0f);
      GemmCall call = problem.call(output.data());
      subject.weight->multiply(call);
      CHECK(problem.worst(call, output, subject.bfloat16) <= 6);

      call.bias = problem.bias.data();
      call.activation = coca::Activation::gelu;
      subject.weight->multiply(call);
      CHECK(problem.worst(call, output, subject.bfloat16) <= 6);

      output = problem.residual;  // the residual is the output itself
      call.activation = coca::Activation::quick_gelu;
      call.scale = problem.scale.data();
      call.residual = output.data();
      subject.weight->multiply(call);
      CHECK(problem.worst(call, output, subject.bfloat16) <= 6);
    }
  }
}

TEST_CASE("weights are filled in any pieces and come back as they were", "[cpu]") {
  const GemmCase c{1, 53, 77, 1};
  const GemmProblem problem(c);
  for (const Subject& subject : subjects_for(c)) {
    INFO(subject.name);
    std::vector<float> transposed(c.in * c.out);
    for (std::size_t o = 0; o < c.out; ++o)
      for (std::size_t i = 0; i < c.in; ++i)
        transposed[i * c.out + o] = problem.weight[o * c.in + i];
    // The first 20 rows as rows, the others from columns.
    subject.weight->set({0, 20, 0, c.in, problem.weight.data(), c.in, 1});
    subject.weight->set({20, c.out - 20, 0, 30, transposed.data() + 20, 1, c.out});
    subject.weight->set(
        {20, c.out - 20, 30, c.in - 30, transposed.data() + 30 * c.out + 20, 1, c.out});
    subject.weight->finish();
    std::vector<float> back(c.in * c.out);
    subject.weight->unpack(0, 50, back.data());
    subject.weight->unpack(50, c.out - 50, back.data() + 50 * c.in);
    std::size_t different = 0;
    for (std::size_t i = 0; i < back.size(); ++i) {
      const float stored = subject.bfloat16 ? static_cast<float>(coca::bfloat16(problem.weight[i]))
                                            : problem.weight[i];
      different += back[i] == stored ? 0 : 1;
    }
    CHECK(different == 0);
  }
}

TEST_CASE("NaN in a weight or an input reaches the outputs that it belongs to, and no others",
          "[cpu]") {
  const GemmCase c{5, 40, 50, 2};
  GemmProblem problem(c);
  problem.weight[17 * c.in + 3] = std::nanf("");
  for (const Subject& subject : subjects_for(c)) {
    INFO(subject.name);
    subject.weight->set({0, c.out, 0, c.in, problem.weight.data(), c.in, 1});
    subject.weight->finish();
    std::vector<float> output(c.rows * c.out);
    GemmCall call = problem.call(output.data());
    call.activation = coca::Activation::gelu;
    subject.weight->multiply(call);
    for (std::size_t i = 0; i < output.size(); ++i)
      REQUIRE(std::isnan(output[i]) == (i % c.out == 17));
  }
}

TEST_CASE("weights of any size come back to the bit, those that are not finite too", "[cpu]") {
  const GemmCase c{1, 500, 40, 1};
  GemmProblem problem(c);
  for (std::size_t o = 0; o < c.out; ++o)
    for (std::size_t i = 0; i < c.in; ++i) {
      float& weight = problem.weight[o * c.in + i];
      if (o < 20) weight = std::ldexp(weight, static_cast<int>(13 * o) - 149 + (o == 19 ? 20 : 0));
      if (o >= 20 && o < 30) weight = std::ldexp(weight, -static_cast<int>(i % 60));
      if (o == 30) weight = i % 2 == 0 ? 0.0f : -0.0f;
      if (o == 31 && i == 5) weight = -std::numeric_limits<float>::infinity();
      if (o == 32 && i == 5) weight = std::nanf("7");
      if (o == 33) weight = i == 0 ? std::numeric_limits<float>::max() : weight;
      if (o == 34) weight = i % 2 == 0 ? 0x1.fffffep-1f : -0x1.fffffep-1f;
    }
  for (const Subject& subject : subjects_for(c)) {
    if (subject.bfloat16) continue;
    INFO(subject.name);
    subject.weight->set({0, c.out, 0, c.in, problem.weight.data(), c.in, 1});
    subject.weight->finish();
    std::vector<float> back(c.in * c.out);
    subject.weight->unpack(0, c.out, back.data());
    CHECK(std::memcmp(back.data(), problem.weight.data(), back.size() * sizeof(float)) == 0);
  }
}

TEST_CASE("sums over weights of three bytes are as exact as those of floats", "[cpu]") {
  if (coca::detail::best_instruction_set() < InstructionSet::avx2) return;
  for (const GemmCase& c :
       {GemmCase{6, 512, 800, 2}, GemmCase{2, 3072, 300, 2}, GemmCase{60, 768, 100, 2}}) {
    GemmProblem problem(c);
    const auto mean_error = [&](GemmKind kind) {
      const coca::detail::GemmRequest request{c.out, c.in, coca::MatrixUse::few_rows,
                                              InstructionSet::avx2, c.threads};
      const auto weight = coca::detail::make_weight<float>(kind, request);
      weight->set({0, c.out, 0, c.in, problem.weight.data(), c.in, 1});
      weight->finish();
      std::vector<float> output(c.rows * c.out);
      const GemmCall call = problem.call(output.data());
      weight->multiply(call);
      double sum = 0;
      for (std::size_t i = 0; i < output.size(); ++i)
        sum += std::abs(output[i] - problem.expected(call, i / c.out, i % c.out));
      return sum / static_cast<double>(output.size());
    };
    INFO(c.rows << "x" << c.in << "->" << c.out);
    CHECK(mean_error(GemmKind::fixed24) <= 1.25 * mean_error(GemmKind::packed));
    // One weight of each output is large, its input small.
    for (std::size_t o = 0; o < c.out; ++o) problem.weight[o * c.in + 5] *= 0x1p14f;
    for (std::size_t r = 0; r < c.rows; ++r) problem.input[r * c.in + 5] *= 0x1p-14f;
    CHECK(mean_error(GemmKind::fixed24) <= 1.25 * mean_error(GemmKind::packed));
  }
}

TEST_CASE("several threads multiply by one weight at once", "[cpu]") {
  const GemmCase c{30, 128, 96, 2};
  const GemmProblem problem(c);
  for (const Subject& subject : subjects_for(c)) {
    INFO(subject.name);
    subject.weight->set({0, c.out, 0, c.in, problem.weight.data(), c.in, 1});
    subject.weight->finish();
    std::vector<std::vector<float>> outputs(4, std::vector<float>(c.rows * c.out));
    std::vector<std::thread> threads;
    for (auto& output : outputs)
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) subject.weight->multiply(problem.call(output.data()));
      });
    for (auto& thread : threads) thread.join();
    for (const auto& output : outputs)
      CHECK(problem.worst(problem.call(nullptr), output, subject.bfloat16) <= 6);
  }
}

TEST_CASE("all kernels for bfloat16 read the same panels", "[cpu]") {
  const auto set = coca::detail::best_instruction_set();
  const auto widened = coca::detail::widened_kernels(set);
  const auto chosen = coca::detail::bfloat16_kernels(set);
  CHECK(widened.panel == chosen.panel);
  CHECK((chosen.left_is_bfloat16 ? chosen.left_words == 1 : chosen.left_words == 2));
#if defined(__x86_64__)
  if (!coca::detail::has_avx512_bf16()) return;
  const auto dotted = coca::detail::dotted_kernels();
  const std::size_t steps = 9, rows = 3, panel = 2 * steps * 32;
  // Small whole numbers are exact in bfloat16, so that both methods must agree bit for bit.
  std::vector<float> left(2 * steps * rows), widened_sums(2 * rows * 32, 1.0f),
      dotted_sums(2 * rows * 32, 1.0f);
  std::vector<coca::bfloat16> pairs(2 * steps * rows), right(2 * panel);
  for (std::size_t i = 0; i < right.size(); ++i)
    right[i] = coca::bfloat16(static_cast<float>(i * 7 % 31) - 15.0f);
  for (std::size_t step = 0; step < 2 * steps; ++step)
    for (std::size_t r = 0; r < rows; ++r) {
      left[step * rows + r] = static_cast<float>((step * rows + r) * 5 % 17) - 8.0f;
      pairs[step / 2 * 2 * rows + 2 * r + step % 2] = coca::bfloat16(left[step * rows + r]);
    }
  for (const bool accumulate : {false, true}) {
    widened.tiles[rows - 1]({steps, left.data(), right.data(), widened_sums.data(), accumulate});
    dotted.tiles[rows - 1]({steps, pairs.data(), right.data(), dotted_sums.data(), accumulate});
    CHECK(widened_sums == dotted_sums);
    CHECK(widened_sums[0] != 0.0f);
  }
  // Two panels at once.
  const std::size_t bytes = panel * sizeof(coca::bfloat16);
  widened.pair_tiles[rows - 1](
      {steps, left.data(), right.data(), widened_sums.data(), false, bytes});
  dotted.pair_tiles[rows - 1](
      {steps, pairs.data(), right.data(), dotted_sums.data(), false, bytes});
  CHECK(widened_sums == dotted_sums);
  std::vector<float> second(rows * 32);
  widened.tiles[rows - 1]({steps, left.data(), right.data() + panel, second.data(), false});
  CHECK(std::equal(second.begin(), second.end(), widened_sums.begin() + rows * 32));
#endif
}
