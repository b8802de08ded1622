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
#include "coca/io/mapped_file.hpp"
#include "coca/io/pickle.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/torch_checkpoint.hpp"

namespace coca {

namespace detail {

enum class CheckpointFormat {
  safetensors,
  safetensors_index,
  torch,
  other_pickle,
  git_lfs_pointer,
  unknown
};

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
  if (text.starts_with("version https://git-lfs")) return CheckpointFormat::git_lfs_pointer;
  if (resembles_safetensors(text)) return CheckpointFormat::safetensors;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && text[first] == '{')
    return CheckpointFormat::safetensors_index;
  return CheckpointFormat::unknown;
}

}  // namespace detail

/// Opens a checkpoint: safetensors, a safetensors index with its shards, or a file of torch.save.
/// The content decides; the name matters only if the content is none of these: the reader of
/// safetensors reports what is wrong with a `*.safetensors`.
/// @throws FileError when the file is missing, of another format, or damaged.
inline Checkpoint open_checkpoint(const std::string& path) {
  auto bytes = std::make_shared<StoredBytes>(MappedFile(path));
  switch (detail::detect_format(bytes->bytes())) {
    case detail::CheckpointFormat::safetensors:
      return detail::parse_safetensors(path, bytes);
    case detail::CheckpointFormat::safetensors_index:
      return read_safetensors_index(path);
    case detail::CheckpointFormat::torch:
      return detail::parse_torch_checkpoint(path, bytes);
    case detail::CheckpointFormat::other_pickle:
      read_pickle(path, bytes->bytes());  // reports what it calls
      throw FileError(path, "is a pickle, but none of torch.save");
    case detail::CheckpointFormat::git_lfs_pointer:
      throw FileError(path,
                      "is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
    case detail::CheckpointFormat::unknown:
      if (path.ends_with(".safetensors")) return detail::parse_safetensors(path, bytes);
      break;
  }
  throw FileError(path,
                  "is neither a safetensors file, a safetensors index, nor a file of torch.save");
}

}  // namespace coca
