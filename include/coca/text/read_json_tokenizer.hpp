#pragma once
/// @file
/// Reading `tokenizer.json`, the file of the library `tokenizers` (Hugging Face).

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/text/gzip_text.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/json_tokenizer.hpp"

namespace coca {

namespace detail {

/// Maximum size of a vocabulary: a hundred times CLIP's.
inline constexpr std::int32_t max_token_id = 5'000'000;

/// An id. @throws FileError for anything else
inline std::int32_t token_id(const Json& value, const std::string& token, const std::string& path) {
  if (!value.is_number_integer() || value < 0 || value > max_token_id)
    throw FileError(path, "the token \"" + printable(token) + "\" has no id from 0 to " +
                              std::to_string(max_token_id));
  return value.get<std::int32_t>();
}

inline std::vector<AddedToken> parse_added_tokens(const Json& list, const std::string& path) {
  std::vector<AddedToken> added;
  if (list.is_null()) return added;
  if (!list.is_array()) throw FileError(path, "\"added_tokens\" is not a list");
  for (const Json& entry : list) {
    AddedToken token{text_member(entry, "content", path)};
    if (token.text.size() > UnigramModel::longest_piece)
      throw FileError(
          path, "an added token has more than " + counted(UnigramModel::longest_piece, "byte"));
    if (flag_member(entry, "single_word", false))
      throw FileError(path, "the added token \"" + printable(token.text) +
                                "\" is for single words (single_word), which cannot be read");
    token.id = token_id(member(entry, "id"), token.text, path);
    token.special = flag_member(entry, "special", false);
    token.normalized = flag_member(entry, "normalized", !token.special);
    token.left = flag_member(entry, "lstrip", false);
    token.right = flag_member(entry, "rstrip", false);
    added.push_back(std::move(token));
  }
  return added;
}

/// The ids around a text.
struct OuterTokens {
  std::optional<std::int32_t> start{}, end{};
};

/// [token, id] of RobertaProcessing and BertProcessing.
inline std::optional<std::int32_t> processing_token(const Json& pair, const std::string& path) {
  if (!pair.is_array() || pair.size() != 2) return std::nullopt;
  return token_id(pair[1], "of the post-processor", path);
}

/// The first id of a special token of TemplateProcessing.
inline std::optional<std::int32_t> template_token(const Json& processor, const Json& item,
                                                  const std::string& path) {
  const Json& name = member(member(item, "SpecialToken"), "id");
  if (!name.is_string()) return std::nullopt;
  const std::string text = name.get<std::string>();
  const Json& ids = member(member(member(processor, "special_tokens"), text.c_str()), "ids");
  return ids.is_array() && ids.size() == 1 ? std::optional(token_id(ids[0], text, path))
                                           : std::nullopt;
}

inline OuterTokens parse_post_processor(const Json& json, const std::string& path) {
  OuterTokens tokens{processing_token(member(json, "cls"), path),
                     processing_token(member(json, "sep"), path)};
  if (const Json& single = member(json, "single"); single.is_array() && !single.empty()) {
    tokens.start = template_token(json, single.front(), path);
    tokens.end = single.size() < 2 ? std::nullopt : template_token(json, single.back(), path);
  }
  if (const Json& parts = member(json, "processors"); parts.is_array())
    for (const Json& part : parts) {
      const OuterTokens more = parse_post_processor(part, path);
      if (more.start) tokens.start = more.start;
      if (more.end) tokens.end = more.end;
    }
  return tokens;
}

/// The id of the first of these names that an added token has.
inline std::optional<std::int32_t> added_id(const std::vector<AddedToken>& added,
                                            std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names)
    for (const AddedToken& token : added)
      if (token.text == name) return token.id;
  return std::nullopt;
}

/// @param ids of the model: their number, and so the least size
inline JsonTokenizerParts parse_parts(const Json& json, std::int32_t ids, const std::string& path) {
  JsonTokenizerParts parts;
  parts.normalizer = parse_normalizer(member(json, "normalizer"), path);
  parts.added = parse_added_tokens(member(json, "added_tokens"), path);
  const OuterTokens outer = parse_post_processor(member(json, "post_processor"), path);
  const auto start =
      outer.start
          ? outer.start
          : added_id(parts.added, {"<|startoftext|>", "<start_of_text>", "<s>", "<bos>", "[CLS]"});
  const auto end =
      outer.end
          ? outer.end
          : added_id(parts.added, {"<|endoftext|>", "<end_of_text>", "</s>", "<eos>", "[SEP]"});
  if (!start || !end)
    throw FileError(path, std::string("has no ") + (start ? "end" : "start") +
                              " token, which texts of this library's models " +
                              (start ? "end" : "begin") + " with (" +
                              (start ? "</s>, <|endoftext|>" : "<s>, <|startoftext|>") +
                              " or what \"post_processor\" says)");
  parts.start = *start;
  parts.end = *end;
  const Json& pad = member(member(json, "padding"), "pad_id");
  parts.pad = pad.is_number_integer() ? token_id(pad, "of padding", path)
                                      : added_id(parts.added, {"<pad>", "[PAD]"}).value_or(0);
  parts.size = std::max({ids, parts.start + 1, parts.end + 1, parts.pad + 1});
  for (const AddedToken& token : parts.added) parts.size = std::max(parts.size, token.id + 1);
  return parts;
}

/// "left right" of one merge, which newer files write as a pair.
inline std::string merge_line(const Json& merge, const std::string& path) {
  if (merge.is_string()) return merge.get<std::string>();
  if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string())
    return merge[0].get<std::string>() + ' ' + merge[1].get<std::string>();
  throw FileError(path, "a merge is neither \"left right\" nor [\"left\", \"right\"]");
}

/// Whether the words are those of CLIP's pattern.
inline bool has_clip_words(const Json& pre_tokenizer) {
  constexpr std::string_view words = R"('s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+)";
  const Json& parts = member(pre_tokenizer, "pretokenizers");
  if (!parts.is_array() || parts.size() != 2) return false;
  const Json& pattern = member(member(parts[0], "pattern"), "Regex");
  return member(parts[0], "type") == "Split" && member(parts[0], "behavior") == "Removed" &&
         flag_member(parts[0], "invert", false) && pattern.is_string() &&
         pattern.get_ref<const std::string&>().ends_with(words) &&
         member(parts[1], "type") == "ByteLevel" &&
         !flag_member(parts[1], "add_prefix_space", true);
}

/// @throws FileError for options that change what is computed and are not CLIP's
inline void expect_clip_form(const Json& json, const Json& model, const std::string& path) {
  const Json &prefix = member(model, "continuing_subword_prefix"),
             &dropout = member(model, "dropout");
  if (member(model, "end_of_word_suffix") != "</w>" || !(prefix.is_null() || prefix == "") ||
      !has_clip_words(member(json, "pre_tokenizer")))
    throw FileError(path,
                    "is a byte-pair encoding of another form than CLIP's; what is read has the "
                    "end_of_word_suffix \"</w>\" and CLIP's pattern of words, each in bytes");
  if (!(dropout.is_null() || dropout == 0) || flag_member(model, "byte_fallback", false) ||
      flag_member(model, "ignore_merges", false) || flag_member(model, "fuse_unk", false))
    throw FileError(path,
                    "has dropout, byte_fallback, ignore_merges or fuse_unk, which CLIP's "
                    "byte-pair encoding has not");
}

/// @param name of the "unk_token"
inline std::optional<std::int32_t> unknown_id(const Json& vocabulary, const Json& name,
                                              const std::string& path) {
  if (!name.is_string()) return std::nullopt;
  const auto text = name.get<std::string>();
  const auto found = vocabulary.find(text);
  if (found == vocabulary.end())
    throw FileError(path, "its \"unk_token\" \"" + printable(text) + "\" is not in its vocabulary");
  return token_id(*found, text, path);
}

inline JsonTokenizer parse_byte_pairs(const Json& json, const std::string& path) {
  const Json &model = member(json, "model"), &vocabulary = member(model, "vocab"),
             &merges = member(model, "merges");
  expect_clip_form(json, model, path);
  if (!vocabulary.is_object() || !merges.is_array())
    throw FileError(path, "its model has no object \"vocab\" and list \"merges\"");
  std::int32_t size = 0;
  for (const auto& [token, id] : vocabulary.items())
    size = std::max(size, token_id(id, token, path) + 1);
  BpeVocabularyBuilder builder(path, merges.size());
  std::size_t number = 0;
  for (const Json& merge : merges) builder.add_merge(merge_line(merge, path), ++number);
  BpeVocabulary pairs = std::move(builder).finish();
  std::vector<std::optional<std::int32_t>> ids;
  for (std::int32_t token = 0; token < pairs.size() - 2; ++token) {
    const auto found = vocabulary.find(written_token(pairs.token(token)));
    const bool merged = token >= 512;  // of a byte, or one that ends a word, are those before
    if (merged && found == vocabulary.end())
      throw FileError(path, "the token \"" + printable(pairs.token(token)) +
                                "\" of its merges is not in its vocabulary");
    ids.push_back(found == vocabulary.end() ? std::nullopt
                                            : std::optional(found->get<std::int32_t>()));
  }
  const auto unknown = unknown_id(vocabulary, member(model, "unk_token"), path);
  return JsonTokenizer(JsonBytePairs(std::move(pairs), std::move(ids), unknown),
                       parse_parts(json, size, path));
}

inline MarkAtStart parse_mark_at_start(const Json& metaspace, const std::string& path) {
  const Json& scheme = member(metaspace, "prepend_scheme");
  if (scheme == "always") return MarkAtStart::always;
  if (scheme == "first") return MarkAtStart::first;
  if (scheme == "never") return MarkAtStart::never;
  if (!scheme.is_null()) throw FileError(path, "its Metaspace has an unknown \"prepend_scheme\"");
  return flag_member(metaspace, "add_prefix_space", true) ? MarkAtStart::always
                                                          : MarkAtStart::never;
}

/// Metaspace, on its own or after WhitespaceSplit.
inline WordMarks parse_word_marks(const Json& pre_tokenizer, const std::string& path) {
  WordMarks marks;
  const Json* metaspace = &pre_tokenizer;
  if (const Json& parts = member(pre_tokenizer, "pretokenizers");
      parts.is_array() && parts.size() == 2 && member(parts[0], "type") == "WhitespaceSplit") {
    marks.split_at_spaces = true;
    metaspace = &parts[1];
  }
  if (member(*metaspace, "type") != "Metaspace")
    throw FileError(path,
                    "separates words in another way than SentencePiece's; what is read is "
                    "Metaspace, alone or after WhitespaceSplit");
  const std::u32string mark = decode_utf8(text_member(*metaspace, "replacement", path));
  if (mark.size() != 1) throw FileError(path, "its Metaspace has no single \"replacement\"");
  marks.mark = mark[0];
  marks.at_start = parse_mark_at_start(*metaspace, path);
  marks.split = flag_member(*metaspace, "split", true);
  return marks;
}

inline JsonTokenizer parse_unigram(const Json& json, const std::string& path) {
  const Json &model = member(json, "model"), &vocabulary = member(model, "vocab");
  if (flag_member(model, "byte_fallback", false))
    throw FileError(path, "has byte_fallback, which is not read");
  if (!vocabulary.is_array()) throw FileError(path, "its model has no list \"vocab\"");
  std::vector<UnigramPiece> pieces;
  for (const Json& entry : vocabulary) {
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
      throw FileError(path, "an entry of its vocabulary is not [piece, score]");
    pieces.push_back({entry[0].get<std::string>(), entry[1].get<double>()});
  }
  const Json& unknown = member(model, "unk_id");
  const auto id =
      unknown.is_null() ? std::nullopt : std::optional(token_id(unknown, "unk_id", path));
  UnigramModel pieces_model(std::move(pieces), id, path);
  const std::int32_t size = pieces_model.size();
  return JsonTokenizer(
      JsonUnigram(std::move(pieces_model), parse_word_marks(member(json, "pre_tokenizer"), path)),
      parse_parts(json, size, path));
}

}  // namespace detail

/// The tokenizer of the text of a tokenizer.json.
/// @param path what errors call it
/// @throws FileError if it is damaged, or of an unsupported kind
inline JsonTokenizer parse_json_tokenizer(std::string_view text, const std::string& path) {
  const Json json = parse_json(text, path, {.max_bytes = max_vocabulary_bytes});
  const Json& model = detail::member(json, "model");
  if (!model.is_object())
    throw FileError(path,
                    "is no tokenizer.json: it has no \"model\"; of a vocab.json and a merges.txt, "
                    "the latter is needed");
  const Json& type = detail::member(model, "type");
  if (type == "BPE") return detail::parse_byte_pairs(json, path);
  if (type == "Unigram") return detail::parse_unigram(json, path);
  throw FileError(path, "has a model of the type " + detail::printable(to_json_text(type)) +
                            "; CLIP's \"BPE\" and SentencePiece's \"Unigram\" can be read");
}

/// Reads a tokenizer.json. @throws FileError as above, and where the file is missing
inline JsonTokenizer read_json_tokenizer(const std::string& path) {
  return parse_json_tokenizer(read_text_or_gzip(path, max_vocabulary_bytes), path);
}

}  // namespace coca
