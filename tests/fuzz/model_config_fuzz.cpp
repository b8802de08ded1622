// libFuzzer target: any text as a model configuration. Either it is understood, or a coca::Error
// says why not.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coca/io/model_config.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    coca::parse_model_description(coca::parse_json(text, "fuzz"), "fuzz");
  } catch (const coca::Error&) {
  }
  return 0;
}
