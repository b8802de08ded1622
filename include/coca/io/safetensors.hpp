#pragma once
/// @file
/// Reading safetensors (https://github.com/huggingface/safetensors): eight bytes of header length,
/// a JSON header, then the tensors. The rules are those of the original `SafeTensors::validate`.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/core/shape.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"
#include "coca/io/mapped_file.hpp"

namespace coca {

namespace detail {

/// Largest header that the original library accepts.
inline constexpr std::size_t max_safetensors_header = 100'000'000;
inline constexpr std::size_t safetensors_prefix = 8;

inline std::string tensor_label(const std::string& name) {
  return "tensor \"" + printable(name) + "\"";
}

inline DType parse_dtype(const std::string& path, const std::string& name, const Json& entry) {
  const auto text = entry.find("dtype");
  if (text == entry.end() || !text->is_string())
    throw FileError(path, tensor_label(name) + " has no \"dtype\"");
  for (const DType dtype : {DType::F64, DType::F32, DType::F16, DType::BF16, DType::I64, DType::I32,
                            DType::I16, DType::I8, DType::U8, DType::BOOL})
    if (*text == to_string(dtype)) return dtype;
  throw FileError(path, tensor_label(name) + " has the element type \"" +
                            printable(text->get_ref<const std::string&>()) +
                            "\", which is not supported");
}

/// The array of non-negative integers under `key`.
inline std::vector<std::size_t> parse_sizes(const std::string& path, const std::string& name,
                                            const Json& entry, const char* key) {
  const auto array = entry.find(key);
  if (array == entry.end() || !array->is_array())
    throw FileError(path, tensor_label(name) + " has no \"" + key + "\"");
  std::vector<std::size_t> sizes;
  for (const Json& value : *array) {
    if (!value.is_number_unsigned())
      throw FileError(path, tensor_label(name) + ": \"" + key +
                                "\" must hold non-negative integers, not " +
                                printable(value.dump(-1, ' ', true), 40));
    sizes.push_back(value.get<std::size_t>());
  }
  return sizes;
}

inline Shape parse_shape(const std::string& path, const std::string& name, const Json& entry) {
  const std::vector<std::size_t> extents = parse_sizes(path, name, entry, "shape");
  if (extents.size() > Shape::max_rank)
    throw FileError(path, tensor_label(name) + " has " + std::to_string(extents.size()) +
                              " dimensions, at most " + std::to_string(Shape::max_rank) +
                              " are supported");
  Shape shape;
  for (const std::size_t extent : extents) shape.push_back(extent);
  return shape;
}

/// A tensor with the byte range that it claims, counted from the end of the header.
struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::F32;
  Shape shape;
  std::size_t begin = 0;
  std::size_t end = 0;
};

inline SafetensorsEntry parse_entry(const std::string& path, const std::string& name,
                                    const Json& json) {
  if (!json.is_object())
    throw FileError(path, tensor_label(name) + " is not described by a JSON object");
  SafetensorsEntry entry{name, parse_dtype(path, name, json), parse_shape(path, name, json)};
  const auto offsets = parse_sizes(path, name, json, "data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1])
    throw FileError(path, tensor_label(name) + ": \"data_offsets\" must be a begin and an end");
  entry.begin = offsets[0];
  entry.end = offsets[1];
  const auto size = checked_byte_size(entry.shape, entry.dtype);
  if (!size || *size != entry.end - entry.begin)
    throw FileError(path, tensor_label(name) + " of shape " + to_string(entry.shape) +
                              " and type " + to_string(entry.dtype) + " does not fill the " +
                              counted(entry.end - entry.begin, "byte") + " given to it");
  return entry;
}

/// Tensors must cover the data without overlap, gap or remainder.
inline void check_coverage(const std::string& path, std::vector<SafetensorsEntry>& entries,
                           std::size_t data_size) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::size_t expected = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != expected)
      throw FileError(path, tensor_label(entry.name) + " begins at byte " +
                                std::to_string(entry.begin) + " of the data, " +
                                (entry.begin < expected ? "inside" : "not at the end of") +
                                " the one before it, which ends at " + std::to_string(expected));
    if (entry.end > data_size)
      throw FileError(path, tensor_label(entry.name) + " ends at byte " +
                                std::to_string(entry.end) + " of the data, of which there are " +
                                std::to_string(data_size) + "; the file is truncated");
    expected = entry.end;
  }
  if (expected != data_size)
    throw FileError(path,
                    "has " + counted(data_size - expected, "byte") + " that belong to no tensor");
}

inline Checkpoint::Metadata parse_metadata(const std::string& path, const Json& json) {
  if (!json.is_object()) throw FileError(path, "\"__metadata__\" is not a JSON object");
  Checkpoint::Metadata metadata;
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string())
      throw FileError(path,
                      "\"__metadata__\": the value of \"" + printable(key) + "\" is not a string");
    metadata.emplace(key, value.get<std::string>());
  }
  return metadata;
}

/// Text of the header, its length checked against the file.
inline std::string_view safetensors_header(const std::string& path,
                                           std::span<const std::byte> bytes) {
  if (bytes.size() < safetensors_prefix)
    throw FileError(path, "is too short for a safetensors file: it has " +
                              std::to_string(bytes.size()) +
                              " of the 8 bytes that say how long its header is");
  const auto length = load_unaligned<std::uint64_t>(bytes.data());
  const std::size_t available = bytes.size() - safetensors_prefix;
  if (length > max_safetensors_header)
    throw FileError(
        path, "announces a header of " + counted(length, "byte") +
                  ", at most 100000000 are accepted; it is damaged, or not a safetensors file");
  if (length > available)
    throw FileError(path, "announces a header of " + counted(length, "byte") + ", but only " +
                              std::to_string(available) + " follow; the file is truncated");
  const auto* text = reinterpret_cast<const char*>(bytes.data() + safetensors_prefix);
  if (length == 0) throw FileError(path, "has a safetensors header of length 0");
  if (text[0] != '{')
    throw FileError(path, "has a safetensors header that does not begin with \"{\"");
  return {text, static_cast<std::size_t>(length)};
}

/// @param path their name in messages
inline Checkpoint parse_safetensors(const std::string& path,
                                    std::shared_ptr<const StoredBytes> bytes) {
  const std::string_view text = safetensors_header(path, bytes->bytes());
  const Json header = parse_json(text, path, {.max_bytes = max_safetensors_header, .max_depth = 8});
  const std::size_t data = safetensors_prefix + text.size();
  Checkpoint::Metadata metadata;
  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name == "__metadata__")
      metadata = parse_metadata(path, json);
    else
      entries.push_back(parse_entry(path, name, json));
  }
  check_coverage(path, entries, bytes->bytes().size() - data);
  Checkpoint::Tensors tensors;
  for (const SafetensorsEntry& entry : entries)
    tensors.emplace(entry.name,
                    StoredTensor{entry.dtype, entry.shape, contiguous_strides(entry.shape),
                                 data + entry.begin, bytes});
  return Checkpoint(path, std::move(tensors), std::move(metadata));
}

/// A shard is named by an untrusted file, so it must be a plain name in the same folder.
inline void check_shard_name(const std::string& path, const std::string& shard) {
  if (shard.empty() || shard == "." || shard == ".." ||
      shard.find_first_of(std::string_view("/\\\0", 3)) != std::string::npos)
    throw FileError(
        path, "the shard \"" + printable(shard) + "\" is not a plain file name in the same folder");
}

/// Tensor name to shard name.
inline std::map<std::string, std::string> parse_weight_map(const std::string& path,
                                                           const Json& index) {
  const auto found = index.is_object() ? index.find("weight_map") : index.end();
  if (!index.is_object() || found == index.end() || !found->is_object())
    throw FileError(path, "has no \"weight_map\" that names the file of each tensor");
  std::map<std::string, std::string> weight_map;
  for (const auto& [name, shard] : found->items()) {
    if (!shard.is_string())
      throw FileError(path,
                      "\"weight_map\": the file of " + tensor_label(name) + " is not a string");
    check_shard_name(path, shard.get_ref<const std::string&>());
    weight_map.emplace(name, shard.get<std::string>());
  }
  if (weight_map.empty()) throw FileError(path, "\"weight_map\" names no tensors");
  return weight_map;
}

}  // namespace detail

/// Reads a safetensors file; the tensors stay in the file until requested.
/// @throws FileError when it is missing, damaged, or holds element types that are not supported.
inline Checkpoint read_safetensors(const std::string& path) {
  return detail::parse_safetensors(path, std::make_shared<StoredBytes>(MappedFile(path)));
}

namespace detail {

/// Reads the index of a checkpoint in several files, `*.index.json`, and these, which lie next to
/// it.
/// @param open_shard from a path to the Checkpoint there
template <class Open>
Checkpoint read_sharded(const std::string& path, const Open& open_shard) {
  const auto weight_map = parse_weight_map(path, read_json_file(path));
  constexpr std::size_t max_shards = 1000;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::map<std::string, Checkpoint> shards;
  Checkpoint::Tensors tensors;
  for (const auto& [name, shard] : weight_map) {
    auto found = shards.find(shard);
    if (found == shards.end()) {
      if (shards.size() == max_shards)
        throw FileError(path, "names more than " + counted(max_shards, "shard"));
      found = shards.emplace(shard, open_shard((folder / shard).string())).first;
    }
    if (!found->second.contains(name))
      throw FileError(
          path, tensor_label(name) + " should be in \"" + printable(shard) + "\", but is not");
    tensors.emplace(name, found->second.tensor(name));
  }
  return Checkpoint(path, std::move(tensors), shards.begin()->second.metadata());
}

}  // namespace detail

/// Reads a `*.safetensors.index.json` and the shards that it names, which lie next to it.
/// @throws FileError when the index or a shard is missing or damaged, or a tensor is not in the
/// shard that should hold it.
inline Checkpoint read_safetensors_index(const std::string& path) {
  return detail::read_sharded(path, read_safetensors);
}

}  // namespace coca
