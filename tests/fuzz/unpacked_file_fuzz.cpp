// libFuzzer target: any bytes as a compressed file. Either they are unpacked, or a coca::Error says
// why not.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/data/unpacked_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  if (coca::compression_of(bytes) == coca::Compression::none) return 0;
  try {
    coca::detail::Unpacker unpacker(bytes, "fuzz");
    std::array<char, 4096> block{};
    std::size_t unpacked = 0;
    while (const std::size_t count = unpacker.read(block)) {
      if (count > block.size()) __builtin_trap();
      unpacked += count;
      if (unpacked > std::size_t{1} << 20) break;  // its reader has a limit too
    }
  } catch (const coca::Error&) {  // the only way to refuse
  }
  return 0;
}
