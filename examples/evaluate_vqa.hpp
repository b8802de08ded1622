#pragma once
/// @file
/// `evaluate vqa`: accuracy of answers to questions about pictures.

namespace coca_examples {

/// @param argv the words after "vqa" from index 1 on
/// @return exit status
int evaluate_vqa(int argc, char* argv[]);

}  // namespace coca_examples
