#pragma once
/// @file
/// The tokenizer of a model whose vocabulary is nowhere to be found. Such a model still reads
/// pictures.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/text/tokenizer.hpp"

namespace coca {

/// A Tokenizer that throws ArgumentError when a text is to be read or written.
class MissingTokenizer {
 public:
  /// @param name       of the tokenizer that the model needs
  /// @param vocab_size of the model
  MissingTokenizer(std::string name, std::int32_t vocab_size)
      : name_(std::move(name)), vocab_size_(vocab_size) {}

  std::vector<std::int32_t> encode(std::string_view) const { throw missing(); }
  std::string decode(std::span<const std::int32_t>) const { throw missing(); }
  std::int32_t start_id() const { throw missing(); }
  std::int32_t end_id() const { return 0; }
  std::int32_t pad_id() const { return 0; }
  std::int32_t vocab_size() const { return vocab_size_; }

 private:
  ArgumentError missing() const {
    return ArgumentError("the model reads texts with the tokenizer " + name_ +
                         ", which is not part of it; --tokenizer FILE gives it");
  }

  std::string name_;
  std::int32_t vocab_size_;
};

static_assert(Tokenizer<MissingTokenizer>);

}  // namespace coca
