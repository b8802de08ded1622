#pragma once
/// @file
/// `evaluate classify DATA --weights RUN`: the accuracy of a trained classifier.

namespace coca_examples {

/// @param argv the command line, the name of the subcommand first
/// @return exit status
int evaluate_classify(int argc, char* argv[]);

}  // namespace coca_examples
