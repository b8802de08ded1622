#pragma once
/// @file
/// Caption files that are one JSON object with a list of "images": COCO's captions, which follow in
/// "annotations", and Karpathy's splits of COCO and Flickr30K, where each picture has its
/// "sentences".
/// Sources: https://cocodataset.org/#format-data (caption),
/// https://cs.stanford.edu/people/karpathy/deepimagesent

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/caption_json.hpp"
#include "coca/data/caption_list.hpp"
#include "coca/io/json_pieces.hpp"

namespace coca {

/// The lists of such a file, not parsed.
struct CaptionDocument {
  JsonPiece images{};
  JsonPiece annotations{};  ///< empty in Karpathy's files
};

/// The lists of a text that is one object with a list of objects "images"; nothing otherwise.
inline std::optional<CaptionDocument> find_caption_document(std::string_view text) {
  JsonCursor cursor({text, {}});
  if (cursor.peek() != '{') return std::nullopt;
  const JsonPiece object = cursor.value();
  if (!cursor.at_end()) return std::nullopt;
  CaptionDocument document;
  for_each_json_member(object, [&](std::string_view key, const JsonPiece& value) {
    if (key == "images") document.images = value;
    if (key == "annotations") document.annotations = value;
  });
  JsonCursor images(document.images);
  if (!images.take('[') || images.peek() != '{') return std::nullopt;
  return document;
}

/// Reads such a file.
class CaptionDocumentReader {
 public:
  /// @param options its keys, if given, are those of the pictures' names and of captions
  CaptionDocumentReader(const CaptionFileOptions& options, CaptionList& list)
      : options_(options),
        list_(list),
        image_keys_(detail::keys_to_try(options.image_key, {"file_name", "filename"})),
        caption_keys_(detail::keys_to_try(options.caption_key, {"caption", "raw"})),
        own_caption_keys_(
            detail::keys_to_try(options.caption_key, detail::default_caption_keys())) {}

  /// Reads all pictures and captions. Those that cannot be read are bad rows of the list.
  /// @throws FileError if no picture is in the requested splits
  void read(const CaptionDocument& document) {
    for_each_json_element(document.images,
                          [&](const JsonPiece& piece) { list_.guard([&] { read_image(piece); }); });
    if (!document.annotations.text.empty())
      for_each_json_element(document.annotations, [&](const JsonPiece& piece) {
        list_.guard([&] { read_annotation(piece); });
      });
    if (images_.empty() && !splits_.empty())
      throw FileError(list_.path(), "has no pictures of the split " + names(options_.splits) +
                                        "; its splits are " + names(splits_));
    for (Image& image : images_)
      if (image.entry.captions.empty() && detail::needs_captions(options_))
        ++uncaptioned_;
      else
        list_.guard([&] { list_.add(std::move(image.entry), image.place); });
  }

  /// Notes on what was read: sentences.
  std::vector<std::string> notes() const {
    std::vector<std::string> notes;
    if (!splits_.empty())
      notes.push_back("has the splits " + names(splits_) + ", of which " +
                      (options_.splits.empty() ? "all" : names(options_.splits)) + " are read");
    if (uncaptioned_ != 0)
      notes.push_back(std::to_string(uncaptioned_) +
                      " of its pictures have no caption and are left out");
    return notes;
  }

 private:
  struct Image {
    CaptionEntry entry;
    TextPlace place;
  };

  static constexpr std::size_t left_out = ~std::size_t{0};  // of another split

  template <class Names>
  static std::string names(const Names& names) {
    return detail::list_of_names({names.begin(), names.end()}, " and ");
  }

  void read_image(const JsonPiece& piece) {
    const detail::JsonRow row(piece, list_);
    if (!is_wanted(row)) {
      if (row.has("id")) numbers_.try_emplace(row.field("id"), left_out);
      return;
    }
    Image image{{.picture = row.picture(image_keys_)}, row.place()};
    if (options_.image_key.empty() && row.has("filepath"))  // Karpathy's: the folder
      image.entry.picture = row.field("filepath") + '/' + image.entry.picture;
    image.entry.fields = row.fields(options_.field_keys, options_.structured_fields);
    if (row.has("sentences")) {
      read_sentences(row, image);
    } else if (!row.first_of(own_caption_keys_).empty()) {
      image.entry.captions = row.captions(own_caption_keys_);
    } else if (row.has("id") || detail::needs_captions(options_)) {  // else it has no annotation
      if (!numbers_.try_emplace(row.field("id"), images_.size()).second)
        row.fail("an earlier picture has the same id " + row.field("id"));
    }
    images_.push_back(std::move(image));
  }

  bool is_wanted(const detail::JsonRow& row) {
    if (!row.has("split")) return true;
    const std::string split = row.field("split");
    splits_.insert(split);
    const std::vector<std::string>& wanted = options_.splits;
    return wanted.empty() || std::find(wanted.begin(), wanted.end(), split) != wanted.end();
  }

  void read_sentences(const detail::JsonRow& row, Image& image) {
    const Json& sentences = row.at("sentences");
    if (!sentences.is_array()) row.fail("\"sentences\" is not a list");
    for (const Json& sentence : sentences)
      list_.guard([&] {
        const auto key = std::find_if(caption_keys_.begin(), caption_keys_.end(), [&](auto& k) {
          return sentence.is_object() && sentence.contains(k);
        });
        if (key == caption_keys_.end() || !sentence.at(*key).is_string())
          row.fail("a sentence of the picture has no text");
        const auto text = sentence.at(*key).template get<std::string>();
        if (has_lone_surrogate(text)) row.fail("a sentence holds half of a surrogate pair");
        image.entry.captions.push_back(text);
      });
  }

  void read_annotation(const JsonPiece& piece) {
    const detail::JsonRow row(piece, list_);
    const auto found = numbers_.find(row.field("image_id"));
    if (found == numbers_.end())
      row.fail("no picture has the id " + detail::printable(row.field("image_id"), 40));
    if (found->second == left_out) return;
    for (std::string& caption : row.captions(caption_keys_))
      images_[found->second].entry.captions.push_back(std::move(caption));
  }

  const CaptionFileOptions& options_;
  CaptionList& list_;
  std::vector<std::string> image_keys_;
  std::vector<std::string> caption_keys_;      // of annotations and sentences
  std::vector<std::string> own_caption_keys_;  // of pictures that have theirs next to their name
  std::vector<Image> images_;
  std::unordered_map<std::string, std::size_t> numbers_;  // places of pictures by their id
  std::set<std::string> splits_;                          // that the file has
  std::size_t uncaptioned_ = 0;
};

}  // namespace coca
