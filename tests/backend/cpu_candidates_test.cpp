#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "backend/call.hpp"
#include "backend/host_tensor.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/candidates.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/core/random.hpp"

namespace ops = coca::ops;
using coca::testing::call;
namespace {

struct Search {
  std::size_t groups, rows_per_group, vocabulary, count;
  coca::GumbelNoise noise;
};

/// Runs a search on both backends. Ids and values must be equal, not just close.
void compare(const Search& search, const std::vector<float>& values, int threads,
             coca::InstructionSet set) {
  if (set > coca::detail::best_instruction_set()) return;
  const std::size_t rows = search.groups * search.rows_per_group;
  const auto scores = coca::testing::host_tensor(values, {rows, search.vocabulary});
  std::vector<float> more(rows);
  for (std::size_t r = 0; r < rows; ++r) more[r] = -0.25f * static_cast<float>(r);
  const auto added = coca::testing::host_tensor(more, {rows});
  const coca::Cpu<> cpu({.threads = threads, .instruction_set = set});
  const coca::Reference<float> reference;
  const coca::Shape shape{search.groups, search.count};
  const auto best = cpu.allocate<float>(shape), expected = cpu.allocate<float>(shape);
  const auto ids = cpu.allocate<std::int32_t>(shape),
             expected_ids = cpu.allocate<std::int32_t>(shape);
  call<ops::BestCandidates>(cpu, scores, added, search.noise, best, ids);
  call<ops::BestCandidates>(reference, scores, added, search.noise, expected, expected_ids);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    REQUIRE(ids.data()[i] == expected_ids.data()[i]);
    const float a = best.data()[i], b = expected.data()[i];
    REQUIRE((a == b || (std::isnan(a) && std::isnan(b))));
  }
}

constexpr coca::InstructionSet sets[] = {coca::InstructionSet::baseline, coca::InstructionSet::avx2,
                                         coca::InstructionSet::avx512};

std::vector<float> scores_of(const Search& search, std::uint64_t stream, float spread) {
  std::vector<float> values(search.groups * search.rows_per_group * search.vocabulary);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = spread * coca::to_uniform(coca::philox(9, stream, i)[0]) - spread;
  return values;
}

}  // namespace

TEST_CASE("the best of random scores, in the reference's order", "[cpu]") {
  const Search search{2, 6, 4001, 12, {}};
  for (const auto set : sets)
    for (const int threads : {1, 2, 5}) compare(search, scores_of(search, 1, 20.0f), threads, set);
}

TEST_CASE("equal scores come in ascending order of id, also across threads", "[cpu]") {
  const Search search{1, 3, 5000, 40, {}};
  std::vector<float> values = scores_of(search, 2, 1.0f);
  for (float& value : values) value = std::floor(value * 4) / 4;  // four values, thousands of ties
  for (const auto set : sets)
    for (const int threads : {1, 4}) {
      compare(search, values, threads, set);
      compare(search, std::vector<float>(values.size(), -1.0f), threads, set);
    }
}

TEST_CASE("NaN comes first, infinities find their places", "[cpu]") {
  const Search search{1, 2, 20000, 9, {}};
  std::vector<float> values = scores_of(search, 3, 5.0f);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  values[17] = infinity;
  values[30000] = infinity;
  values[19999] = std::nanf("");
  values[39999] = std::nanf("");
  values[8] = -infinity;
  for (const auto set : sets)
    for (const int threads : {1, 3}) {
      compare(search, values, threads, set);
      compare(search, std::vector<float>(values.size(), std::nanf("")), threads, set);
      compare(search, std::vector<float>(values.size(), -infinity), threads, set);
    }
}

TEST_CASE("draws with noise are the reference's, word for word", "[cpu]") {
  for (std::uint64_t step = 0; step < 5; ++step)
    for (const float spread : {0.1f, 10.0f, 60.0f}) {
      const Search search{2, 3, 9001, 7, {true, 1234, step, 3}};
      std::vector<float> values = scores_of(search, 4 + step, spread);
      for (std::size_t i = 0; i < values.size(); i += 3)
        values[i] = -std::numeric_limits<float>::infinity();
      for (const int threads : {1, 4})
        compare(search, values, threads, coca::detail::best_instruction_set());
    }
}
