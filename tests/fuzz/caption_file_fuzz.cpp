// libFuzzer target: any bytes as a caption file: a table, JSON rows, COCO's or Karpathy's. Either
// they are read, except for rows that are reported by a coca::Error, or one says why not.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "coca/data/caption_file.hpp"

namespace {

/// Whether a record can be read; it then has a name.
bool is_readable(const coca::CaptionFile& file, std::size_t index) {
  try {
    if (file.record(index).name.empty()) __builtin_trap();
  } catch (const coca::FileError&) {  // a bad row
    return false;
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* name : {"fuzz.csv", "fuzz.jsonl"}) {
    try {
      const coca::CaptionFile file(text, name, {});
      std::size_t readable = 0;
      for (std::size_t i = 0; i < file.size(); ++i) readable += is_readable(file, i) ? 1 : 0;
      if (readable == 0) __builtin_trap();
    } catch (const coca::Error&) {  // the only way to refuse
    }
  }
  return 0;
}
