// libFuzzer target: any text as the list of pictures in a search index. Either it is read, and can
// be searched, or a coca::Error says why not.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coca/pipelines/search_index.hpp"

namespace {

constexpr std::size_t pictures = 2, width = 3, numbers = pictures * width * sizeof(float);

/// A safetensors file with embeddings of two pictures and this list.
std::vector<std::byte> index_file(const std::string& list) {
  const nlohmann::json header{
      {"__metadata__", {{"coca_search_index", list}}},
      {"embeddings",
       {{"dtype", "F32"}, {"shape", {pictures, width}}, {"data_offsets", {0, numbers}}}}};
  const std::string text = header.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  const std::uint64_t length = text.size();
  std::vector<std::byte> bytes(sizeof(length) + text.size() + numbers);
  std::memcpy(bytes.data(), &length, sizeof(length));
  std::memcpy(bytes.data() + sizeof(length), text.data(), text.size());
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string list(reinterpret_cast<const char*>(data), size);
  try {
    const auto stored = std::make_shared<coca::StoredBytes>(index_file(list));
    const auto index = coca::SearchIndex::parse(coca::detail::parse_safetensors("fuzz", stored),
                                                "fuzz", "model", width);
    index.search(std::array<float, width>{1, 0, 0}, pictures);
  } catch (const coca::Error&) {
  }
  return 0;
}
