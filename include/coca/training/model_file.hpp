#pragma once
/// @file
/// Small text files next to a trained model.

#include <string>

namespace coca {

/// A small text file that belongs to a trained model.
struct ModelFile {
  std::string name;  ///< in the run's folder
  std::string text;
  bool replace = true;  ///< false: an existing one is kept; it is written once, at the start
};

}  // namespace coca
