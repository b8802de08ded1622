#pragma once
/// @file
/// The identity of the model of an embedding: models with the same identity give the same ones.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/core/digest.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/io/weights_digest.hpp"

namespace coca {

/// What an embedding of a picture depends on.
struct ModelIdentity {
  std::string configuration;  ///< its name, or its distinguishing fields
  std::string precision;      ///< "f32"
  PreprocessConfig preprocessing{};
  bool open_clip_preprocessing = false;
  std::string weights;     ///< a checkpoint, or "random"
  std::uint64_t seed = 0;  ///< of random weights
};

/// The identity as one line. Weights count by their content, not by where they are.
/// @throws FileError if the weights cannot be read
inline std::string to_string(const ModelIdentity& model) {
  const PreprocessConfig& pixels = model.preprocessing;
  Digest digest;
  for (const std::array<double, 3>& numbers : {pixels.mean, pixels.std})
    for (const double number : numbers) digest.add_text(std::to_string(number));
  for (const auto number : {static_cast<std::size_t>(pixels.interpolation),
                            static_cast<std::size_t>(pixels.resize_mode), pixels.height,
                            pixels.width, std::size_t{pixels.fill_color[0]},
                            std::size_t{pixels.fill_color[1]}, std::size_t{pixels.fill_color[2]}})
    digest.add_text(std::to_string(number));
  std::string text = model.configuration + ' ' + model.precision + " pixels " + digest.text();
  if (model.open_clip_preprocessing) text += " open-clip-preprocessing";
  if (model.weights == "random") return text + " random " + std::to_string(model.seed);
  return text + " weights " + weights_digest(open_checkpoint(model.weights));
}

}  // namespace coca
