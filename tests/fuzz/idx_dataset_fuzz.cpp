// libFuzzer target: any bytes as an IDX file. Either they are read, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/data/idx_dataset.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const std::size_t rank : {1, 3}) {
    try {
      const coca::detail::IdxFile file("fuzz", rank,
                                       std::string(reinterpret_cast<const char*>(data), size));
      std::size_t values = 1;
      for (const std::size_t extent : file.extents) values *= extent;
      if (file.first + values != size) __builtin_trap();
    } catch (const coca::Error&) {  // the only way to refuse
    }
  }
  return 0;
}
