// libFuzzer target: any bytes as a safetensors file, and as an index of one. Either they are read,
// every tensor included, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "coca/io/safetensors.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  try {
    const auto stored = std::make_shared<coca::StoredBytes>(std::move(bytes));
    const coca::Checkpoint checkpoint = coca::detail::parse_safetensors("fuzz", stored);
    for (const std::string& name : checkpoint.names()) checkpoint.read_floats(name);
  } catch (const coca::Error&) {
  }
  try {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    coca::detail::parse_weight_map("fuzz", coca::parse_json(text, "fuzz"));
  } catch (const coca::Error&) {
  }
  return 0;
}
