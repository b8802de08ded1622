#pragma once
/// @file
/// The file of a search index: safetensors, so that other programs can read the embeddings.
///
/// - `embeddings` F32 [pictures, width]
/// - `states` I64 [pictures + broken, 2]: size and time of modification of each file
/// - `names` U8: names of the pictures, names of the broken ones, why each of these could not be
///   read; each ends with a zero byte, which no name has, and is otherwise any bytes
/// - in the metadata, `coca_search_index` is {"version": 2, "model": its identity}
///
/// Version 1 had names and states in the metadata, as {"model", "pictures": [[name, size,
/// modified], ...]}: it is still read.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/checkpoint.hpp"
#include "coca/io/json.hpp"
#include "coca/pipelines/picture_folder.hpp"

namespace coca::detail {

/// A picture in an index.
struct IndexedPicture {
  FileState state;
  std::vector<float> embedding;
};

/// A picture that could not be read.
struct BrokenPicture {
  FileState state;
  std::string reason;
};

/// The content of a search index file, by the pictures' names.
struct IndexContents {
  std::string model;
  std::map<std::string, IndexedPicture> pictures{};
  std::map<std::string, BrokenPicture> broken{};
};

inline constexpr const char* index_key = "coca_search_index";
inline constexpr const char* damaged_index = "is a damaged search index";

/// The description in the metadata. @throws FileError if there is none, or it is damaged
inline Json read_index_description(const Checkpoint& file, const std::string& path) {
  const auto found = file.metadata().find(index_key);
  if (found == file.metadata().end()) throw FileError(path, "is not a search index");
  Json json = parse_json(found->second, path);
  if (!json.is_object() || !json.contains("model")) throw FileError(path, damaged_index);
  const Json version = json.value("version", Json(1));
  if (version != 1 && version != 2)
    throw FileError(path, "is a search index of version " + printable(to_json_text(version)) +
                              ", but versions 1 and 2 are read");
  if (version == 1 && (!json.contains("pictures") || !json["pictures"].is_array()))
    throw FileError(path, damaged_index);
  return json;
}

/// Embeddings of `count` pictures, [count, width]. @throws FileError if there are not as many
inline std::vector<float> read_index_embeddings(const Checkpoint& file, const std::string& path,
                                                std::size_t count, std::size_t width) {
  std::vector<float> embeddings = file.read_floats("embeddings");
  if (embeddings.size() != count * width)
    throw FileError(path, std::string(damaged_index) + ": it names " + counted(count, "picture") +
                              ", but holds " + counted(embeddings.size(), "number"));
  return embeddings;
}

/// Row `i` of embeddings.
inline std::vector<float> row_of(const std::vector<float>& embeddings, std::size_t i,
                                 std::size_t width) {
  const auto begin = embeddings.begin() + static_cast<std::ptrdiff_t>(i * width);
  return {begin, begin + static_cast<std::ptrdiff_t>(width)};
}

/// The pictures of version 1.
inline void read_listed_pictures(const Checkpoint& file, const std::string& path, const Json& list,
                                 std::size_t width, IndexContents& contents) {
  const auto embeddings = read_index_embeddings(file, path, list.size(), width);
  std::size_t row = 0;
  for (const Json& entry : list) {
    if (!entry.is_array() || entry.size() != 3 || !entry[0].is_string() ||
        !entry[1].is_number_integer() || !entry[2].is_number_integer())
      throw FileError(path, damaged_index);
    contents.pictures[entry[0].get<std::string>()] = {
        {entry[1].get<std::uint64_t>(), entry[2].get<std::int64_t>()},
        row_of(embeddings, row++, width)};
  }
}

/// The texts of `names`, each up to its zero byte.
inline std::vector<std::string> read_index_names(const Checkpoint& file, const std::string& path) {
  const StoredTensor& stored = file.tensor("names");
  if (stored.dtype != DType::U8) throw FileError(path, damaged_index);
  const auto bytes = stored.bytes->bytes().subspan(stored.offset, stored.shape.size());
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<std::string> names;
  for (std::size_t end; (end = rest.find('\0')) != std::string_view::npos;) {
    names.emplace_back(rest.substr(0, end));
    rest.remove_prefix(end + 1);
  }
  if (!rest.empty()) throw FileError(path, damaged_index);
  return names;
}

/// The pictures of version 2.
inline void read_stored_pictures(const Checkpoint& file, const std::string& path, std::size_t width,
                                 IndexContents& contents) {
  const std::vector<std::int64_t> states = file.read_int64("states");
  std::vector<std::string> names = read_index_names(file, path);
  const std::size_t files = states.size() / 2;
  // Each file has a name, each broken one also a reason.
  if (states.size() % 2 != 0 || names.size() < files || names.size() > 2 * files)
    throw FileError(path, damaged_index);
  const std::size_t broken = names.size() - files, pictures = files - broken;
  const auto embeddings = read_index_embeddings(file, path, pictures, width);
  for (std::size_t i = 0; i < files; ++i) {
    const FileState state{static_cast<std::uint64_t>(states[2 * i]), states[2 * i + 1]};
    if (i < pictures)
      contents.pictures[names[i]] = {state, row_of(embeddings, i, width)};
    else
      contents.broken[names[i]] = {state, std::move(names[i + broken])};
  }
}

/// The content of a search index file. @throws FileError if it is damaged, or not one
inline IndexContents read_index(const Checkpoint& file, const std::string& path,
                                std::size_t width) {
  const Json json = read_index_description(file, path);
  IndexContents contents{json["model"].is_string() ? json["model"].get<std::string>() : ""};
  if (json.contains("pictures"))
    read_listed_pictures(file, path, json["pictures"], width, contents);
  else
    read_stored_pictures(file, path, width, contents);
  return contents;
}

/// Writes the file, complete or not at all. @throws FileError if that fails
inline void write_index(const std::string& path, const IndexContents& contents, std::size_t width) {
  std::vector<std::int64_t> states;
  std::string names, reasons;
  const auto add = [&](const std::string& name, const FileState& state) {
    states.insert(states.end(), {static_cast<std::int64_t>(state.size), state.modified});
    names.append(name).push_back('\0');
  };
  for (const auto& [name, picture] : contents.pictures) add(name, picture.state);
  for (const auto& [name, broken] : contents.broken) {
    add(name, broken.state);
    reasons.append(broken.reason.c_str()).push_back('\0');
  }
  names += reasons;
  const std::size_t pictures = contents.pictures.size(), numbers = pictures * width;
  const std::size_t first = 8 * states.size(), second = first + 4 * numbers;
  const auto entry = [](const char* dtype, const Json& shape, std::size_t from, std::size_t to) {
    return Json{{"dtype", dtype}, {"shape", shape}, {"data_offsets", {from, to}}};
  };
  const Json description{{"version", 2}, {"model", contents.model}};
  std::string header =
      to_json_text(Json{{"__metadata__", {{index_key, to_json_text(description)}}},
                        {"states", entry("I64", {states.size() / 2, 2}, 0, first)},
                        {"embeddings", entry("F32", {pictures, width}, first, second)},
                        {"names", entry("U8", {names.size()}, second, second + names.size())}});
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header);
  file.write(states.data(), first);
  for (const auto& entry_of : contents.pictures)
    file.write(entry_of.second.embedding.data(), 4 * width);
  file.write(names);
  file.commit();
}

}  // namespace coca::detail
