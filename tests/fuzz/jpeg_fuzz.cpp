// Whatever the bytes are, decode_jpeg() either decodes them or throws coca::Error.

#include <cstddef>
#include <cstdint>

#include "coca/core/error.hpp"
#include "coca/image/jpeg.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Small enough that time and memory are spent on structure, not on pixels.
  for (const bool truncated : {false, true}) {
    try {
      const coca::DecodeOptions options{.max_pixels = 1 << 20, .truncated = truncated};
      const coca::DecodedImage picture = coca::decode_jpeg({data, size}, "fuzzed", options);
      const std::size_t bytes = picture.width * picture.height * bytes_per_pixel(picture.mode);
      if (picture.samples.size() != bytes || coca::to_rgb(picture).empty()) __builtin_trap();
    } catch (const coca::Error&) {  // the only way to refuse
    }
  }
  return 0;
}
