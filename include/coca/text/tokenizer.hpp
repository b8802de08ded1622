#pragma once
/// @file
/// What a tokenizer is, a type that holds any of them, and the rows of token ids that models read.

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// Text to token ids and back. `encode` adds no start, end or padding token. All of it is const and
/// may be called by several threads at once.
template <typename T>
concept Tokenizer = requires(const T& tokenizer, std::string_view text,
                             std::span<const std::int32_t> ids) {
  { tokenizer.encode(text) } -> std::same_as<std::vector<std::int32_t>>;
  { tokenizer.decode(ids) } -> std::same_as<std::string>;
  { tokenizer.start_id() } -> std::same_as<std::int32_t>;
  { tokenizer.end_id() } -> std::same_as<std::int32_t>;
  { tokenizer.pad_id() } -> std::same_as<std::int32_t>;
  { tokenizer.vocab_size() } -> std::same_as<std::int32_t>;
};

/// Any tokenizer, for code that learns which one at run time. Copies share the tokenizer, which is
/// never changed, so copying is cheap and threads may share it.
class AnyTokenizer {
 public:
  /// Takes over (a copy of) a tokenizer.
  template <typename T>
  requires(!std::same_as<std::remove_cvref_t<T>, AnyTokenizer> && Tokenizer<std::remove_cvref_t<T>>)
      AnyTokenizer(T&& tokenizer)
      : tokenizer_(
            std::make_shared<const Holder<std::remove_cvref_t<T>>>(std::forward<T>(tokenizer))) {}

  /// The ids of `text`, without start and end tokens.
  std::vector<std::int32_t> encode(std::string_view text) const { return tokenizer_->encode(text); }

  /// The text of `ids`, including special tokens if the tokenizer renders them.
  std::string decode(std::span<const std::int32_t> ids) const { return tokenizer_->decode(ids); }

  std::int32_t start_id() const { return tokenizer_->start_id(); }
  std::int32_t end_id() const { return tokenizer_->end_id(); }
  std::int32_t pad_id() const { return tokenizer_->pad_id(); }
  std::int32_t vocab_size() const { return tokenizer_->vocab_size(); }

 private:
  struct Interface {
    virtual ~Interface() = default;
    virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
    virtual std::string decode(std::span<const std::int32_t> ids) const = 0;
    virtual std::int32_t start_id() const = 0;
    virtual std::int32_t end_id() const = 0;
    virtual std::int32_t pad_id() const = 0;
    virtual std::int32_t vocab_size() const = 0;
  };

  template <typename T>
  struct Holder final : Interface {
    template <typename U>
    explicit Holder(U&& source) : tokenizer(std::forward<U>(source)) {}
    std::vector<std::int32_t> encode(std::string_view text) const override {
      return tokenizer.encode(text);
    }
    std::string decode(std::span<const std::int32_t> ids) const override {
      return tokenizer.decode(ids);
    }
    std::int32_t start_id() const override { return tokenizer.start_id(); }
    std::int32_t end_id() const override { return tokenizer.end_id(); }
    std::int32_t pad_id() const override { return tokenizer.pad_id(); }
    std::int32_t vocab_size() const override { return tokenizer.vocab_size(); }
    T tokenizer;
  };

  std::shared_ptr<const Interface> tokenizer_;
};

static_assert(Tokenizer<AnyTokenizer>);

/// Texts as the input of a model. `ids` is [texts, context_length], row after row.
struct TokenRows {
  std::vector<std::int32_t> ids;
  std::size_t texts = 0;
  std::size_t context_length = 0;

  /// The row of one text, [context_length].
  std::span<const std::int32_t> row(std::size_t text) const {
    if (text >= texts)
      throw ArgumentError("row " + std::to_string(text) + " of " + std::to_string(texts) +
                          " tokenized texts was requested");
    return std::span(ids).subspan(text * context_length, context_length);
  }
};

/// Start token, ids of the text, end token, padding: like OpenCLIP's `tokenize`. A text that is too
/// long is cut to the context, with the end token as its last.
/// @param texts          anything convertible to std::string_view
/// @param context_length tokens in a row, at least 1
/// @throws ArgumentError when the context has no room for a token, or the rows cannot be addressed
template <Tokenizer T, typename Text>
requires std::convertible_to<const Text&, std::string_view> TokenRows
tokenize(const T& tokenizer, std::span<const Text> texts, std::size_t context_length) {
  if (context_length == 0)
    throw ArgumentError("the context length is 0, but a row of tokens has at least one");
  constexpr std::size_t limit = std::numeric_limits<std::ptrdiff_t>::max() / sizeof(std::int32_t);
  if (!texts.empty() && context_length > limit / texts.size())
    throw ArgumentError("the context length is " + std::to_string(context_length) +
                        ", which is too long for " + counted(texts.size(), "text"));
  TokenRows rows{std::vector<std::int32_t>(texts.size() * context_length, tokenizer.pad_id()),
                 texts.size(), context_length};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::vector<std::int32_t> ids = tokenizer.encode(std::string_view(texts[i]));
    const auto row = std::span(rows.ids).subspan(i * context_length, context_length);
    row[0] = tokenizer.start_id();
    const std::size_t copied = std::min(ids.size(), context_length - 1);
    std::copy_n(ids.begin(), copied, row.begin() + 1);
    row[std::min(copied + 1, context_length - 1)] = tokenizer.end_id();
  }
  return rows;
}

/// The same for a vector of texts.
template <Tokenizer T, typename Text>
requires std::convertible_to<const Text&, std::string_view> TokenRows
tokenize(const T& tokenizer, const std::vector<Text>& texts, std::size_t context_length) {
  return tokenize(tokenizer, std::span<const Text>(texts), context_length);
}

/// The same for one text: a single row.
template <Tokenizer T>
TokenRows tokenize(const T& tokenizer, std::string_view text, std::size_t context_length) {
  return tokenize(tokenizer, std::span<const std::string_view>(&text, 1), context_length);
}

/// The readable text of generated ids: everything before the first end token, without
/// start tokens and outer spaces. CLIP pads with id 0, which is also the word "!": before the end
/// token it is that word, after it padding.
template <Tokenizer T>
std::string decode_caption(const T& tokenizer, std::span<const std::int32_t> ids) {
  const auto end = std::find(ids.begin(), ids.end(), tokenizer.end_id());
  std::vector<std::int32_t> words(ids.begin(), end);
  std::erase(words, tokenizer.start_id());
  const std::string text = tokenizer.decode(words);
  constexpr const char* spaces = " \t\n\v\f\r";
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == std::string::npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

}  // namespace coca
