#pragma once
/// @file
/// `evaluate probe TRAINING --test DATA`: the linear probe of an image encoder.

namespace coca_examples {

/// @param argv the command line, the name of the subcommand first
/// @return exit status
int evaluate_probe(int argc, char* argv[]);

}  // namespace coca_examples
