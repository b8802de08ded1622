// libFuzzer target: whatever bytes a vocabulary file holds, it is refused with a FileError or gives
// a tokenizer whose ids are in range and survive decoding.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "coca/core/error.hpp"
#include "coca/text/clip_tokenizer.hpp"

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

void check_tokenizer(const coca::ClipTokenizer& tokenizer, std::string_view text) {
  const auto ids = tokenizer.encode(text);
  for (const auto id : ids) check(id >= 0 && id < tokenizer.vocab_size());
  check(coca::is_valid_utf8(tokenizer.decode(ids)));
  coca::tokenize(tokenizer, text, 8);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static const coca::ClipTokenizer clip;
  check_tokenizer(clip, bytes);
  try {
    const coca::MergeLines lines{.limit = 4096, .final_line_is_token = size % 2 == 0};
    auto vocabulary = coca::parse_bpe_vocabulary(bytes, "fuzz input", lines);
    check_tokenizer(
        coca::ClipTokenizer(std::make_shared<const coca::BpeVocabulary>(std::move(vocabulary))),
        bytes);
  } catch (const coca::FileError& error) {
    check(error.path() == "fuzz input");
  }
  return 0;
}
