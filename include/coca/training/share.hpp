#pragma once
/// @file
/// Shares and probabilities given by options.

#include <string>

#include "coca/core/error.hpp"

namespace coca {

/// @param name the option that gave it
/// @throws ArgumentError unless `share` is at least 0 and below 1
inline void expect_share(double share, const char* name) {
  if (!(share >= 0 && share < 1))
    throw ArgumentError(std::string(name) + " is " + std::to_string(share) +
                        ", expected at least 0 and below 1");
}

}  // namespace coca
