#pragma once
/// @file
/// Checkpoints of large models that take no space.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "coca/io/json.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/models/initialize.hpp"
#include "io/safetensors_bytes.hpp"
#include "io/temporary_folder.hpp"

namespace coca::testing {

/// A checkpoint with a model's names and shapes: a file that is a header and a hole.
template <class Model>
Checkpoint hollow(const coca_test::TemporaryFolder& folder) {
  const Model model;
  Json header = Json::object();
  std::uint64_t end = 0;
  for_each_parameter(model, [&](const auto& parameter) {
    Json shape = Json::array();
    for (std::size_t axis = 0; axis < parameter.shape().rank(); ++axis)
      shape.push_back(parameter.shape()[axis]);
    const std::uint64_t begin = end;
    end += 4 * parameter.shape().size();
    header[parameter.path()] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {begin, end}}};
  });
  const std::string bytes = coca_test::safetensors_bytes(header.dump(), "");
  const std::string path = folder.write("hollow.safetensors", bytes);
  std::filesystem::resize_file(path, bytes.size() + end);
  return read_safetensors(path);
}

}  // namespace coca::testing
