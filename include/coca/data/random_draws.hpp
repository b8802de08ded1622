#pragma once
/// @file
/// The random numbers of one sample in one epoch. They are a function of only (seed, purpose,
/// epoch, index), so that it does not matter which thread draws, when, or what was drawn before.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coca/core/random.hpp"

namespace coca {

/// An interval, both ends included.
struct Range {
  double low = 0.0;
  double high = 0.0;

  friend constexpr bool operator==(const Range&, const Range&) = default;
};

/// One showing of one sample.
struct SampleKey {
  std::uint64_t seed = 0;   ///< of the run
  std::uint64_t epoch = 0;  ///< counts from 0
  std::uint64_t index = 0;  ///< of the sample in its data set
};

namespace detail {

/// A separate stream of random numbers per purpose and epoch.
constexpr std::uint64_t epoch_stream(std::string_view purpose, std::uint64_t epoch) noexcept {
  return stream_of(purpose) + epoch * 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio: far apart
}

}  // namespace detail

/// A sequence of random numbers.
class RandomDraws {
 public:
  /// @param key     whose numbers they are
  /// @param purpose what is drawn ("crop"); each purpose has its own sequence
  RandomDraws(const SampleKey& key, std::string_view purpose) noexcept
      : seed_(key.seed),
        stream_(detail::epoch_stream(purpose, key.epoch)),
        counter_(key.index << blocks_bits) {}

  /// 32 random bits.
  std::uint32_t word() noexcept {
    if (used_ == words_.size()) {
      words_ = philox(seed_, stream_, counter_++);
      used_ = 0;
    }
    return words_[used_++];
  }

  /// Uniform in [0, 1), with 53 bits.
  double uniform() noexcept {
    const std::uint64_t high = word();
    const std::uint64_t low = word();
    return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
  }

  /// Uniform in `range`.
  double uniform(Range range) noexcept { return range.low + (range.high - range.low) * uniform(); }

  /// True with this probability.
  bool chance(double probability) noexcept { return uniform() < probability; }

  /// One of 0 ... count - 1; 0 if count is 0.
  std::size_t below(std::size_t count) noexcept {
    return static_cast<std::size_t>(uniform() * static_cast<double>(count));
  }

 private:
  static constexpr int blocks_bits = 16;  // at four words per block, far more than a sample draws

  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_;
  std::array<std::uint32_t, 4> words_{};
  std::size_t used_ = 4;
};

}  // namespace coca
