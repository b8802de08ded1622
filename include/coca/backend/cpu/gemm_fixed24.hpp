#pragma once
/// @file
/// The matrix product of few rows with three of the four bytes of its float weights.
///
/// A decoding step is limited by reading its weights, so it reads them as 24-bit fixed-point
/// numbers: those of an output are multiples of 2^(e - 23), where 2^e is the first power of two
/// above all of them. Each is off by at most 2^(e - 24), and a sum over hundreds by less than what
/// rounding that sum to float costs (the tests compare both with double); everything is computed in
/// float. A fourth byte, which products do not read, says how many floats lie between the
/// fixed-point number and the weight; if it cannot (one weight in a hundred, small ones), the
/// weight itself is kept. So unpack() recovers every bit. If one weight of an output is so far
/// above the others that their numbers are too coarse, the whole matrix stays in float panels.
///
/// A panel is 16 outputs, [in][16] numbers of three bytes and then 16 factors that turn them into
/// floats. Products of more rows than one tile use float panels, made from these piece by
/// piece.

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "coca/backend/cpu/gemm.hpp"
#include "coca/backend/cpu/gemm_packed.hpp"
#include "coca/core/error.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace coca::detail {

/// The numbers of one output.
class Fixed24 {
 public:
  static constexpr std::size_t bytes = 3;

  /// @param weights of the output, [in]
  Fixed24(const float* weights, std::size_t in) {
    std::uint32_t most = 0;
    for (std::size_t i = 0; i < in; ++i)
      most = std::max(most, std::bit_cast<std::uint32_t>(weights[i]) & 0x7fffffffu);
    finite_ = most < 0x7f800000u;
    // Large enough that the factor is a normal number.
    const int exponent = std::max(static_cast<int>(most >> 23) - 126, -95);
    to_number_ = power_of_two(23 - exponent);
    factor_ = finite_ ? static_cast<float>(power_of_two(exponent - 31))
                      : std::numeric_limits<float>::quiet_NaN();
  }

  /// A float is a number, its three bytes read as the upper ones of an integer, times this factor.
  /// NaN if one of the weights is not finite.
  float factor() const { return factor_; }

  /// The number nearest to a weight.
  std::int32_t number(float weight) const {
    constexpr double to_low_bits =
        6755399441055744.0;  // 3 * 2^51: leaves the integer in the low bits
    constexpr std::int32_t most = (1 << 23) - 1;
    if (!finite_) return 0;
    const double rounded = double{weight} * to_number_ + to_low_bits;
    return std::min(static_cast<std::int32_t>(std::bit_cast<std::int64_t>(rounded)), most);
  }

  /// The float that a number represents.
  static float value(std::int32_t number, float factor) {
    return static_cast<float>(number * 256) * factor;
  }

  static void write(std::int32_t number, std::byte* to) { std::memcpy(to, &number, bytes); }
  static std::int32_t read(const std::byte* from) {
    std::uint32_t upper = 0;
    std::memcpy(reinterpret_cast<std::byte*>(&upper) + 1, from, bytes);
    return static_cast<std::int32_t>(upper) >> 8;
  }

 private:
  static double power_of_two(int exponent) {
    return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
  }

  double to_number_ = 0;
  float factor_ = 0;
  bool finite_ = true;
};

#if defined(__x86_64__)

/// Eight numbers as floats without their factor; reads four bytes beyond them.
[[gnu::target("avx2,fma"), gnu::always_inline]] inline void widen_fixed24(__m256& floats,
                                                                          const std::byte* from) {
  const __m256i places = _mm256_setr_epi8(-1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11,  //
                                          -1, 0, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8, -1, 9, 10, 11);
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 12));
  const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  floats = _mm256_cvtepi32_ps(_mm256_shuffle_epi8(both, places));
}

/// Float inputs, weights widened in registers.
template <std::size_t Rows, std::size_t Panels>
[[gnu::target("avx2,fma")]] void fixed24_tile(const Tile& tile) {
  const auto* left = static_cast<const float*>(tile.left);
  const auto* right = static_cast<const std::byte*>(tile.right);
  __m256 sum0[Panels][Rows], sum1[Panels][Rows];
#pragma GCC unroll 2
  for (std::size_t p = 0; p < Panels; ++p) {
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r) sum0[p][r] = sum1[p][r] = _mm256_setzero_ps();
  }
  for (std::size_t step = 0; step < tile.steps; ++step) {
#pragma GCC unroll 2
    for (std::size_t p = 0; p < Panels; ++p) {
      const std::byte* weights = right + p * tile.panel_bytes;
      __m256 weight0, weight1;
      widen_fixed24(weight0, weights);
      widen_fixed24(weight1, weights + 8 * Fixed24::bytes);
      prefetch_weights<32, Panels>(weights);
#pragma GCC unroll 6
      for (std::size_t r = 0; r < Rows; ++r) {
        const __m256 input = _mm256_broadcast_ss(left + r);
        sum0[p][r] = _mm256_fmadd_ps(input, weight0, sum0[p][r]);
        sum1[p][r] = _mm256_fmadd_ps(input, weight1, sum1[p][r]);
      }
    }
    left += Rows;
    right += 16 * Fixed24::bytes;
  }
#pragma GCC unroll 2
  for (std::size_t p = 0; p < Panels; ++p) {
    const auto* factors = reinterpret_cast<const float*>(right + p * tile.panel_bytes);
    const __m256 factor0 = _mm256_loadu_ps(factors), factor1 = _mm256_loadu_ps(factors + 8);
#pragma GCC unroll 6
    for (std::size_t r = 0; r < Rows; ++r) {
      float* products = tile.products + (p * Rows + r) * 16;
      _mm256_storeu_ps(products, _mm256_mul_ps(sum0[p][r], factor0));
      _mm256_storeu_ps(products + 8, _mm256_mul_ps(sum1[p][r], factor1));
    }
  }
}

/// The weights of a panel as floats, `stride` from a step to the next.
[[gnu::target("avx2,fma")]] inline void expand_fixed24(const std::byte* panel, std::size_t steps,
                                                       float* out, std::size_t stride) {
  const auto* factors = reinterpret_cast<const float*>(panel + steps * 16 * Fixed24::bytes);
  const __m256 factor0 = _mm256_loadu_ps(factors), factor1 = _mm256_loadu_ps(factors + 8);
  for (std::size_t step = 0; step < steps; ++step) {
    __m256 weight0, weight1;
    widen_fixed24(weight0, panel);
    widen_fixed24(weight1, panel + 8 * Fixed24::bytes);
    _mm256_storeu_ps(out, _mm256_mul_ps(weight0, factor0));
    _mm256_storeu_ps(out + 8, _mm256_mul_ps(weight1, factor1));
    panel += 16 * Fixed24::bytes;
    out += stride;
  }
}

template <std::size_t... R, std::size_t... Pair>
PanelKernels fixed24_kernels(std::index_sequence<R...>, std::index_sequence<Pair...>) {
  static constexpr TileFunction tiles[] = {&fixed24_tile<R + 1, 1>...};
  static constexpr TileFunction pair_tiles[] = {&fixed24_tile<Pair + 1, 2>...};
  return {16, sizeof...(R), tiles, sizeof...(Pair), pair_tiles};
}

/// At most 6 rows by a panel, or 2 by two, as for floats.
inline PanelKernels fixed24_kernels() {
  return fixed24_kernels(std::make_index_sequence<6>{}, std::make_index_sequence<2>{});
}

/// A weight in panels of fixed-point numbers, see the top of this file.
class Fixed24Weight final : public GemmWeight {
 public:
  Fixed24Weight(std::size_t out, std::size_t in, InstructionSet set, int threads)
      : GemmWeight(out, in),
        set_(set),
        threads_(threads),
        panels_((out + panel - 1) / panel),
        numbers_(LargeMemory::instance().allocate(panels_ * panel_bytes())),
        beside_(LargeMemory::instance().allocate(out * in)),
        whole_(panels_) {
    if (numbers_.bytes() != 0) std::memset(numbers_.at<std::byte>(0), 0, numbers_.bytes());
  }

  void set(const WeightBlock& block) override {
    float* weights = given();
    for (std::size_t o = 0; o < block.out; ++o)
      for (std::size_t i = 0; i < block.in; ++i)
        weights[(block.first_out + o) * in_features() + block.first_in + i] =
            block.values[o * block.out_stride + i * block.in_stride];
  }

  void finish() override {
    const float* weights = given();
    std::atomic<bool> near = true;
    parallel_for(worthwhile_threads(threads_, out_features() * in_features()), panels_,
                 [&](std::size_t begin, std::size_t end) {
                   for (std::size_t p = begin; p < end; ++p)
                     if (!encode(p, weights)) near = false;
                 });
    if (!near) keep_floats(weights);
    given_ = {};
  }

  void unpack(std::size_t first, std::size_t count, float* rows) const override {
    if (floats_) return floats_->unpack(first, count, rows);
    for (std::size_t o = first; o < first + count; ++o)
      decode(o, rows + (o - first) * in_features());
  }

  void multiply(const GemmCall& call) const override {
    if (floats_) return floats_->multiply(call);
    if (call.rows == 0 || panels_ == 0) return;
    const PanelKernels few = fixed24_kernels();
    if (call.rows <= few.most_rows)
      return PanelProduct(call, out_features(), in_features(), few, InstructionSet::avx2)
          .multiply(numbers_.at<std::byte>(0), panel_bytes());
    const PanelKernels many = float_kernels(set_);
    const std::size_t parts = many.panel / panel, floats = many.panel * in_features();
    PanelProduct(call, out_features(), in_features(), many, set_)
        .multiply_made(
            std::max<std::size_t>(1, floats_at_once / floats), floats * sizeof(float),
            [&](std::size_t begin, std::size_t end) {
              float* made = scratch<Fixed24Weight>().get<float>((end - begin) * floats);
              for (std::size_t p = begin * parts; p < std::min(end * parts, panels_); ++p)
                expand_fixed24(numbers_.at<std::byte>(p * panel_bytes()), in_features(),
                               made + (p / parts - begin) * floats + p % parts * panel, many.panel);
              return reinterpret_cast<const std::byte*>(made);
            });
  }

 private:
  static constexpr std::size_t panel = 16, floats_at_once = std::size_t{1} << 16;
  /// The error of the numbers of an output, beyond the rounding of a float, relative to the sum of
  /// all weights but the largest: some 2^-23 where weights are of one size, and what a largest one
  /// has above the others, times 2^-25.
  static constexpr double most_off = 0x1p-19;

  /// A weight that its byte cannot recover.
  struct Whole {
    std::uint32_t out, in;
    float weight;
  };

  std::size_t panel_bytes() const {
    return panel * (in_features() * Fixed24::bytes + sizeof(float));
  }
  std::byte* number(std::size_t o, std::size_t i) const {
    const std::size_t place = (i * panel + o % panel) * Fixed24::bytes;
    return numbers_.at<std::byte>(o / panel * panel_bytes() + place);
  }
  float& factor(std::size_t o) const {
    const std::size_t place = panel * in_features() * Fixed24::bytes;
    return numbers_.at<float>(o / panel * panel_bytes() + place)[o % panel];
  }

  // Memory for all weights until they are converted. Not from the heap, which would keep it.
  float* given() {
    if (!given_ && out_features() * in_features() != 0) {
      const LargeMemory::Separate separate;
      given_ = LargeMemory::instance().allocate(out_features() * in_features() * sizeof(float));
    }
    return given_.at<float>(0);
  }

  std::int8_t& beside(std::size_t o, std::size_t i) const {
    return *beside_.at<std::int8_t>(o * in_features() + i);
  }

  /// @return whether no output's numbers are too far from its weights
  bool encode(std::size_t p, const float* all) {
    const std::size_t in = in_features();
    bool near = true;
    for (std::size_t o = p * panel; o < std::min((p + 1) * panel, out_features()); ++o) {
      const float* weights = all + o * in;
      const Fixed24 output(weights, in);
      factor(o) = output.factor();
      double off = 0, sum = 0, largest = 0;
      for (std::size_t i = 0; i < in; ++i) {
        const std::int32_t nearest = output.number(weights[i]);
        Fixed24::write(nearest, number(o, i));
        const float value = Fixed24::value(nearest, output.factor());
        const double size = std::abs(double{weights[i]});
        off += std::max(0.0, std::abs(double{value} - double{weights[i]}) - 0x1p-23 * size);
        sum += size;
        largest = std::max(largest, size);
        const auto steps = distance(value, weights[i]);
        beside(o, i) = static_cast<std::int8_t>(steps);
        if (steps != beside(o, i))
          whole_[p].push_back(
              {static_cast<std::uint32_t>(o), static_cast<std::uint32_t>(i), weights[i]});
      }
      if (!(off <= most_off * (sum - largest))) near = false;  // also for NaN
    }
    return near;
  }

  void keep_floats(const float* weights) {
    numbers_ = {};
    beside_ = {};
    whole_.clear();
    floats_ = std::make_unique<PackedWeight<float>>(out_features(), in_features(), set_);
    floats_->set({.out = out_features(),
                  .in = in_features(),
                  .values = weights,
                  .out_stride = in_features(),
                  .in_stride = 1});
    floats_->finish();
  }

  void decode(std::size_t o, float* row) const {
    const std::size_t in = in_features();
    for (std::size_t i = 0; i < in; ++i) {
      const float near = Fixed24::value(Fixed24::read(number(o, i)), factor(o));
      row[i] = std::bit_cast<float>(std::bit_cast<std::int32_t>(near) + beside(o, i));
    }
    for (const Whole& weight : whole_[o / panel])
      if (weight.out == o) row[weight.in] = weight.weight;
  }

  /// How many floats further from zero `to` is; some large number if their signs differ.
  static std::int64_t distance(float from, float to) {
    return std::int64_t{std::bit_cast<std::int32_t>(to)} - std::bit_cast<std::int32_t>(from);
  }

  InstructionSet set_;
  int threads_;
  std::size_t panels_;
  LargeBlock numbers_;
  LargeBlock beside_;                      // [out, in]
  std::vector<std::vector<Whole>> whole_;  // of each panel
  LargeBlock given_;
  std::unique_ptr<PackedWeight<float>> floats_;  // instead of all others, see the top of this file
};

#endif

/// An empty weight. @throws UnavailableError if there is no kernel for it.
inline std::shared_ptr<GemmWeight> make_fixed24_weight(std::size_t out, std::size_t in,
                                                       InstructionSet set, int threads) {
#if defined(__x86_64__)
  if (set >= InstructionSet::avx2) return std::make_shared<Fixed24Weight>(out, in, set, threads);
#endif
  static_cast<void>(out), static_cast<void>(in), static_cast<void>(threads);
  throw UnavailableError(std::string("products of fixed24 need AVX2, the instruction set is ") +
                         to_string(set));
}

}  // namespace coca::detail
