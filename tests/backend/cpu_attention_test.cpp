#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "backend/call.hpp"
#include "backend/host_tensor.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/attention.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/core/random.hpp"

namespace ops = coca::ops;
using coca::testing::call;
namespace {

using Arguments = coca::AttentionArguments<float, coca::HostMemory>;

struct SpanCase {
  std::size_t batch, queries, keys, heads, width;
  bool causal, hidden, picked;
};

// Around the edges of blocks of queries (16, 32 and the few that are computed one by one), tiles of
// keys, and widths of heads below, at and around whole vectors.
constexpr SpanCase span_cases[] = {
    {1, 1, 1, 1, 8, false, false, false},    {2, 1, 255, 3, 64, false, false, true},
    {6, 1, 30, 2, 12, true, true, true},     {1, 4, 9, 2, 20, true, false, false},
    {1, 5, 5, 1, 16, true, false, false},    {2, 17, 17, 2, 12, false, true, false},
    {1, 33, 50, 2, 88, true, true, true},    {2, 36, 36, 1, 32, true, true, false},
    {1, 77, 77, 2, 64, true, false, false},  {1, 257, 257, 1, 64, false, false, false},
    {1, 70, 300, 1, 24, false, true, true},  {3, 40, 13, 2, 7, false, false, false},
    {1, 200, 200, 1, 16, true, true, false},
};

std::vector<float> normals(std::size_t count, std::uint64_t stream) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto words = coca::philox(8, stream, i);
    values[i] = coca::to_normal(words[0], words[1])[0];
  }
  return values;
}

Arguments arguments_of(const SpanCase& c) {
  const std::size_t width = c.heads * c.width, pool = c.batch * c.keys + 5;
  Arguments a;
  a.query = {coca::testing::host_tensor(normals(c.batch * c.queries * (width + 3), 1),
                                        {c.batch * c.queries, width + 3}),
             2, width};
  const auto stored =
      coca::testing::host_tensor(normals(pool * (2 * width + 1), 2), {pool, 2 * width + 1});
  a.key = {stored, 0, width};
  a.value = {stored, width + 1, width};
  a.batch = c.batch;
  a.query_tokens = c.queries;
  a.key_tokens = c.keys;
  a.heads = c.heads;
  a.causal = c.causal;
  std::vector<std::int32_t> rows(c.batch * c.keys);
  std::vector<std::uint8_t> hidden(c.batch * c.keys);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i] = static_cast<std::int32_t>(i * 7 % pool);
    hidden[i] = i % c.keys != 0 && i % 5 == 2 ? 1 : 0;
  }
  if (c.picked) a.key_rows = coca::testing::host_tensor(rows, {c.batch, c.keys});
  if (c.hidden) a.hidden_keys = coca::testing::host_tensor(hidden, {c.batch, c.keys});
  return a;
}

double largest_difference(const coca::Tensor<float>& a, const coca::Tensor<float>& b) {
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(double{a.data()[i]} - double{b.data()[i]});
    worst = difference <= worst ? worst : difference;
  }
  return worst;
}

}  // namespace

TEST_CASE("attention is the reference's at the edges of its blocks", "[cpu]") {
  const coca::Reference<float> reference;
  for (const SpanCase& c : span_cases)
    for (const auto set :
         {coca::InstructionSet::baseline, coca::InstructionSet::avx2, coca::InstructionSet::avx512})
      for (const int threads : {1, 3}) {
        if (set > coca::detail::best_instruction_set()) continue;
        INFO(c.queries << " queries, " << c.keys << " keys of " << c.width << ", "
                       << to_string(set));
        const coca::Cpu<> cpu({.threads = threads, .instruction_set = set});
        Arguments a = arguments_of(c);
        const coca::Shape shape{c.batch * c.queries, c.heads * c.width};
        const auto output = cpu.allocate<float>(shape), expected = cpu.allocate<float>(shape);
        const coca::Shape weights{c.batch, c.heads, c.queries, c.keys};
        const auto got = cpu.allocate<float>(weights), right = cpu.allocate<float>(weights);
        a.probabilities = coca::ops::Out(got);
        call<ops::Attention>(cpu, a, output);
        a.probabilities = coca::ops::Out(right);
        call<ops::Attention>(reference, a, expected);
        CHECK(largest_difference(output, expected) <= 5e-6);
        CHECK(largest_difference(got, right) <= 2e-6);
      }
}

TEST_CASE("beams that share a picture attend as each would separately", "[cpu]") {
  const coca::Reference<float> reference;
  for (const std::size_t pictures : {std::size_t{1}, std::size_t{3}})
    for (const std::size_t beams : {2, 5, 6, 11, 16, 40})
      for (const auto set : {coca::InstructionSet::baseline, coca::InstructionSet::avx2,
                             coca::InstructionSet::avx512})
        for (const bool uneven : {false, true}) {
          if (set > coca::detail::best_instruction_set()) continue;
          INFO(pictures << " pictures, " << beams << " beams, " << to_string(set));
          const coca::Cpu<> cpu({.threads = 2, .instruction_set = set});
          const SpanCase c{pictures * beams, 1, 37, 3, 20, true, false, true};
          const Arguments a = arguments_of(c);
          std::int32_t* rows = a.key_rows.data();
          for (std::size_t sequence = 0; sequence < c.batch; ++sequence)
            std::copy_n(rows + sequence / beams * beams * c.keys, c.keys, rows + sequence * c.keys);
          if (uneven) rows[(c.batch - 1) * c.keys + 3] = 0;  // the last looks elsewhere
          const coca::Shape shape{c.batch, c.heads * c.width};
          const auto output = cpu.allocate<float>(shape), expected = cpu.allocate<float>(shape);
          call<ops::Attention>(cpu, a, output);
          call<ops::Attention>(reference, a, expected);
          CHECK(largest_difference(output, expected) <= 5e-6);
        }
}

TEST_CASE("scores far beyond the range of exp do not overflow", "[cpu]") {
  const SpanCase c{1, 40, 40, 1, 16, false, false, false};
  Arguments a = arguments_of(c);
  for (std::size_t i = 0; i < a.query.rows.size(); ++i) a.query.rows.data()[i] *= 1000.0f;
  const coca::Cpu<> cpu;
  const coca::Reference<float> reference;
  const coca::Shape shape{40, 16};
  const auto output = cpu.allocate<float>(shape), expected = cpu.allocate<float>(shape);
  call<ops::Attention>(cpu, a, output);
  call<ops::Attention>(reference, a, expected);
  CHECK(largest_difference(output, expected) <= 2e-3);
}

TEST_CASE("NaN in a key reaches every query that sees it, and no other head", "[cpu]") {
  for (const std::size_t queries : {std::size_t{2}, std::size_t{40}}) {
    const SpanCase c{1, queries, 40, 2, 16, false, false, false};
    Arguments a = arguments_of(c);
    a.key.rows.data()[7 * a.key.rows.shape().back() + 3] = std::nanf("");  // key 7 of head 0
    const coca::Cpu<> cpu;
    const auto output = cpu.allocate<float>({queries, 32});
    call<ops::Attention>(cpu, a, output);
    for (std::size_t i = 0; i < output.size(); ++i)
      REQUIRE(std::isnan(output.data()[i]) == (i % 32 < 16));
  }
}

TEST_CASE("a query that sees no key at all is NaN, not a crash", "[cpu]") {
  for (const std::size_t queries : {std::size_t{1}, std::size_t{40}}) {
    const SpanCase c{1, queries, 40, 1, 16, false, false, false};
    Arguments a = arguments_of(c);
    a.hidden_keys = coca::testing::host_tensor(std::vector<std::uint8_t>(40, 1), {1, 40});
    const coca::Cpu<> cpu;
    const auto output = cpu.allocate<float>({queries, 16});
    call<ops::Attention>(cpu, a, output);
    for (std::size_t i = 0; i < output.size(); ++i) REQUIRE(std::isnan(output.data()[i]));
  }
}
