#pragma once
/// @file
/// Pictures of where the decoder attended for each word.

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "command_line.hpp"
#include "model.hpp"

namespace coca_examples {

class AttentionPictures {
 public:
  /// @param folder created, if missing, with the first picture; "" if none are wanted
  /// @throws coca::FileError if it cannot be created or written to, as far as can be checked first
  explicit AttentionPictures(std::string folder);

  /// Writes a PNG for each word of a caption: the picture as the model saw it, bright where the
  /// decoder attended, and the word below. They are named after the picture, photo.jpg.01.a.png;
  /// for a second picture with that name, photo.jpg.2.01.a.png.
  /// @return the files' paths, in the order of the words
  /// @throws coca::FileError if one cannot be written
  std::vector<std::string> write(Model& model, const Picture& picture,
                                 const coca::Caption& caption);

 private:
  /// The picture's file name, with a number appended if it was used before.
  std::string unused_name(const std::string& path);

  std::string folder_;
  std::set<std::string> used_;
};

}  // namespace coca_examples
