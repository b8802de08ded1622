// libFuzzer target: any text as a tokenizer.json, or any bytes as its table of characters. Either
// it is read, and encodes and decodes, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "coca/text/read_json_tokenizer.hpp"

namespace {

constexpr std::string_view text = "a Cat\xc3\xa9 <s>\xe2\x96\x81\n12 \xff";

void encode_and_decode(std::string_view json) {
  try {
    const coca::JsonTokenizer tokenizer = coca::parse_json_tokenizer(json, "fuzz");
    std::vector<std::int32_t> ids = tokenizer.encode(text);
    ids.push_back(tokenizer.vocab_size() - 1);
    tokenizer.decode(ids);
  } catch (const coca::Error&) {
  }
}

void look_up(std::string_view table) {
  try {
    const coca::NormalizationMap map(table, "fuzz");
    for (std::size_t i = 0; i < text.size(); ++i) map.find(text.substr(i));
  } catch (const coca::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  encode_and_decode(bytes);
  look_up(bytes);
  return 0;
}
