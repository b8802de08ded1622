#pragma once
/// @file
/// Writing safetensors files that the original library (and so OpenCLIP) loads.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"

namespace coca {

/// A tensor announced to SafetensorsWriter.
struct TensorAnnouncement {
  std::string name;
  Shape shape;
  /// F32, F16 or BF16; values are rounded to nearest.
  DType dtype = DType::F32;
};

/// Writes a file tensor by tensor, so that no more than one row needs to be in memory. The file
/// appears under its name in commit(), complete or not at all.
class SafetensorsWriter {
 public:
  using Metadata = std::map<std::string, std::string>;

  /// Writes the header. F32 tensors come first in the file, so that all are aligned; apart from
  /// that the order is the one given. See tensors().
  /// @param metadata strings stored with the tensors; "format": "pt" is always among them
  /// @throws ArgumentError for names that occur twice or are not UTF-8, and types other than F32,
  /// F16 and BF16. @throws FileError when the file cannot be written.
  SafetensorsWriter(const std::string& path, std::vector<TensorAnnouncement> tensors,
                    Metadata metadata = {})
      : tensors_(std::move(tensors)), file_(path) {
    std::stable_sort(tensors_.begin(), tensors_.end(), [](const auto& a, const auto& b) {
      return size_of(a.dtype) > size_of(b.dtype);
    });
    metadata.emplace("format", "pt");
    const std::string header = make_header(metadata);
    const std::uint64_t length = header.size();
    file_.write(&length, sizeof length);
    file_.write(header);
    skip_finished();
  }

  /// The announced tensors in the order in which they must be written.
  const std::vector<TensorAnnouncement>& tensors() const noexcept { return tensors_; }

  /// Appends values to the tensor `name`: all of it, or a few rows at a time.
  /// @throws ArgumentError if it is not that tensor's turn, or it would get too many values.
  /// @throws FileError when the file cannot be written.
  void write(std::string_view name, std::span<const float> values) {
    if (values.empty()) return;
    if (current_ == tensors_.size() || tensors_[current_].name != name)
      throw ArgumentError("tensor \"" + std::string(name) + "\" was written where " +
                          expected_next() + " was expected");
    const TensorAnnouncement& tensor = tensors_[current_];
    if (values.size() > tensor.shape.size() - written_)
      throw ArgumentError("tensor \"" + tensor.name + "\" of shape " + to_string(tensor.shape) +
                          " got " + counted(written_ + values.size(), "value"));
    write_as(tensor.dtype, values);
    written_ += values.size();
    skip_finished();
  }

  /// Finishes the file. @throws ArgumentError when tensors are missing. @throws FileError when the
  /// file cannot be written.
  void commit() {
    if (current_ != tensors_.size())
      throw ArgumentError("the file ends where " + expected_next() + " was expected");
    file_.commit();
  }

 private:
  std::string expected_next() const {
    if (current_ == tensors_.size()) return "nothing more";
    return "\"" + tensors_[current_].name + "\"";
  }

  void skip_finished() {
    while (current_ < tensors_.size() && written_ == tensors_[current_].shape.size()) {
      ++current_;
      written_ = 0;
    }
  }

  void check(const TensorAnnouncement& tensor, std::set<std::string>& seen) const {
    if (tensor.name == "__metadata__" || !seen.insert(tensor.name).second)
      throw ArgumentError("a safetensors file cannot hold two tensors \"" + tensor.name + "\"");
    if (tensor.dtype != DType::F32 && tensor.dtype != DType::F16 && tensor.dtype != DType::BF16)
      throw ArgumentError("tensor \"" + tensor.name + "\" cannot be written as " +
                          to_string(tensor.dtype) + ", only as F32, F16 or BF16");
    if (!detail::checked_byte_size(tensor.shape, tensor.dtype))
      throw ArgumentError("tensor \"" + tensor.name + "\" of shape " + to_string(tensor.shape) +
                          " is larger than any memory");
  }

  std::string make_header(const Metadata& metadata) const {
    nlohmann::ordered_json header;  // the order matters only to people who look into the file
    header["__metadata__"] = metadata;
    std::set<std::string> seen;
    std::size_t offset = 0;
    for (const TensorAnnouncement& tensor : tensors_) {
      check(tensor, seen);
      const std::size_t size = *detail::checked_byte_size(tensor.shape, tensor.dtype);
      const auto end = detail::checked_sum(offset, size);
      if (!end) throw ArgumentError("the tensors are larger than any file");
      auto& entry = header[tensor.name];
      entry["dtype"] = to_string(tensor.dtype);
      entry["shape"] = std::vector<std::size_t>(tensor.shape.begin(), tensor.shape.end());
      entry["data_offsets"] = {offset, *end};
      offset = *end;
    }
    std::string text;
    try {
      text = header.dump();
    } catch (const nlohmann::json::exception&) {
      throw ArgumentError("a name in a safetensors file must be UTF-8");
    }
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  }

  void write_as(DType dtype, std::span<const float> values) {
    if (dtype == DType::F32) return file_.write(values.data(), values.size_bytes());
    constexpr std::size_t block = 4096;
    std::array<std::uint16_t, block> bits{};
    for (std::size_t done = 0; done < values.size(); done += block) {
      const std::size_t count = std::min(block, values.size() - done);
      for (std::size_t i = 0; i < count; ++i) {
        const float value = values[done + i];
        bits[i] = dtype == DType::F16 ? float16(value).bits : bfloat16(value).bits;
      }
      file_.write(bits.data(), count * sizeof bits[0]);
    }
  }

  std::vector<TensorAnnouncement> tensors_;
  AtomicFile file_;
  std::size_t current_ = 0;
  std::size_t written_ = 0;
};

}  // namespace coca
