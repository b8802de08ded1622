#pragma once
/// @file
/// `evaluate zero-shot`: classification by names, of a data set or a suite of them.

namespace coca_examples {

/// @param argv the words after "zero-shot" from index 1 on
/// @return exit status
int evaluate_zero_shot(int argc, char* argv[]);

}  // namespace coca_examples
