// libFuzzer target: any text as a preprocess_cfg. Either it is understood, or a coca::Error says
// why not.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coca/image/preprocess_config_json.hpp"
#include "coca/io/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    coca::parse_preprocess_config(coca::parse_json(text, "fuzz"));
  } catch (const coca::Error&) {
  }
  return 0;
}
