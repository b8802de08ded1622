#pragma once
/// @file
/// The identity of the model of an embedding: models with the same identity give the same ones.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/core/fixed_text.hpp"
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
  bool truncated = false;  ///< whether what is there of pictures that are cut off is read
};

/// The parts of an identity by name: "configuration", "precision", "preprocessing", "weights", and
/// "reading" where cut off pictures are read.
using IdentityParts = std::vector<std::pair<std::string, std::string>>;

/// The parts, each of which can be compared on its own. Weights count by their content, not by
/// where they are.
/// @throws FileError if the weights cannot be read
inline IdentityParts identity_parts(const ModelIdentity& model) {
  const PreprocessConfig& pixels = model.preprocessing;
  Digest digest;
  for (const std::array<double, 3>& numbers : {pixels.mean, pixels.std})
    for (const double number : numbers) digest.add_text(fixed_text(number, 6));
  for (const auto number : {static_cast<std::size_t>(pixels.interpolation),
                            static_cast<std::size_t>(pixels.resize_mode), pixels.height,
                            pixels.width, std::size_t{pixels.fill_color[0]},
                            std::size_t{pixels.fill_color[1]}, std::size_t{pixels.fill_color[2]}})
    digest.add_text(std::to_string(number));
  const std::string open_clip = model.open_clip_preprocessing ? " open-clip-preprocessing" : "";
  const std::string weights = model.weights == "random"
                                  ? "random " + std::to_string(model.seed)
                                  : "weights " + weights_digest(open_checkpoint(model.weights));
  IdentityParts parts{{"configuration", model.configuration},
                      {"precision", model.precision},
                      {"preprocessing", "pixels " + digest.text() + open_clip},
                      {"weights", weights}};
  if (model.truncated) parts.emplace_back("reading", "truncated");
  return parts;
}

/// The identity as one line: its parts in order.
inline std::string to_string(const IdentityParts& parts) {
  std::string line;
  for (const auto& [name, part] : parts) line += (line.empty() ? "" : " ") + part;
  return line;
}

/// The identity as one line. @throws as identity_parts()
inline std::string to_string(const ModelIdentity& model) {
  return to_string(identity_parts(model));
}

}  // namespace coca
