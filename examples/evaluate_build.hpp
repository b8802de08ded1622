#pragma once
/// @file
/// `evaluate build`: one table of many result files.

namespace coca_examples {

/// @param argv the words after "build" from index 1 on
/// @return exit status
int evaluate_build(int argc, char* argv[]);

}  // namespace coca_examples
