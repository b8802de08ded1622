#pragma once
/// @file
/// Whether two checkpoints hold the same weights, by content: wherever they are, whenever they were
/// written, and in whatever container.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/core/weight_source.hpp"
#include "coca/io/checkpoint.hpp"

namespace coca {

namespace detail {

/// Adds some rows of a tensor, the first and the last among them.
inline void add_samples(Digest& digest, const WeightSource& source) {
  constexpr std::size_t samples = 4;
  const std::size_t rows = source.rows(), count = std::min(rows, samples);
  if (source.shape.size() == 0) return;
  std::vector<float> row(source.shape.size() / rows);
  for (std::size_t i = 0; i < count; ++i) {
    source.read(count == 1 ? 0 : (rows - 1) * i / (count - 1), 1, row.data());
    digest.add({reinterpret_cast<const char*>(row.data()), row.size() * sizeof(float)});
  }
}

}  // namespace detail

/// A digest, of 16 hexadecimal digits, of the names, shapes, types and some rows of all tensors.
/// Any training changes all tensors that it does not freeze, and so the digest; a change of single
/// rows by hand may not.
/// @throws FileError if a tensor cannot be read
inline std::string weights_digest(const Checkpoint& checkpoint) {
  Digest digest;
  for (const std::string& name : checkpoint.names()) {
    const StoredTensor& tensor = checkpoint.tensor(name);
    digest.add_text(name);
    digest.add_text(to_string(tensor.dtype) + std::string(" ") + to_string(tensor.shape));
    detail::add_samples(digest, checkpoint.source(name));
  }
  return digest.text();
}

}  // namespace coca
