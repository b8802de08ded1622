#pragma once
/// @file
/// The small trained model of examples/models/stamps_coca, and what OpenCLIP computed with it.

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "coca/autograd/context.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/io/json.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/models/coca.hpp"
#include "coca/pipelines/load.hpp"

namespace coca::testing {

/// examples/models/stamps_coca/config.json
inline constexpr CoCaConfig stamps_coca{
    .embed_dim = 64,
    .vision =
        {.image_size = 64, .patch_size = 8, .width = 96, .layers = 3, .heads = 3, .mlp_width = 384},
    .pooling = {.kind = Pooling::single, .queries = 32, .heads = 4},
    .text = {.context_length = 23, .width = 64, .layers = 2, .heads = 2, .mlp_width = 256},
    .multimodal = {.width = 64, .layers = 2, .heads = 2, .mlp_width = 256},
};

inline const std::string stamps_folder = std::string(COCA_SOURCE) + "/examples/models/stamps_coca";

/// The weights as they are in the repository.
template <Backend B>
const CoCa<stamps_coca, B>& stamps_model() {
  static const auto model = load<CoCa<stamps_coca, B>>(stamps_folder + "/model.safetensors");
  return model;
}

/// Inputs and outputs of every stage for the 16 pictures.
inline const Checkpoint& stamps_forward() {
  static const Checkpoint file =
      open_checkpoint(std::string(COCA_TEST_DATA) + "/stamps_coca/forward.safetensors");
  return file;
}

/// The pictures `first` to `first + count` of 16 as OpenCLIP preprocessed them.
inline std::vector<Pixels> stamps_pixels(std::size_t first = 0, std::size_t count = 16) {
  constexpr std::size_t size = 3 * 64 * 64;
  const std::vector<float> all = stamps_forward().read_floats("pixels");
  std::vector<Pixels> pictures;
  for (std::size_t i = first; i < first + count; ++i)
    pictures.push_back({3,
                        64,
                        64,
                        {all.begin() + static_cast<std::ptrdiff_t>(i * size),
                         all.begin() + static_cast<std::ptrdiff_t>((i + 1) * size)}});
  return pictures;
}

inline Json read_test_json(const std::string& name) {
  const std::string path = std::string(COCA_TEST_DATA) + "/" + name;
  std::ifstream file(path, std::ios::binary);
  return parse_json(std::string(std::istreambuf_iterator<char>(file), {}), path);
}

}  // namespace coca::testing
