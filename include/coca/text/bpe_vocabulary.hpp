#pragma once
/// @file
/// The vocabulary of CLIP's byte-pair encoding: 256 bytes, the same 256 at the end of a word, one
/// token for each merge, the start token, the end token. Read from lines of merges.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/core/utf8.hpp"
#include "coca/text/clip_vocabulary.hpp"

namespace coca {

namespace detail {

/// Ends the last token of a word.
inline constexpr std::string_view end_of_word = "</w>";

/// CLIP's order of the bytes, which are the first tokens: printable ones first.
struct ByteOrder {
  std::array<unsigned char, 256> byte_of_rank{};
  std::array<int, 256> rank_of_byte{};
  int printable = 0;
};

constexpr ByteOrder make_byte_order() {
  const auto is_printable = [](int b) {
    return (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
  };
  ByteOrder order;
  int rank = 0;
  const auto take = [&](int b) {
    order.byte_of_rank[static_cast<std::size_t>(rank)] = static_cast<unsigned char>(b);
    order.rank_of_byte[static_cast<std::size_t>(b)] = rank++;
  };
  for (int b = 0; b < 256; ++b)
    if (is_printable(b)) take(b);
  order.printable = rank;
  for (int b = 0; b < 256; ++b)
    if (!is_printable(b)) take(b);
  return order;
}

inline constexpr ByteOrder byte_order = make_byte_order();

/// The byte that a character of a vocabulary file represents: printable bytes represent themselves,
/// the others are written as U+0100 and up.
constexpr std::optional<unsigned char> byte_of_symbol(char32_t c) {
  const auto hidden = static_cast<char32_t>(256 - byte_order.printable);
  if (c >= 256 && c < 256 + hidden)
    return byte_order.byte_of_rank[static_cast<std::size_t>(byte_order.printable) + c - 256];
  if (c < 256 && byte_order.rank_of_byte[c] < byte_order.printable)
    return static_cast<unsigned char>(c);
  return std::nullopt;
}

/// The notation of a byte in a vocabulary file.
constexpr char32_t symbol_of_byte(unsigned char byte) {
  const int rank = byte_order.rank_of_byte[byte];
  return rank < byte_order.printable ? byte
                                     : static_cast<char32_t>(256 + rank - byte_order.printable);
}

}  // namespace detail

/// Tokens, their ids, and which pairs merge. Made by a BpeVocabularyBuilder, constant afterwards.
class BpeVocabulary {
 public:
  /// Distinct strings are numbered as symbols; merging works on these. Two merges may make the same
  /// string: then there are two ids for one symbol, and the later is its id, as in OpenCLIP.
  using Symbol = std::int32_t;

  struct Merge {
    std::int32_t rank;  ///< lower ranks merge first
    Symbol merged;
  };

  /// The number of ids.
  std::int32_t size() const { return static_cast<std::int32_t>(tokens_.size()); }

  /// The id of `<start_of_text>`: the last but one.
  std::int32_t start_id() const { return size() - 2; }

  /// The id of `<end_of_text>`: the last.
  std::int32_t end_id() const { return size() - 1; }

  /// The bytes of a token; "</w>" at its end closes a word. @throws ArgumentError for foreign ids
  const std::string& token(std::int32_t id) const {
    if (id < 0 || id >= size())
      throw ArgumentError("token id " + std::to_string(id) + " is not in the vocabulary of " +
                          counted(size(), "token"));
    return tokens_[static_cast<std::size_t>(id)];
  }

  /// The symbol of one byte, inside a word or at its end.
  Symbol byte_symbol(unsigned char byte, bool ends_word) const {
    return detail::byte_order.rank_of_byte[byte] + (ends_word ? 256 : 0);
  }

  /// What a pair becomes, or null if it does not merge.
  const Merge* find_merge(Symbol left, Symbol right) const {
    const auto found = merges_.find(pair_key(left, right));
    return found == merges_.end() ? nullptr : &found->second;
  }

  /// The id of a symbol.
  std::int32_t id(Symbol symbol) const { return ids_[static_cast<std::size_t>(symbol)]; }

 private:
  friend class BpeVocabularyBuilder;

  /// Symbols are small and dense; the standard hash of an integer would be the integer.
  struct PairHash {
    std::size_t operator()(std::uint64_t key) const {
      key *= 0x9E3779B97F4A7C15u;  // 2^64 divided by the golden ratio
      return static_cast<std::size_t>(key ^ key >> 32);
    }
  };

  static std::uint64_t pair_key(Symbol left, Symbol right) {
    return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
           static_cast<std::uint32_t>(right);
  }

  std::vector<std::string> tokens_;  // by id
  std::vector<std::int32_t> ids_;    // by symbol
  std::unordered_map<std::uint64_t, Merge, PairHash> merges_;
};

/// Builds a vocabulary merge by merge.
class BpeVocabularyBuilder {
 public:
  /// @param name   the source's name in error messages, usually its path
  /// @param merges expected number of merges; only saves time
  explicit BpeVocabularyBuilder(std::string name, std::size_t merges = 0) : name_(std::move(name)) {
    vocabulary_.tokens_.reserve(512 + merges + 2);
    symbols_.reserve(512 + merges);
    vocabulary_.merges_.reserve(merges);
    for (const std::string_view suffix : {std::string_view(), detail::end_of_word})
      for (const unsigned char byte : detail::byte_order.byte_of_rank)
        add_token(std::string(1, static_cast<char>(byte)).append(suffix));
  }

  /// Adds the merge of one line, "left right".
  /// @throws FileError with the line's number when it is not two tokens that are already known, or
  ///         repeats a merge
  void add_merge(std::string_view line, std::size_t line_number) {
    const auto [left_text, right_text] = split(line, line_number);
    const std::string left = bytes_of(left_text, line_number);
    const std::string right = bytes_of(right_text, line_number);
    const std::uint64_t key = BpeVocabulary::pair_key(symbol_of(left, left_text, line_number),
                                                      symbol_of(right, right_text, line_number));
    const auto rank = static_cast<std::int32_t>(vocabulary_.merges_.size());
    const auto [place, is_new] = vocabulary_.merges_.try_emplace(key);
    if (!is_new) fail(line_number, "the merge \"" + shortened(line) + "\" is repeated");
    place->second = {rank, add_token(left + right)};
  }

  /// Adds an id that no text is encoded as and that decodes to nothing.
  void add_unused_token() { vocabulary_.tokens_.emplace_back(); }

  /// Adds the start and the end token, and hands the vocabulary over.
  BpeVocabulary finish() && {
    vocabulary_.tokens_.emplace_back("<start_of_text>");
    vocabulary_.tokens_.emplace_back("<end_of_text>");
    return std::move(vocabulary_);
  }

 private:
  [[noreturn]] void fail(std::size_t line_number, const std::string& problem) const {
    throw FileError(name_, "line " + std::to_string(line_number) + ": " + problem);
  }

  /// The start of a line, short enough for a message.
  static std::string shortened(std::string_view line) {
    constexpr std::size_t limit = 40;
    if (line.size() <= limit) return std::string(line);
    while (!line.empty() && (line.size() > limit || !is_valid_utf8(line))) line.remove_suffix(1);
    return std::string(line) + "...";
  }

  std::pair<std::string_view, std::string_view> split(std::string_view line,
                                                      std::size_t line_number) const {
    constexpr std::string_view spaces = " \t\r\v\f";
    std::vector<std::string_view> parts;
    for (std::size_t at = line.find_first_not_of(spaces); at < line.size();) {
      const std::size_t end = std::min(line.find_first_of(spaces, at), line.size());
      parts.push_back(line.substr(at, end - at));
      at = std::min(line.find_first_not_of(spaces, end), line.size());
      if (parts.size() > 2) break;
    }
    if (parts.size() != 2)
      fail(line_number,
           "expected two tokens with a space between them, got \"" + shortened(line) + "\"");
    return {parts[0], parts[1]};
  }

  std::string bytes_of(std::string_view token, std::size_t line_number) const {
    if (!is_valid_utf8(token)) fail(line_number, "the text is not valid UTF-8");
    std::string bytes;
    for (const char32_t symbol : decode_utf8(token)) {
      const auto byte = detail::byte_of_symbol(symbol);
      if (!byte)
        fail(line_number, "\"" + shortened(token) +
                              "\" has a character that represents no byte in CLIP's files");
      bytes.push_back(static_cast<char>(*byte));
    }
    return bytes;
  }

  BpeVocabulary::Symbol symbol_of(const std::string& bytes, std::string_view written,
                                  std::size_t line_number) const {
    const auto found = symbols_.find(bytes);
    if (found == symbols_.end())
      fail(line_number,
           "\"" + shortened(written) +
               "\" is merged here, but is neither a byte nor the result of an earlier line");
    return found->second;
  }

  BpeVocabulary::Symbol add_token(std::string bytes) {
    const std::int32_t id = vocabulary_.size();
    const auto next = static_cast<BpeVocabulary::Symbol>(vocabulary_.ids_.size());
    const auto [place, is_new] = symbols_.try_emplace(bytes, next);
    if (is_new)
      vocabulary_.ids_.push_back(id);
    else
      vocabulary_.ids_[static_cast<std::size_t>(place->second)] = id;
    vocabulary_.tokens_.push_back(std::move(bytes));
    return place->second;
  }

  std::string name_;
  BpeVocabulary vocabulary_;
  std::unordered_map<std::string, BpeVocabulary::Symbol> symbols_;
};

/// Which lines of a file are merges.
struct MergeLines {
  /// Lines after this many merges are ignored.
  std::size_t limit = static_cast<std::size_t>(-1);
  /// OpenCLIP gives an id to the empty string after the last line feed when a file has fewer
  /// merges than CLIP's. Nothing is ever encoded as it, but the start and end tokens move up by
  /// one. Set this for a model that OpenCLIP trained with such a file.
  bool final_line_is_token = false;
};

/// The vocabulary of a text whose first line is a header and whose further lines are merges.
/// @param text the content, UTF-8
/// @param name what errors call it, usually its path
/// @throws FileError with the number of the line that is wrong
inline BpeVocabulary parse_bpe_vocabulary(std::string_view text, const std::string& name,
                                          MergeLines lines = {}) {
  if (text.empty())
    throw FileError(name, "the file is empty, expected a header line and lines of merges");
  if (const std::size_t at = find_invalid_utf8(text); at != std::string_view::npos) {
    const auto line =
        1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    throw FileError(name, "line " + std::to_string(line) + ": the text is not valid UTF-8");
  }
  const auto count = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  BpeVocabularyBuilder builder(name, std::min(count, lines.limit));
  std::size_t line_number = 1, merges = 0;
  std::size_t at = std::min(text.find('\n'), text.size() - 1) + 1;
  for (; at < text.size() && merges < lines.limit; ++merges) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    builder.add_merge(text.substr(at, end - at), ++line_number);
    at = end + 1;
  }
  if (lines.final_line_is_token && text.back() == '\n' && merges < lines.limit)
    builder.add_unused_token();
  return std::move(builder).finish();
}

/// CLIP's vocabulary of 49408 tokens, created once and shared.
inline std::shared_ptr<const BpeVocabulary> clip_bpe_vocabulary() {
  static const std::shared_ptr<const BpeVocabulary> shared = [] {
    BpeVocabularyBuilder builder("CLIP's vocabulary", 48894);
    std::size_t line_number = 1;
    for (std::string_view chunk : detail::clip_merges)
      for (; !chunk.empty(); chunk.remove_prefix(chunk.find('\n') + 1))
        builder.add_merge(chunk.substr(0, chunk.find('\n')), ++line_number);
    return std::make_shared<const BpeVocabulary>(std::move(builder).finish());
  }();
  return shared;
}

}  // namespace coca
