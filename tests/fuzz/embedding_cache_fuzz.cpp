// libFuzzer target: any text as the description of a cache of embeddings. Either the cache is read,
// or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coca/pipelines/embedding_cache.hpp"

namespace {

constexpr std::size_t pictures = 3, width = 2, numbers = 2 * width * sizeof(float);

/// A safetensors file with embeddings of two pictures and this description.
std::vector<std::byte> cache_file(const std::string& description) {
  const nlohmann::json header{
      {"__metadata__", {{"coca_embeddings", description}}},
      {"embeddings", {{"dtype", "F32"}, {"shape", {2, width}}, {"data_offsets", {0, numbers}}}}};
  const std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::uint64_t length = text.size();
  std::vector<std::byte> bytes(sizeof(length) + text.size() + numbers);
  std::memcpy(bytes.data(), &length, sizeof(length));
  std::memcpy(bytes.data() + sizeof(length), text.data(), text.size());
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto stored = std::make_shared<coca::StoredBytes>(
        cache_file({reinterpret_cast<const char*>(data), size}));
    const coca::PictureEmbeddings cached = coca::parse_embedding_cache(
        coca::detail::parse_safetensors("fuzz", stored), "fuzz", {{"weights", "w"}}, pictures);
    if (cached.read.size() != 2 || cached.broken.size() != 1) __builtin_trap();
  } catch (const coca::Error&) {
  }
  return 0;
}
