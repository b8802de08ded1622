#pragma once
/// @file
/// `evaluate entailment` and `evaluate pairs`: sentences about one picture and about two.

namespace coca_examples {

/// @param argv the words after "entailment" from index 1 on
/// @return exit status
int evaluate_entailment(int argc, char* argv[]);

/// @param argv the words after "pairs" from index 1 on
/// @return exit status
int evaluate_pairs(int argc, char* argv[]);

}  // namespace coca_examples
