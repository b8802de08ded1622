#pragma once
/// @file
/// CLIP's tokenizer, which CoCa shares: byte-pair encoding of cleaned, lower-cased text, id for id
/// what OpenCLIP's SimpleTokenizer gives.
///
/// ```cpp
/// const coca::ClipTokenizer tokenizer;                     // the vocabulary is compiled in
/// tokenizer.encode("a photo of a cat");                    // 320 1125 539 320 2368
/// coca::tokenize(tokenizer, "a photo of a cat", 77).ids;   // 49406 320 ... 2368 49407 0 0 ...
/// ```

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/text/bpe_vocabulary.hpp"
#include "coca/text/byte_pair_merger.hpp"
#include "coca/text/gzip_text.hpp"
#include "coca/text/text_cleaning.hpp"
#include "coca/text/tokenizer.hpp"
#include "coca/text/unicode.hpp"

namespace coca {

namespace detail {

inline constexpr std::u32string_view start_of_text = U"<start_of_text>";
inline constexpr std::u32string_view end_of_text = U"<end_of_text>";

/// Whether `text` begins with `prefix` (lower case) when case is ignored. The text is lower-cased
/// already; what is left is the long s, which counts as an s.
constexpr bool starts_with_ignoring_case(std::u32string_view text, std::u32string_view prefix) {
  constexpr char32_t long_s = 0x17F;
  if (text.size() < prefix.size()) return false;
  for (std::size_t i = 0; i < prefix.size(); ++i)
    if (text[i] != prefix[i] && !(prefix[i] == 's' && text[i] == long_s)) return false;
  return true;
}

/// The length of the special token or English contraction at the start of `text`, or 0.
constexpr std::size_t fixed_word_length(std::u32string_view text) {
  constexpr std::u32string_view words[] = {start_of_text, end_of_text, U"'s",  U"'t", U"'re",
                                           U"'ve",        U"'m",       U"'ll", U"'d"};
  if (text[0] != '<' && text[0] != '\'') return 0;
  for (const std::u32string_view word : words)
    if (starts_with_ignoring_case(text, word)) return word.size();
  return 0;
}

/// The class of a character in CLIP's pattern. Because that ignores case, and the other case of
/// U+0345 is a letter, Python's `regex` finds this mark in none of its parts: it separates words.
inline CharacterClass clip_class(char32_t c) {
  constexpr char32_t combining_ypogegrammeni = 0x345;
  return c == combining_ypogegrammeni ? CharacterClass::space : character_class(c);
}

/// The length of the word at the start of `text`, which is not a space: CLIP's pattern
/// `<start_of_text>|<end_of_text>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\s\\p{L}\\p{N}]+`.
inline std::size_t word_length(std::u32string_view text) {
  if (const std::size_t fixed = fixed_word_length(text)) return fixed;
  const CharacterClass kind = clip_class(text[0]);
  if (kind == CharacterClass::number) return 1;
  std::size_t length = 1;
  while (length < text.size() && clip_class(text[length]) == kind) ++length;
  return length;
}

}  // namespace detail

/// OpenCLIP's SimpleTokenizer. Copies share the vocabulary; all members may be called by several
/// threads at once.
class ClipTokenizer {
 public:
  /// OpenAI's vocabulary of 49408 tokens.
  ClipTokenizer() : ClipTokenizer(clip_bpe_vocabulary()) {}

  /// Another vocabulary of the same kind.
  explicit ClipTokenizer(std::shared_ptr<const BpeVocabulary> vocabulary)
      : vocabulary_(std::move(vocabulary)) {
    if (!vocabulary_) throw ArgumentError("a ClipTokenizer needs a vocabulary, got null");
  }

  /// The ids of a text, without start and end tokens. `<start_of_text>` and `<end_of_text>` in the
  /// text become the special tokens; bytes that are not UTF-8 count as U+FFFD.
  /// @throws UnavailableError beyond ASCII without utf8proc
  std::vector<std::int32_t> encode(std::string_view text) const {
    const std::u32string cleaned = detail::clean_code_points(text);
    std::vector<std::int32_t> ids;
    BytePairMerger merger(*vocabulary_);
    std::u32string_view rest = cleaned;
    while (!rest.empty()) {
      const bool gap = detail::clip_class(rest[0]) == CharacterClass::space;
      const std::size_t length = gap ? 1 : detail::word_length(rest);
      if (!gap) append_word(rest.substr(0, length), merger, ids);
      rest.remove_prefix(length);
    }
    return ids;
  }

  /// The tokens' text one after another, a space at the end of each word, special tokens by their
  /// names; bytes that are not UTF-8 become U+FFFD. @throws ArgumentError for ids that do not exist
  std::string decode(std::span<const std::int32_t> ids) const {
    std::string bytes;
    for (const std::int32_t id : ids) bytes += vocabulary_->token(id);
    std::string text;
    std::size_t at = 0;
    for (std::size_t end; (end = bytes.find(detail::end_of_word, at)) != std::string::npos;) {
      append_decoded(text, std::string_view(bytes).substr(at, end - at));
      text.push_back(' ');
      at = end + detail::end_of_word.size();
    }
    append_decoded(text, std::string_view(bytes).substr(at));
    return text;
  }

  /// `<start_of_text>`, the last id but one.
  std::int32_t start_id() const { return vocabulary_->start_id(); }

  /// `<end_of_text>`, the last id.
  std::int32_t end_id() const { return vocabulary_->end_id(); }

  /// The padding id: 0, which is also the word part "!".
  std::int32_t pad_id() const { return 0; }

  /// The number of ids.
  std::int32_t vocab_size() const { return vocabulary_->size(); }

  /// The vocabulary.
  const BpeVocabulary& vocabulary() const { return *vocabulary_; }

 private:
  void append_word(std::u32string_view word, BytePairMerger& merger,
                   std::vector<std::int32_t>& ids) const {
    if (word == detail::start_of_text)
      ids.push_back(start_id());
    else if (word == detail::end_of_text)
      ids.push_back(end_id());
    else
      merger.append_tokens(encode_utf8(word), ids);
  }

  static void append_decoded(std::string& text, std::string_view bytes) {
    text += is_valid_utf8(bytes) ? std::string(bytes) : encode_utf8(decode_utf8(bytes));
  }

  std::shared_ptr<const BpeVocabulary> vocabulary_;
};

static_assert(Tokenizer<ClipTokenizer>);

namespace detail {

/// Whether the first line of a text says that merges follow, as in files of CLIP and of Hugging
/// Face.
constexpr bool announces_merges(std::string_view text) {
  return text.substr(0, text.find('\n')).find("#version") != std::string_view::npos;
}

/// The vocabulary in a text that may be something else: a text whose first line does not mention
/// merges, and whose second is none, is reported as not a vocabulary.
inline BpeVocabulary parse_supposed_vocabulary(std::string_view text, const std::string& path,
                                               MergeLines lines) {
  constexpr const char* kind =
      "is not a vocabulary in CLIP's format, which has a merge of two tokens in each line after "
      "the first";
  if (text.empty() || announces_merges(text)) return parse_bpe_vocabulary(text, path, lines);
  if (std::min(text.find('\n'), text.size() - 1) + 1 == text.size()) throw FileError(path, kind);
  try {
    parse_bpe_vocabulary(text, path, {.limit = 1});
  } catch (const FileError& error) {
    throw FileError(path, kind + std::string(error.what()).substr(path.size()));
  }
  return parse_bpe_vocabulary(text, path, lines);
}

}  // namespace detail

/// A tokenizer from a file in the format of CLIP's `bpe_simple_vocab_16e6.txt`, plain or gzip: a
/// header line, then one merge per line. As in OpenCLIP, of a longer file only the first 48894
/// merges are used.
/// @throws FileError        with the line's number when the file is missing, damaged, hostile, or
///                          some other text
/// @throws UnavailableError for gzip without zlib
inline ClipTokenizer read_clip_tokenizer(const std::string& path,
                                         MergeLines lines = {.limit = 48894}) {
  const std::string text = read_text_or_gzip(path, max_vocabulary_bytes);
  return ClipTokenizer(
      std::make_shared<const BpeVocabulary>(detail::parse_supposed_vocabulary(text, path, lines)));
}

}  // namespace coca
