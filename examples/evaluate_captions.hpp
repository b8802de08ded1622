#pragma once
/// @file
/// `evaluate captions`: the metrics of existing captions.

namespace coca_examples {

/// @param argv the words after "captions" from index 1 on
/// @return exit status
int evaluate_captions(int argc, char* argv[]);

}  // namespace coca_examples
