#pragma once
/// @file
/// Opening a checkpoint of any supported format.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "coca/core/error.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/git_lfs_pointer.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/io/pickle.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/torch_checkpoint.hpp"

namespace coca {

namespace detail {

enum class CheckpointFormat { safetensors, index, torch, other_pickle, unknown };

/// PROTO of an existing protocol, with something after it.
inline bool begins_as_pickle(std::string_view text) {
  return text.size() > 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5;
}

/// Whether bytes look like a damaged safetensors file: a header begins, or nearly, after a
/// length of any size that is not text.
inline bool resembles_safetensors(std::string_view text) {
  if (text.size() <= safetensors_prefix) return false;
  const std::string_view length = text.substr(0, safetensors_prefix);
  const auto is_text = [](char c) { return (c >= ' ' && c <= '~') || (c >= '\t' && c <= '\r'); };
  return (text[safetensors_prefix] == '{' || text[safetensors_prefix] == '[') &&
         !std::all_of(length.begin(), length.end(), is_text);
}

/// Detects the format by the first bytes.
inline CheckpointFormat detect_format(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() > safetensors_prefix && text[safetensors_prefix] == '{' &&
      load_unaligned<std::uint64_t>(bytes.data()) <= max_safetensors_header)
    return CheckpointFormat::safetensors;
  if (begins_as_zip(bytes)) return CheckpointFormat::torch;
  // PROTO, from protocol 4 on FRAME with its length, then torch.save's magic number as LONG1.
  constexpr std::string_view magic = "\x8a\x0a\x6c\xfc\x9c\x46\xf9";
  if (text.starts_with('\x80') && text.substr(0, 11 + magic.size()).find(magic) != text.npos)
    return CheckpointFormat::torch;
  if (begins_as_pickle(text)) return CheckpointFormat::other_pickle;
  if (resembles_safetensors(text)) return CheckpointFormat::safetensors;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{') return CheckpointFormat::index;
  return CheckpointFormat::unknown;
}

}  // namespace detail

namespace detail {

/// Opens a checkpoint that is one file.
/// @param format of its bytes
inline Checkpoint open_single(const std::string& path, std::shared_ptr<const StoredBytes> bytes,
                              CheckpointFormat format) {
  refuse_git_lfs_pointer(path, bytes->bytes());
  switch (format) {
    case CheckpointFormat::safetensors:
      return parse_safetensors(path, bytes);
    case CheckpointFormat::torch:
      return parse_torch_checkpoint(path, bytes);
    case CheckpointFormat::other_pickle:
      read_pickle(path, bytes->bytes());  // says what it calls
      throw FileError(path, "is a pickle, but none of torch.save");
    case CheckpointFormat::index:
    case CheckpointFormat::unknown:
      break;
  }
  if (path.ends_with(".safetensors")) return parse_safetensors(path, bytes);
  throw FileError(path,
                  "is neither a safetensors file, an index of several files, nor a file of "
                  "torch.save");
}

}  // namespace detail

/// Opens a checkpoint: safetensors, a file of torch.save, or an index (`*.index.json`) of several
/// such files, which lie next to it. The content decides; the name only if the content is none of
/// these: the reader of safetensors says what is wrong with a `*.safetensors`.
/// @throws FileError when the file is missing, of another format, or damaged.
inline Checkpoint open_checkpoint(const std::string& path) {
  const auto bytes = std::make_shared<StoredBytes>(MappedFile(path));
  const detail::CheckpointFormat format = detail::detect_format(bytes->bytes());
  if (format != detail::CheckpointFormat::index) return detail::open_single(path, bytes, format);
  return detail::read_sharded(path, [](const std::string& shard) {
    const auto part = std::make_shared<StoredBytes>(MappedFile(shard));
    return detail::open_single(shard, part, detail::detect_format(part->bytes()));
  });
}

}  // namespace coca
