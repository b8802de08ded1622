#pragma once
/// @file
/// `evaluate retrieval`: captions searched with pictures, and pictures with captions.

namespace coca_examples {

/// @param argv the words after "retrieval" from index 1 on
/// @return exit status
int evaluate_retrieval(int argc, char* argv[]);

}  // namespace coca_examples
