#pragma once
/// @file
/// The file of a search index: safetensors, so that other programs can read the embeddings.
///
/// - `embeddings` F32 or F16 [pictures, width]
/// - `states` I64 [pictures, 2]: size and time of modification of each file
/// - `digests` I64 [pictures]: of the files' content, by which moved files are recognised; 0: not
///   known
/// - `name_ends` I64 [pictures] and `names` U8: the names, any bytes, one after the other in
///   ascending order, and where each ends
/// - `broken_states` I64 [broken, 2] and `broken` U8: files that could not be read, each with its
///   name and the reason, which end with a zero byte
/// - in the metadata, `coca_search_index` is {"version": 3, "model": its identity}
///
/// It is mapped and searched as it is. Version 2 had the texts of all files in `names`, each with a
/// zero byte; version 1 had names and states in the metadata, as {"model", "pictures": [[name,
/// size, modified], ...]}. Both are read, and written as version 3.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
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
#include "coca/pipelines/index_rows.hpp"

namespace coca::detail {

/// A picture that could not be read.
struct BrokenPicture {
  FileState state;
  std::string reason;
};

/// The content of a search index file.
struct IndexContents {
  std::string model;
  DType precision = DType::F32;  ///< of the embeddings
  IndexRows rows{};
  std::map<std::string, BrokenPicture> broken{};  ///< by name
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
  if (version != 1 && version != 2 && version != 3)
    throw FileError(path, "is a search index of version " + printable(to_json_text(version)) +
                              ", but versions 1 to 3 are read");
  if (version == 1 && (!json.contains("pictures") || !json["pictures"].is_array()))
    throw FileError(path, damaged_index);
  return json;
}

/// Arrays of an index in memory.
struct OwnedIndexRows {
  std::vector<std::int64_t> name_ends, states, digests;
  std::string names;
  std::vector<float> embeddings;
};

/// Rows of pictures by their names. @param width of the embeddings
inline IndexRows make_index_rows(const std::map<std::string, IndexedPicture>& pictures,
                                 std::size_t width) {
  auto owned = std::make_shared<OwnedIndexRows>();
  for (const auto& [name, picture] : pictures) {
    owned->names += name;
    owned->name_ends.push_back(static_cast<std::int64_t>(owned->names.size()));
    owned->states.push_back(static_cast<std::int64_t>(picture.state.size));
    owned->states.push_back(picture.state.modified);
    owned->digests.push_back(picture.digest);
    owned->embeddings.insert(owned->embeddings.end(), picture.embedding.begin(),
                             picture.embedding.end());
  }
  const OwnedIndexRows& rows = *owned;
  return {owned,       rows.name_ends, rows.names,
          rows.states, rows.digests,   StoredEmbeddings(rows.embeddings.data(), width)};
}

/// Reads indexes of versions 1 and 2, which hold everything in memory.
class OldIndexReader {
 public:
  OldIndexReader(const Checkpoint& file, const std::string& path, std::size_t width)
      : file_(file), path_(path), width_(width) {}

  /// The pictures of version 1.
  void read_listed(const Json& list, IndexContents& contents) const {
    const auto embeddings = read_embeddings(list.size());
    std::map<std::string, IndexedPicture> pictures;
    std::size_t row = 0;
    for (const Json& entry : list) {
      if (!entry.is_array() || entry.size() != 3 || !entry[0].is_string() ||
          !entry[1].is_number_integer() || !entry[2].is_number_integer())
        throw FileError(path_, damaged_index);
      const FileState state{entry[1].get<std::uint64_t>(), entry[2].get<std::int64_t>()};
      pictures[entry[0].get<std::string>()] = {state, 0, row_of(embeddings, row++)};
    }
    contents.rows = make_index_rows(pictures, width_);
  }

  /// The pictures of version 2.
  void read_named(IndexContents& contents) const {
    const std::vector<std::int64_t> states = file_.read_int64("states");
    std::vector<std::string> names = read_names();
    const std::size_t files = states.size() / 2;
    // Each file has a name, each broken one also a reason.
    if (states.size() % 2 != 0 || names.size() < files || names.size() > 2 * files)
      throw FileError(path_, damaged_index);
    const std::size_t broken = names.size() - files, count = files - broken;
    const auto embeddings = read_embeddings(count);
    std::map<std::string, IndexedPicture> pictures;
    for (std::size_t i = 0; i < files; ++i) {
      const FileState state{static_cast<std::uint64_t>(states[2 * i]), states[2 * i + 1]};
      if (i < count)
        pictures[names[i]] = {state, 0, row_of(embeddings, i)};
      else
        contents.broken[names[i]] = {state, std::move(names[i + broken])};
    }
    contents.rows = make_index_rows(pictures, width_);
  }

 private:
  /// [count, width]
  std::vector<float> read_embeddings(std::size_t count) const {
    std::vector<float> embeddings = file_.read_floats("embeddings");
    if (embeddings.size() != count * width_)
      throw FileError(path_, std::string(damaged_index) + ": it names " +
                                 counted(count, "picture") + ", but holds " +
                                 counted(embeddings.size(), "number"));
    return embeddings;
  }

  std::vector<float> row_of(const std::vector<float>& embeddings, std::size_t i) const {
    const auto begin = embeddings.begin() + static_cast<std::ptrdiff_t>(i * width_);
    return {begin, begin + static_cast<std::ptrdiff_t>(width_)};
  }

  /// The texts of `names`, each up to its zero byte.
  std::vector<std::string> read_names() const {
    const StoredTensor& stored = file_.tensor("names");
    if (stored.dtype != DType::U8) throw FileError(path_, damaged_index);
    const auto bytes = stored.bytes->bytes().subspan(stored.offset, stored.shape.size());
    std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::vector<std::string> names;
    for (std::size_t end; (end = rest.find('\0')) != std::string_view::npos;) {
      names.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end + 1);
    }
    if (!rest.empty()) throw FileError(path_, damaged_index);
    return names;
  }

  const Checkpoint& file_;
  const std::string& path_;
  std::size_t width_;
};

/// Shows the arrays of an index of version 3 where they are.
class IndexFileReader {
 public:
  IndexFileReader(const Checkpoint& file, const std::string& path, std::size_t width)
      : file_(file), path_(path), width_(width) {}

  void read(IndexContents& contents) const {
    const StoredTensor& embeddings = file_.tensor("embeddings");
    contents.rows = {embeddings.bytes,  numbers("name_ends"), text("names"),
                     numbers("states"), numbers("digests"),   {}};
    check_rows(contents.rows, embeddings);
    contents.precision = embeddings.dtype;
    contents.rows.embeddings = embeddings.dtype == DType::F16
                                   ? StoredEmbeddings(values<float16>(embeddings), width_)
                                   : StoredEmbeddings(values<float>(embeddings), width_);
    read_broken(contents);
  }

 private:
  template <class T>
  const T* values(const StoredTensor& tensor) const {
    const std::byte* bytes = tensor.bytes->bytes().data() + tensor.offset;
    if (reinterpret_cast<std::uintptr_t>(bytes) % alignof(T) != 0)
      throw FileError(path_, damaged_index);
    return reinterpret_cast<const T*>(bytes);
  }

  const StoredTensor& tensor(const char* name, DType dtype) const {
    const StoredTensor& found = file_.tensor(name);
    if (found.dtype != dtype) throw FileError(path_, damaged_index);
    return found;
  }

  std::span<const std::int64_t> numbers(const char* name) const {
    const StoredTensor& found = tensor(name, DType::I64);
    return {values<std::int64_t>(found), found.shape.size()};
  }

  std::string_view text(const char* name) const {
    const StoredTensor& found = tensor(name, DType::U8);
    return {values<char>(found), found.shape.size()};
  }

  void check_rows(const IndexRows& rows, const StoredTensor& embeddings) const {
    const std::size_t pictures = rows.size();
    if (embeddings.dtype != DType::F32 && embeddings.dtype != DType::F16)
      throw FileError(path_, damaged_index);
    if (embeddings.shape.size() / std::max<std::size_t>(width_, 1) != pictures ||
        embeddings.shape.size() % std::max<std::size_t>(width_, 1) != 0)
      throw FileError(path_, std::string(damaged_index) + ": it names " +
                                 counted(pictures, "picture") + ", but holds " +
                                 counted(embeddings.shape.size(), "number"));
    if (rows.states.size() != 2 * pictures || rows.digests.size() != pictures)
      throw FileError(path_, damaged_index);
    std::int64_t before = 0;
    for (const std::int64_t end : rows.name_ends)
      if (end < std::exchange(before, end)) throw FileError(path_, damaged_index);
    if (static_cast<std::size_t>(before) != rows.names.size())
      throw FileError(path_, damaged_index);
  }

  void read_broken(IndexContents& contents) const {
    const auto states = numbers("broken_states");
    std::string_view rest = text("broken");
    const auto next = [&] {
      const std::size_t end = rest.find('\0');
      if (end == std::string_view::npos) throw FileError(path_, damaged_index);
      std::string text(rest.substr(0, end));
      rest.remove_prefix(end + 1);
      return text;
    };
    for (std::size_t i = 0; i + 1 < states.size(); i += 2) {
      std::string name = next();
      const FileState state{static_cast<std::uint64_t>(states[i]), states[i + 1]};
      contents.broken[std::move(name)] = {state, next()};
    }
    if (!rest.empty() || states.size() % 2 != 0) throw FileError(path_, damaged_index);
  }

  const Checkpoint& file_;
  const std::string& path_;
  std::size_t width_;
};

/// The content of a search index file. @throws FileError if it is damaged, or not one
inline IndexContents read_index(const Checkpoint& file, const std::string& path,
                                std::size_t width) {
  const Json json = read_index_description(file, path);
  IndexContents contents{json["model"].is_string() ? json["model"].get<std::string>() : ""};
  if (json.value("version", Json(1)) == 3)
    IndexFileReader(file, path, width).read(contents);
  else if (json.contains("pictures"))
    OldIndexReader(file, path, width).read_listed(json["pictures"], contents);
  else
    OldIndexReader(file, path, width).read_named(contents);
  return contents;
}

}  // namespace coca::detail
