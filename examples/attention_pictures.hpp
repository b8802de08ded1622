#pragma once
/// @file
/// Pictures of where the decoder looked while it said each word.

#include <string>
#include <vector>

#include "command_line.hpp"
#include "model.hpp"

namespace coca_examples {

/// Writes a PNG for each word of a caption: the picture as the model saw it, bright where the
/// decoder looked, and the word below.
/// @param folder made where it is missing
/// @return the files' paths, in the order of the words
/// @throws coca::FileError where one cannot be written
std::vector<std::string> write_attention_pictures(Model& model, const Picture& picture,
                                                  const coca::Caption& caption,
                                                  const std::string& folder);

}  // namespace coca_examples
