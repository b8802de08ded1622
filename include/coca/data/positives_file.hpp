#pragma once
/// @file
/// Further right answers of retrieval than the pairs of the data: eccv-caption's JSON, an object
/// from the id of a picture to the ids of captions that are right for it, or the other way round.
/// Source: https://github.com/naver-ai/eccv-caption

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/annotation_json.hpp"
#include "coca/data/coco_captions.hpp"
#include "coca/io/json_pieces.hpp"

namespace coca {

/// Right answers by query, with the ids of the file, in its order.
struct PositiveIds {
  std::vector<std::pair<std::string, std::vector<std::string>>> lists{};
  std::string path{};  ///< for messages
};

/// The same with numbers instead of ids.
struct Positives {
  bool of_pictures = true;                        ///< queries are pictures, answers captions
  std::vector<std::vector<std::size_t>> lists{};  ///< [queries]; empty for those not in the file
  std::size_t unknown = 0;                        ///< queries and answers that the data lacks
};

namespace detail {

/// Ids of a JSON list, whole numbers or texts. @throws FileError for anything else
inline std::vector<std::string> ids_of(const JsonPiece& list, const std::string& path) {
  const PythonJson json = parse_python_json(list, path);
  const auto fail = [&] {
    throw FileError(path, at_place(list.begin, "expected a list of ids, whole numbers or texts"));
  };
  std::vector<std::string> ids;
  if (!json.value.is_array()) fail();
  for (const Json& id : json.value) {
    if (!id.is_number_integer() && !id.is_string()) fail();
    ids.push_back(id.is_string() ? id.get<std::string>() : id.dump());
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

using IdNumbers = std::unordered_map<std::string, std::size_t>;

/// The lists under the assumption that these are the queries, `count` of them, and the answers.
inline Positives resolved(const PositiveIds& ids, const IdNumbers& queries,
                          const IdNumbers& answers, std::size_t count) {
  Positives positives{.lists = std::vector<std::vector<std::size_t>>(count)};
  for (const auto& [query, list] : ids.lists) {
    const auto known = queries.find(query);
    if (known == queries.end()) {
      ++positives.unknown;
      continue;
    }
    for (const std::string& answer : list) {
      const auto found = answers.find(answer);
      if (found == answers.end())
        ++positives.unknown;
      else
        positives.lists[known->second].push_back(found->second);
    }
  }
  return positives;
}

inline bool has_answers(const Positives& positives) {
  return std::any_of(positives.lists.begin(), positives.lists.end(),
                     [](const auto& list) { return !list.empty(); });
}

}  // namespace detail

/// @param path what messages call the text
/// @throws FileError for anything but an object of lists of ids, and a key that occurs twice
inline PositiveIds parse_positives(std::string_view text, const std::string& path) {
  PositiveIds ids{.path = path};
  JsonCursor cursor({detail::without_byte_order_mark(text), {}});
  if (cursor.peek() != '{')
    throw FileError(path, "expected a JSON object from ids to lists of ids");
  const JsonPiece object = cursor.value();
  if (object.cut || !cursor.at_end())
    throw FileError(path, "expected one JSON object from ids to lists of ids");
  std::unordered_map<std::string, bool> known;
  for_each_json_member(object, [&](std::string_view key, const JsonPiece& value) {
    if (!known.emplace(key, true).second)
      throw FileError(
          path, detail::at_place(value.begin,
                                 "the key \"" + detail::printable(key, 40) + "\" occurs twice"));
    ids.lists.emplace_back(std::string(key), detail::ids_of(value, path));
  });
  if (ids.lists.empty()) throw FileError(path, "lists no right answers");
  return ids;
}

/// The numbers of pictures, and of captions counted over all pictures, that the ids stand for.
/// Whether the file is of pictures or of captions follows from its ids; if both would do (COCO's
/// ids of pictures and captions overlap), the reading with fewer unknown ids counts.
/// @throws FileError if no id is known
inline Positives resolve_positives(const PositiveIds& ids,
                                   const std::vector<AnnotatedPicture>& pictures) {
  detail::IdNumbers images, captions;
  std::size_t count = 0;
  for (const AnnotatedPicture& picture : pictures) {
    images.emplace(picture.id, images.size());
    for (const std::string& id : picture.caption_ids) captions.emplace(id, count++);
  }
  if (images.size() != pictures.size())
    throw FileError(ids.path, "the data has several pictures of one id");
  captions.erase("");
  Positives to_captions = detail::resolved(ids, images, captions, pictures.size());
  Positives to_pictures = detail::resolved(ids, captions, images, count);
  to_pictures.of_pictures = false;
  const bool some = detail::has_answers(to_captions), others = detail::has_answers(to_pictures);
  if (!some && !others)
    throw FileError(ids.path,
                    "none of its ids is that of a picture and of a caption of the data; "
                    "the first is " +
                        detail::printable(ids.lists.front().first, 40));
  const bool as_pictures = some && (!others || to_captions.unknown <= to_pictures.unknown);
  return as_pictures ? to_captions : to_pictures;
}

/// The answers as queries: which queries each of them is right for.
inline std::vector<std::vector<std::size_t>> inverted(
    const std::vector<std::vector<std::size_t>>& lists, std::size_t answers) {
  std::vector<std::vector<std::size_t>> queries(answers);
  for (std::size_t q = 0; q < lists.size(); ++q)
    for (const std::size_t answer : lists[q]) queries.at(answer).push_back(q);
  return queries;
}

}  // namespace coca
