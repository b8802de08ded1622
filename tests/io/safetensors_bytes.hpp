#pragma once
// Builds safetensors files by hand, right or wrong.

#include <cstdint>
#include <string>

namespace coca_test {

inline std::string safetensors_bytes(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header + data;
}

}  // namespace coca_test
