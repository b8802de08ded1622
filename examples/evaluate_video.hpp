#pragma once
/// @file
/// `evaluate video`: the accuracy of a classifier of videos.

namespace coca_examples {

/// The subcommand. @return exit status
int evaluate_video(int argc, char* argv[]);

}  // namespace coca_examples
