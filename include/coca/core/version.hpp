#pragma once
/// @file
/// The version of coca, and what it was built with. CMake reads the version from here.

#include <string>

#include "coca/features.hpp"

#define COCA_VERSION_MAJOR 0
#define COCA_VERSION_MINOR 1
#define COCA_VERSION_PATCH 0
/// For comparisons in the preprocessor: 102 * 100 + 3 is 1.2.3.
#define COCA_VERSION (COCA_VERSION_MAJOR * 10000 + COCA_VERSION_MINOR * 100 + COCA_VERSION_PATCH)

namespace coca {

/// "0.1.0".
inline std::string version() {
  return std::to_string(COCA_VERSION_MAJOR) + "." + std::to_string(COCA_VERSION_MINOR) + "." +
         std::to_string(COCA_VERSION_PATCH);
}

/// The compiler of the calling program: "g++ 12.2.0", "clang++ 14.0.6".
inline std::string compiler() {
#if defined(__clang__)
  return "clang++ " + std::to_string(__clang_major__) + "." + std::to_string(__clang_minor__) +
         "." + std::to_string(__clang_patchlevel__);
#elif defined(__GNUC__)
  return "g++ " + std::to_string(__GNUC__) + "." + std::to_string(__GNUC_MINOR__) + "." +
         std::to_string(__GNUC_PATCHLEVEL__);
#else
  return "an unknown compiler";
#endif
}

/// The optional libraries that this build uses: "OPENMP ONEDNN JPEG"; empty if there are none.
inline std::string libraries() { return COCA_LIBRARIES; }

}  // namespace coca
