// libFuzzer target: any bytes as a .npy file. Either they are read, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/io/npy.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    coca::detail::parse_npy("fuzz", std::as_bytes(std::span(data, size)));
  } catch (const coca::Error&) {
  }
  return 0;
}
