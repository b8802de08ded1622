#pragma once
/// @file
/// Texts that end with token 0 (OpenCLIP's `strip_sep_token`, of the models of CLIPA).

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/text/tokenizer.hpp"

namespace coca {

/// Another tokenizer, but with token 0 in place of its end token.
class ZeroEndTokenizer {
 public:
  explicit ZeroEndTokenizer(AnyTokenizer tokenizer) : tokenizer_(std::move(tokenizer)) {}

  std::vector<std::int32_t> encode(std::string_view text) const { return tokenizer_.encode(text); }
  std::string decode(std::span<const std::int32_t> ids) const { return tokenizer_.decode(ids); }
  std::int32_t start_id() const { return tokenizer_.start_id(); }
  std::int32_t end_id() const { return 0; }
  std::int32_t pad_id() const { return tokenizer_.pad_id(); }
  std::int32_t vocab_size() const { return tokenizer_.vocab_size(); }

 private:
  AnyTokenizer tokenizer_;
};

static_assert(Tokenizer<ZeroEndTokenizer>);

}  // namespace coca
