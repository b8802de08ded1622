// libFuzzer target: any text as the vocab.json of CLIP's merges. Either it has their ids, or a
// coca::Error says where not.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "coca/text/hugging_face_tokenizer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const coca::BpeVocabulary vocabulary =
      coca::parse_bpe_vocabulary("#version: 0.2\na b</w>\n", "merges");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    coca::detail::check_vocabulary_json(vocabulary, text, "fuzz");
  } catch (const coca::Error&) {
  }
  return 0;
}
