#pragma once
/// @file
/// Counter-based random numbers: each is a function of only (seed, stream, counter), so that
/// results do not depend on the order, the thread or the device that draws them.

#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace coca {

/// Philox-4x32 with ten rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// 2011).
/// @return four independent, uniformly distributed words.
constexpr std::array<std::uint32_t, 4> philox(std::uint64_t seed, std::uint64_t stream,
                                              std::uint64_t counter) noexcept {
  std::array<std::uint32_t, 4> word{
      static_cast<std::uint32_t>(counter), static_cast<std::uint32_t>(counter >> 32),
      static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)};
  auto key0 = static_cast<std::uint32_t>(seed);
  auto key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t product0 = std::uint64_t{0xD2511F53u} * word[0];
    const std::uint64_t product1 = std::uint64_t{0xCD9E8D57u} * word[2];
    word = {static_cast<std::uint32_t>(product1 >> 32) ^ word[1] ^ key0,
            static_cast<std::uint32_t>(product1),
            static_cast<std::uint32_t>(product0 >> 32) ^ word[3] ^ key1,
            static_cast<std::uint32_t>(product0)};
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return word;
}

/// Uniform in (0, 1), never 0 or 1.
constexpr float to_uniform(std::uint32_t word) noexcept {
  return (static_cast<float>(word >> 9) + 0.5f) * 0x1p-23f;
}

/// Two independent normal numbers with mean 0 and standard deviation 1 (Box and Muller).
inline std::array<float, 2> to_normal(std::uint32_t word0, std::uint32_t word1) noexcept {
  const float radius = std::sqrt(-2.0f * std::log(to_uniform(word0)));
  const float angle = 6.28318530717958647692f * to_uniform(word1);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

/// Gumbel noise: adding it to log-probabilities and taking the k largest draws k words without
/// replacement.
inline float to_gumbel(std::uint32_t word) noexcept {
  return -std::log(-std::log(to_uniform(word)));
}

/// A stream number for a name (FNV-1a), so that each weight has its own random numbers.
constexpr std::uint64_t stream_of(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char letter : name) {
    hash ^= static_cast<unsigned char>(letter);
    hash *= 0x100000001b3u;
  }
  return hash;
}

}  // namespace coca
