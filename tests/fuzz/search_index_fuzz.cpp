// libFuzzer target: any text as the list of pictures in a search index, as their names in one of
// version 2, or as a whole file. Either it is read, and can be searched, or a coca::Error says why
// not.

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

/// A file of version 2 with these names.
std::vector<std::byte> index_file_of_names(const std::string& names) {
  constexpr std::size_t states = 2 * 2 * sizeof(std::int64_t), end = numbers + states;
  const nlohmann::json header{
      {"__metadata__", {{"coca_search_index", R"({"model":"model","version":2})"}}},
      {"embeddings",
       {{"dtype", "F32"}, {"shape", {pictures, width}}, {"data_offsets", {0, numbers}}}},
      {"states", {{"dtype", "I64"}, {"shape", {2, 2}}, {"data_offsets", {numbers, end}}}},
      {"names",
       {{"dtype", "U8"}, {"shape", {names.size()}}, {"data_offsets", {end, end + names.size()}}}}};
  const std::string text = header.dump();
  const std::uint64_t length = text.size();
  std::vector<std::byte> bytes(sizeof(length) + text.size() + end + names.size());
  std::memcpy(bytes.data(), &length, sizeof(length));
  std::memcpy(bytes.data() + sizeof(length), text.data(), text.size());
  std::memcpy(bytes.data() + sizeof(length) + text.size() + end, names.data(), names.size());
  return bytes;
}

void read_and_search(std::vector<std::byte> bytes) {
  try {
    const auto stored = std::make_shared<coca::StoredBytes>(std::move(bytes));
    const auto index = coca::SearchIndex::parse(coca::detail::parse_safetensors("fuzz", stored),
                                                "fuzz", "model", width);
    index.search(std::array<float, width>{1, 0, 0}, pictures);
  } catch (const coca::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  read_and_search(index_file(text));
  read_and_search(index_file_of_names(text));
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  read_and_search({bytes, bytes + size});
  return 0;
}
