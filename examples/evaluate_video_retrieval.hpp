#pragma once
/// @file
/// `evaluate video-retrieval`: videos and their captions.

namespace coca_examples {

/// The subcommand. @return exit status
int evaluate_video_retrieval(int argc, char* argv[]);

}  // namespace coca_examples
