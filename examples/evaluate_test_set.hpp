#pragma once
/// @file
/// `evaluate DATA`: retrieval, captions and zero-shot accuracy of pictures with captions or labels.

namespace coca_examples {

/// @param argv the command line
/// @return exit status
int evaluate_test_set(int argc, char* argv[]);

}  // namespace coca_examples
