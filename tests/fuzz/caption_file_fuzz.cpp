// libFuzzer target: any bytes as a table and as JSON lines. Either they are read, or a coca::Error
// says why not.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "coca/data/caption_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"fuzz.csv", "fuzz.jsonl"}) {
    try {
      const coca::CaptionFile file(text, name, {});
      for (std::size_t i = 0; i < file.size(); ++i) {
        if (file.record(i).name.empty()) __builtin_trap();
      }
    } catch (const coca::Error&) {  // the only way to refuse
    }
  }
  return 0;
}
