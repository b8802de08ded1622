#pragma once
/// @file
/// Tokenizers from `tokenizer.json`, the file of the library `tokenizers` (Hugging Face), with the
/// same ids: byte-pair encoding in CLIP's form, and SentencePiece's unigram model.
///
/// ```cpp
/// const coca::JsonTokenizer tokenizer = coca::read_json_tokenizer("tokenizer.json");
/// tokenizer.encode("a photo of a cat");
/// ```

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/text/bpe_vocabulary.hpp"
#include "coca/text/byte_pair_merger.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/gzip_text.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/text_normalizer.hpp"
#include "coca/text/tokenizer.hpp"
#include "coca/text/unigram_model.hpp"

namespace coca {

namespace detail {

/// A token that is found in texts before they are cut into words.
struct AddedToken {
  std::string text;
  std::int32_t id = 0;
  bool special = false;     ///< left out where ids become text
  bool normalized = false;  ///< found in the normalised text, not in what was given
  bool left = false;        ///< includes the white space before it
  bool right = false;       ///< and that after it
};

/// A part of a text: words, or one added token.
struct TextPart {
  std::u32string_view text;
  const AddedToken* token = nullptr;
};

/// Finds added tokens in a text: of those that begin first the longest.
class AddedTokenFinder {
 public:
  void add(std::u32string text, const AddedToken& token) {
    if (text.empty()) return;
    starts_.insert(text.front());
    lengths_.insert(text.size());
    tokens_.emplace(std::move(text), token);
  }

  /// The parts of a text, which must outlive them.
  std::vector<TextPart> split(std::u32string_view text) const {
    std::vector<TextPart> parts;
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size();) {
      const auto found = find(text.substr(at));
      if (found == tokens_.end()) {
        ++at;
        continue;
      }
      const AddedToken& token = found->second;
      std::size_t first = at, end = at + found->first.size();
      while (token.left && first > begin && is_space(text[first - 1])) --first;
      while (token.right && end < text.size() && is_space(text[end])) ++end;
      if (first > begin) parts.push_back({text.substr(begin, first - begin)});
      parts.push_back({text.substr(first, end - first), &token});
      begin = at = end;
    }
    if (begin < text.size()) parts.push_back({text.substr(begin)});
    return parts;
  }

 private:
  using Tokens = std::map<std::u32string, AddedToken, std::less<>>;

  Tokens::const_iterator find(std::u32string_view text) const {
    if (starts_.count(text.front()) == 0) return tokens_.end();
    for (auto length = lengths_.rbegin(); length != lengths_.rend(); ++length) {
      if (*length > text.size()) continue;
      const auto found = tokens_.find(text.substr(0, *length));
      if (found != tokens_.end()) return found;
    }
    return tokens_.end();
  }

  Tokens tokens_;
  std::set<char32_t> starts_;
  std::set<std::size_t> lengths_;
};

/// CLIP's byte-pair encoding with the ids of a file.
class JsonBytePairs {
 public:
  /// @param ids      of the tokens of `merges`, none where the file has none
  /// @param unknown  replaces tokens without id, if present
  JsonBytePairs(BpeVocabulary merges, std::vector<std::optional<std::int32_t>> ids,
                std::optional<std::int32_t> unknown)
      : merges_(std::move(merges)), ids_(std::move(ids)), unknown_(unknown) {
    for (std::size_t i = 0; i < ids_.size(); ++i)
      if (ids_[i]) token_of_id_.emplace(*ids_[i], static_cast<std::int32_t>(i));
  }

  /// Cuts a text into CLIP's words and these into tokens.
  void append_ids(std::u32string_view text, bool, std::vector<std::int32_t>& ids) const {
    BytePairMerger merger(merges_);
    std::vector<std::int32_t> tokens;
    for (std::size_t length; !text.empty(); text.remove_prefix(length)) {
      length = 1;
      if (is_space(text[0])) continue;
      length = word_length(text);
      tokens.clear();
      merger.append_tokens(encode_utf8(text.substr(0, length)), tokens);
      for (const std::int32_t token : tokens) {
        const auto& id = ids_[static_cast<std::size_t>(token)];
        if (id || unknown_) ids.push_back(id ? *id : *unknown_);
      }
    }
  }

  /// Appends the bytes of a token, a space at the end of a word.
  void append_text(std::int32_t id, std::string& bytes) const {
    const auto found = token_of_id_.find(id);
    if (found == token_of_id_.end()) return;
    std::string token = merges_.token(found->second);
    if (token.ends_with(end_of_word))
      token.replace(token.size() - end_of_word.size(), end_of_word.size(), " ");
    bytes += token;
  }

  std::string finished(std::string bytes) const {
    return is_valid_utf8(bytes) ? std::move(bytes) : encode_utf8(decode_utf8(bytes));
  }

 private:
  /// In CLIP's pattern, case-sensitive: the text is already in lower case.
  static std::size_t word_length(std::u32string_view text) {
    for (const std::u32string_view word : {U"'s", U"'t", U"'re", U"'ve", U"'m", U"'ll", U"'d"})
      if (text.starts_with(word)) return word.size();
    const CharacterClass kind = character_class(text[0]);
    std::size_t length = 1;
    if (kind == CharacterClass::number) return length;
    while (length < text.size() && character_class(text[length]) == kind) ++length;
    return length;
  }

  BpeVocabulary merges_;
  std::vector<std::optional<std::int32_t>> ids_;
  std::optional<std::int32_t> unknown_;
  std::map<std::int32_t, std::int32_t> token_of_id_;
};

/// Which texts get the mark of a word at their start.
enum class MarkAtStart { always, first, never };

/// How a file marks and separates words ("Metaspace").
struct WordMarks {
  char32_t mark = U'\u2581';
  MarkAtStart at_start = MarkAtStart::always;
  bool split = true;             ///< words are cut one by one
  bool split_at_spaces = false;  ///< white space separates words before they are marked
};

/// A unigram model with what marks words.
class JsonUnigram {
 public:
  JsonUnigram(UnigramModel model, WordMarks marks) : model_(std::move(model)), marks_(marks) {}

  /// @param first whether the text is the beginning of all
  void append_ids(std::u32string_view text, bool first, std::vector<std::int32_t>& ids) const {
    if (!marks_.split_at_spaces) return append_marked(text, first, ids);
    while (!text.empty()) {
      const auto space = std::find_if(text.begin(), text.end(), is_space);
      const auto length = static_cast<std::size_t>(space - text.begin());
      if (length > 0) append_marked(text.substr(0, length), first, ids);
      first = false;
      text.remove_prefix(std::min(length + 1, text.size()));
    }
  }

  /// Appends the text of a piece.
  void append_text(std::int32_t id, std::string& text) const {
    if (id < model_.size()) text += model_.text(id);
  }

  /// Marks become spaces, except the first.
  std::string finished(const std::string& marked) const {
    std::u32string text = decode_utf8(marked);
    std::replace(text.begin(), text.end(), marks_.mark, U' ');
    const bool extra = marks_.at_start != MarkAtStart::never && text.starts_with(U' ');
    return encode_utf8(std::u32string_view(text).substr(extra ? 1 : 0));
  }

 private:
  void append_marked(std::u32string_view text, bool first, std::vector<std::int32_t>& ids) const {
    std::u32string marked(text);
    std::replace(marked.begin(), marked.end(), U' ', marks_.mark);
    const bool wanted =
        marks_.at_start == MarkAtStart::always || (marks_.at_start == MarkAtStart::first && first);
    if (wanted && !marked.starts_with(marks_.mark)) marked.insert(0, 1, marks_.mark);
    std::u32string_view rest = marked;
    while (!rest.empty()) {  // each mark begins a word
      const std::size_t end =
          marks_.split ? std::min(rest.find(marks_.mark, 1), rest.size()) : rest.size();
      model_.append_ids(encode_utf8(rest.substr(0, end)), ids);
      rest.remove_prefix(end);
    }
  }

  UnigramModel model_;
  WordMarks marks_;
};

/// Everything in a tokenizer.json except its model.
struct JsonTokenizerParts {
  TextNormalizer normalizer{};
  std::vector<AddedToken> added{};
  std::int32_t start = 0;
  std::int32_t end = 0;
  std::int32_t pad = 0;
  std::int32_t size = 0;
};

}  // namespace detail

/// A tokenizer of a tokenizer.json. Copies share everything; all members may be called by several
/// threads at once.
class JsonTokenizer {
 public:
  /// Made by read_json_tokenizer().
  template <class Model>
  JsonTokenizer(Model model, detail::JsonTokenizerParts parts)
      : contents_(std::make_shared<const Contents>(std::move(model), std::move(parts))) {}

  /// The ids of a text, without start and end tokens. Special tokens in the text become their ids.
  /// @throws UnavailableError beyond ASCII without utf8proc
  std::vector<std::int32_t> encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    bool first = true;
    const std::u32string given = decode_utf8(text);
    for (const detail::TextPart& part : contents_->as_given.split(given)) {
      if (part.token != nullptr)
        ids.push_back(part.token->id);
      else
        append_normalized(normalized(contents_->parts.normalizer, part.text), first, ids);
      first = false;
    }
    return ids;
  }

  /// The text of ids; special tokens are left out. @throws ArgumentError for ids that do not exist
  std::string decode(std::span<const std::int32_t> ids) const {
    std::string text;
    for (const std::int32_t id : ids) {
      if (id < 0 || id >= vocab_size())
        throw ArgumentError("token id " + std::to_string(id) + " is not in the vocabulary of " +
                            counted(vocab_size(), "token"));
      const auto added = contents_->added.find(id);
      if (added == contents_->added.end())
        contents_->append_text(id, text);
      else if (!added->second->special)
        text += added->second->text;
    }
    return contents_->finished(std::move(text));
  }

  std::int32_t start_id() const { return contents_->parts.start; }
  std::int32_t end_id() const { return contents_->parts.end; }
  std::int32_t pad_id() const { return contents_->parts.pad; }
  std::int32_t vocab_size() const { return contents_->parts.size; }

 private:
  struct Contents {
    template <class Model>
    Contents(Model model, detail::JsonTokenizerParts all) : parts(std::move(all)) {
      const auto shared = std::make_shared<const Model>(std::move(model));
      append_ids = [shared](std::u32string_view text, bool first, std::vector<std::int32_t>& ids) {
        shared->append_ids(text, first, ids);
      };
      append_text = [shared](std::int32_t id, std::string& text) { shared->append_text(id, text); };
      finished = [shared](std::string text) { return shared->finished(std::move(text)); };
      for (const detail::AddedToken& token : parts.added) {
        added.emplace(token.id, &token);
        const std::u32string text = decode_utf8(token.text);
        if (token.normalized)
          as_normalized.add(normalized(parts.normalizer, text), token);
        else
          as_given.add(text, token);
      }
    }
    Contents(const Contents&) = delete;
    Contents& operator=(const Contents&) = delete;

    detail::JsonTokenizerParts parts;
    std::function<void(std::u32string_view, bool, std::vector<std::int32_t>&)> append_ids;
    std::function<void(std::int32_t, std::string&)> append_text;
    std::function<std::string(std::string)> finished;
    detail::AddedTokenFinder as_given, as_normalized;
    std::map<std::int32_t, const detail::AddedToken*> added;
  };

  void append_normalized(const std::u32string& text, bool first,
                         std::vector<std::int32_t>& ids) const {
    for (const detail::TextPart& part : contents_->as_normalized.split(text)) {
      if (part.token != nullptr)
        ids.push_back(part.token->id);
      else
        contents_->append_ids(part.text, first, ids);
      first = false;
    }
  }

  std::shared_ptr<const Contents> contents_;
};

static_assert(Tokenizer<JsonTokenizer>);

}  // namespace coca
