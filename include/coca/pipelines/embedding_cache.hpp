#pragma once
/// @file
/// Embeddings of a list of pictures in a file, so that they are computed once. The file says what
/// they are of: weights, precision, preprocessing, list of files. A cache of something else is
/// refused, not overwritten: it may be that of another run.
///
/// It is a safetensors file: `embeddings` F32 [read, width]; in the metadata, `coca_embeddings` is
/// {"version": 1, "key": {name: text}, "pictures": n, "broken": [[number, reason], ...]}.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/digest.hpp"
#include "coca/core/error.hpp"
#include "coca/io/json.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/safetensors_writer.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/model_identity.hpp"

namespace coca {

/// Embeddings of pictures, of which some could not be read.
struct PictureEmbeddings {
  Embeddings embeddings{};                      ///< [read, embed_dim]
  std::vector<std::size_t> read{};              ///< number of each embedding's picture, ascending
  std::map<std::size_t, std::string> broken{};  ///< why each of the other pictures is left out
};

namespace detail {

/// Size and time of modification of a file as one text; empty without such a file.
inline std::string file_state(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error) return "";
  const auto modified = std::filesystem::last_write_time(path, error).time_since_epoch().count();
  return std::to_string(size) + ' ' + std::to_string(modified);
}

}  // namespace detail

/// A digest of a list of pictures: their names, in order, and where the files that they are read
/// from exist, the size and time of modification of these.
/// @param files of each picture, its own or an archive with many; empty: the names are files
/// @throws ArgumentError for another number of files than of names
inline std::string files_digest(std::span<const std::string> names,
                                std::span<const std::string> files = {}) {
  if (files.empty()) files = names;
  if (files.size() != names.size())
    throw ArgumentError(there_are(names.size(), "picture") + " in " +
                        counted(files.size(), "file") + ", expected one for each");
  Digest digest;
  std::string state;
  for (std::size_t i = 0; i < names.size(); ++i) {
    digest.add_text(names[i]);
    if (i == 0 || files[i] != files[i - 1]) state = detail::file_state(files[i]);
    if (!state.empty()) digest.add_text(state);
  }
  return std::to_string(names.size()) + " files " + digest.text();
}

namespace detail {

inline constexpr const char* embeddings_key = "coca_embeddings";

/// What a cache says about itself.
struct EmbeddingCacheHeader {
  IdentityParts key{};
  std::size_t pictures = 0;
  std::map<std::size_t, std::string> broken{};
};

inline std::string cache_description(const EmbeddingCacheHeader& header) {
  Json key = Json::object(), broken = Json::array();
  for (const auto& [name, text] : header.key) key[name] = text;
  for (const auto& [number, reason] : header.broken)
    broken.push_back(Json::array({number, reason}));
  return to_json_text(
      Json{{"version", 1}, {"key", key}, {"pictures", header.pictures}, {"broken", broken}});
}

/// The numbers and reasons of the list "broken". @throws FileError if it is damaged
inline std::map<std::size_t, std::string> broken_of(const Json& list, std::size_t pictures,
                                                    const std::string& path) {
  std::map<std::size_t, std::string> broken;
  for (const Json& entry : list) {
    const bool whole = entry.is_array() && entry.size() == 2 && entry[0].is_number_unsigned() &&
                       entry[0].get<std::uint64_t>() < pictures && entry[1].is_string();
    if (!whole || !broken.emplace(entry[0].get<std::size_t>(), entry[1].get<std::string>()).second)
      throw FileError(path, "is a damaged cache of embeddings");
  }
  return broken;
}

/// @throws FileError for a file that is no cache, or a damaged one
inline EmbeddingCacheHeader read_cache_header(const Checkpoint& file, const std::string& path) {
  const auto found = file.metadata().find(embeddings_key);
  if (found == file.metadata().end())
    throw FileError(path, "is not a cache of embeddings; choose another name for the cache");
  const Json json = parse_json(found->second, path);
  const auto is = [&](const char* name, bool (Json::*kind)() const noexcept) {
    return json.is_object() && json.contains(name) && (json[name].*kind)();
  };
  if (!is("key", &Json::is_object) || !is("pictures", &Json::is_number_unsigned) ||
      !is("broken", &Json::is_array) || json.value("version", Json()) != 1)
    throw FileError(path, "is a damaged cache of embeddings, or one of another version");
  EmbeddingCacheHeader header{.pictures = json["pictures"].get<std::size_t>()};
  for (const auto& [name, text] : json["key"].items())
    header.key.emplace_back(name, text.is_string() ? text.get<std::string>() : "");
  header.broken = broken_of(json["broken"], header.pictures, path);
  return header;
}

/// @throws FileError that names the parts that are not those of `wanted`
inline void expect_same_key(const IdentityParts& wanted, const IdentityParts& found,
                            const std::string& path) {
  std::map<std::string, std::string> texts(found.begin(), found.end());
  std::string differing;
  for (const auto& [name, text] : wanted) {
    const auto other = texts.find(name);
    const std::string was = other == texts.end() ? "none" : printable(other->second, 80);
    if (other == texts.end() || other->second != text)
      differing += (differing.empty() ? "" : ", and ") + name + " is " + was + " instead of " +
                   printable(text, 80);
    texts.erase(name);
  }
  for (const auto& [name, text] : texts)
    differing += (differing.empty() ? "" : ", and ") + printable(name, 40) + " is " +
                 printable(text, 80) + " instead of none";
  if (differing.empty()) return;
  throw FileError(path, "is a cache of other embeddings: its " + differing +
                            "; delete it or choose another name for the cache");
}

}  // namespace detail

/// The content of a cache of `pictures` pictures.
/// @param path what messages call it
/// @param key what the embeddings must be of, such as ModelInfo::identity_parts and files_digest()
/// @throws FileError for a cache of something else, saying what differs, and a damaged one
inline PictureEmbeddings parse_embedding_cache(const Checkpoint& file, const std::string& path,
                                               const IdentityParts& key, std::size_t pictures) {
  detail::EmbeddingCacheHeader header = detail::read_cache_header(file, path);
  detail::expect_same_key(key, header.key, path);
  const Shape& shape = file.tensor("embeddings").shape;
  if (header.pictures != pictures)
    throw FileError(path, "is a damaged cache of embeddings: it has " +
                              counted(header.pictures, "picture") + ", expected " +
                              std::to_string(pictures));
  if (shape.rank() != 2 || shape[0] != pictures - header.broken.size())
    throw FileError(path, "is a damaged cache of embeddings: they have the shape " +
                              to_string(shape) + ", expected a row for each of " +
                              counted(pictures - header.broken.size(), "picture"));
  PictureEmbeddings cached{{file.read_floats("embeddings"), shape[0], shape[1]}, {}, {}};
  cached.broken = std::move(header.broken);
  for (std::size_t i = 0; i < pictures; ++i)
    if (!cached.broken.contains(i)) cached.read.push_back(i);
  return cached;
}

/// The same of a file. @return nothing if there is no such file @throws as above
inline std::optional<PictureEmbeddings> read_embedding_cache(const std::string& path,
                                                             const IdentityParts& key,
                                                             std::size_t pictures) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  return parse_embedding_cache(read_safetensors(path), path, key, pictures);
}

/// Writes a cache, complete or not at all. @throws FileError if it cannot be written
inline void write_embedding_cache(const std::string& path, const IdentityParts& key,
                                  const PictureEmbeddings& cached) {
  const std::size_t pictures = cached.read.size() + cached.broken.size();
  const Shape shape{cached.embeddings.count, cached.embeddings.width};
  const SafetensorsWriter::Metadata metadata{
      {detail::embeddings_key, detail::cache_description({key, pictures, cached.broken})}};
  SafetensorsWriter writer(path, {{"embeddings", shape}}, metadata);
  writer.write("embeddings", cached.embeddings.values);
  writer.commit();
}

}  // namespace coca
