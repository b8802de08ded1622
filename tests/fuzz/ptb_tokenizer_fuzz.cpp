// libFuzzer target: any bytes as a caption. It has words, none of them empty.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "coca/text/ptb_tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static coca::PtbTokenizer tokenizer;
  for (const std::string& word : tokenizer({reinterpret_cast<const char*>(data), size}))
    if (word.empty()) __builtin_trap();
  return 0;
}
