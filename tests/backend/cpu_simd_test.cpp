#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/simd.hpp"
#include "coca/backend/cpu/transpose.hpp"

namespace cpu_simd_test {

namespace {

using coca::InstructionSet;
namespace simd = coca::detail::simd;

std::vector<InstructionSet> available_sets() {
  std::vector<InstructionSet> sets;
  for (const auto set : {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512})
    if (set <= coca::detail::best_instruction_set()) sets.push_back(set);
  return sets;
}

struct Exp {
  template <class S>
  [[gnu::always_inline]] static inline void apply(typename S::F& x) {
    simd::exp_inplace<S>(x);
  }
};
struct Gelu {
  template <class S>
  [[gnu::always_inline]] static inline void apply(typename S::F& x) {
    simd::gelu_inplace<S>(x);
  }
};
struct QuickGelu {
  template <class S>
  [[gnu::always_inline]] static inline void apply(typename S::F& x) {
    simd::quick_gelu_inplace<S>(x);
  }
};

/// A function over an array whose length is a multiple of 16.
template <class Function>
struct Map {
  template <class S>
  [[gnu::always_inline]] static inline void run(float* values, std::size_t count) {
    for (std::size_t i = 0; i < count; i += S::width) {
      typename S::F x;
      simd::load<S>(x, values + i);
      Function::template apply<S>(x);
      simd::store<S>(values + i, x);
    }
  }
};

template <class Function>
std::vector<float> map(InstructionSet set, std::vector<float> values) {
  const std::size_t count = values.size();
  values.resize((count + 15) / 16 * 16);
  coca::detail::dispatch<Map<Function>>(set, values.data(), values.size());
  values.resize(count);
  return values;
}

std::vector<float> range(float first, float last, std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i)
    values[i] = first + (last - first) * static_cast<float>(i) / static_cast<float>(count - 1);
  return values;
}

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace

TEST_CASE("exp is accurate to two units in the last place", "[cpu]") {
  const auto x = range(-87.2f, 88.7f, 200001);
  for (const auto set : available_sets()) {
    const auto y = map<Exp>(set, x);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(double{x[i]});
      const double error = std::abs(y[i] - exact) / exact;
      worst = error <= worst ? worst : error;
    }
    INFO(coca::to_string(set));
    CHECK(worst <= 2 * 1.1920929e-7);
    CHECK(worst > 0);
  }
}

TEST_CASE("exp keeps its limits and NaN", "[cpu]") {
  for (const auto set : available_sets()) {
    const auto y = map<Exp>(set, {0.0f, -0.0f, -100.0f, -infinity, 89.0f, infinity, not_a_number, -1e30f});
    INFO(coca::to_string(set));
    CHECK(y[0] == 1.0f);
    CHECK(y[1] == 1.0f);
    CHECK(y[2] == 0.0f);
    CHECK(y[3] == 0.0f);
    CHECK(y[4] == infinity);
    CHECK(y[5] == infinity);
    CHECK(std::isnan(y[6]));
    CHECK(y[7] == 0.0f);
  }
}

TEST_CASE("GELU differs from the one by std::erf by less than 1e-6", "[cpu]") {
  const auto x = range(-12.0f, 12.0f, 240001);
  for (const auto set : available_sets()) {
    const auto y = map<Gelu>(set, x);
    double worst = 0, worst_relative = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = 0.5 * x[i] * (1.0 + std::erf(double{x[i]} / std::sqrt(2.0)));
      const double error = std::abs(y[i] - exact);
      worst = error <= worst ? worst : error;
      if (x[i] > 1) worst_relative = std::max(worst_relative, error / exact);
    }
    INFO(coca::to_string(set));
    CHECK(worst <= 1e-6);
    CHECK(worst_relative <= 3e-7);
    CHECK(std::isnan(map<Gelu>(set, {not_a_number})[0]));
    CHECK(map<Gelu>(set, {-50.0f})[0] == 0.0f);
    CHECK(map<Gelu>(set, {1e20f})[0] == 1e20f);
  }
}

TEST_CASE("QuickGELU agrees with its formula", "[cpu]") {
  const auto x = range(-60.0f, 60.0f, 120001);
  for (const auto set : available_sets()) {
    const auto y = map<QuickGelu>(set, x);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = x[i] / (1.0 + std::exp(-1.702 * x[i]));
      const double error = std::abs(y[i] - exact) / std::max(1.0, std::abs(exact));
      worst = error <= worst ? worst : error;
    }
    INFO(coca::to_string(set));
    CHECK(worst <= 5e-7);
    CHECK(std::isnan(map<QuickGelu>(set, {not_a_number})[0]));
  }
}

namespace {

struct TransposeSquare {
  template <class S>
  [[gnu::always_inline]] static inline void run(float* square, float* sums) {
    typename S::F rows[S::width], total;
    for (std::size_t i = 0; i < S::width; ++i) simd::load<S>(rows[i], square + i * S::width);
    simd::transpose<S>(rows);
    for (std::size_t i = 0; i < S::width; ++i) simd::store<S>(square + i * S::width, rows[i]);
    simd::sum_rows<S>(total, rows);
    simd::store<S>(sums, total);
  }
};

}  // namespace

TEST_CASE("squares are transposed and rows summed in registers", "[cpu]") {
  for (const auto set : available_sets()) {
    const std::size_t width = std::size_t{2} << static_cast<int>(set);  // 4, 8, 16
    std::vector<float> square(256), sums(16);
    for (std::size_t i = 0; i < width * width; ++i) square[i] = static_cast<float>(i);
    coca::detail::dispatch<TransposeSquare>(set, square.data(), sums.data());
    INFO(coca::to_string(set));
    for (std::size_t i = 0; i < width; ++i) {
      float sum = 0;
      for (std::size_t j = 0; j < width; ++j) {
        REQUIRE(square[i * width + j] == static_cast<float>(j * width + i));
        sum += static_cast<float>(j * width + i);
      }
      REQUIRE(sums[i] == sum);
    }
  }
}

}  // namespace cpu_simd_test
