#pragma once
/// @file
/// Some samples of a training step: what is drawn for each is a function of only (seed, step, its
/// number), whatever parts and processes compute the step.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coca/data/random_draws.hpp"

namespace coca {

/// Which samples of which step.
struct StepSamples {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::size_t first = 0;  ///< number of the first one among those of the step
  std::size_t count = 0;

  /// The random numbers of sample `first + i`. @param purpose what is drawn
  RandomDraws draws(std::size_t i, std::string_view purpose) const noexcept {
    return RandomDraws({seed, step, first + i}, purpose);
  }
};

}  // namespace coca
