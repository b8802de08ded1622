#pragma once
/// @file
/// Writing the file of a search index, see search_index_file.hpp.

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <type_traits>
#include <vector>

#include "coca/io/atomic_file.hpp"
#include "coca/io/json.hpp"
#include "coca/pipelines/index_pictures.hpp"
#include "coca/pipelines/search_index_file.hpp"

namespace coca::detail {

/// What a file of an index says of its pictures.
struct IndexDescription {
  std::string model;
  DType precision = DType::F32;
};

/// Lists the tensors of a safetensors file in the order in which they will be written.
class TensorList {
 public:
  void add(const char* name, DType dtype, const Json& shape, std::size_t elements) {
    const std::size_t end = end_ + elements * size_of(dtype);
    json_[name] = {{"dtype", to_string(dtype)}, {"shape", shape}, {"data_offsets", {end_, end}}};
    end_ = end;
  }

  /// The header, padded so that what follows is aligned to eight bytes.
  std::string header(const IndexDescription& description) const {
    Json json = json_;
    json["__metadata__"][index_key] =
        to_json_text(Json{{"version", 3}, {"model", description.model}});
    std::string text = to_json_text(json);
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  }

 private:
  Json json_ = Json::object();
  std::size_t end_ = 0;
};

/// Appends the embedding of a picture in a precision.
inline void write_row(AtomicFile& file, const PictureView& picture, std::size_t width,
                      DType precision) {
  picture.embeddings.visit([&]<class T>(const T* values) {
    const T* row = values + picture.row * width;
    const auto write_as = [&]<class Stored>(Stored) {
      if constexpr (std::is_same_v<T, Stored>) {
        file.write(row, width * sizeof(Stored));
      } else {
        std::vector<Stored> converted(width);
        for (std::size_t i = 0; i < width; ++i) converted[i] = Stored(as_float(row[i]));
        file.write(converted.data(), width * sizeof(Stored));
      }
    };
    if (precision == DType::F16)
      write_as(float16{});
    else
      write_as(float{});
  });
}

/// Writes the file, complete or not at all. @throws FileError if that fails
inline void write_index(const std::string& path, const IndexDescription& description,
                        const IndexPictures& pictures,
                        const std::map<std::string, BrokenPicture>& broken) {
  std::vector<std::int64_t> states, digests, name_ends, broken_states;
  std::string names, broken_texts;
  const auto add_state = [](std::vector<std::int64_t>& list, const FileState& state) {
    list.insert(list.end(), {static_cast<std::int64_t>(state.size), state.modified});
  };
  pictures.for_each([&](const PictureView& picture) {
    add_state(states, picture.state);
    digests.push_back(picture.digest);
    names += picture.name;
    name_ends.push_back(static_cast<std::int64_t>(names.size()));
  });
  for (const auto& [name, each] : broken) {
    add_state(broken_states, each.state);
    broken_texts.append(name).push_back('\0');
    broken_texts.append(each.reason.c_str()).push_back('\0');
  }
  const std::size_t count = digests.size(), width = pictures.width();
  TensorList tensors;
  tensors.add("states", DType::I64, {count, 2}, states.size());
  tensors.add("digests", DType::I64, {count}, count);
  tensors.add("name_ends", DType::I64, {count}, count);
  tensors.add("broken_states", DType::I64, {broken.size(), 2}, broken_states.size());
  tensors.add("embeddings", description.precision, {count, width}, count * width);
  tensors.add("names", DType::U8, {names.size()}, names.size());
  tensors.add("broken", DType::U8, {broken_texts.size()}, broken_texts.size());
  const std::string header = tensors.header(description);
  const std::uint64_t length = header.size();
  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(header);
  for (const auto* numbers : {&states, &digests, &name_ends, &broken_states})
    file.write(numbers->data(), numbers->size() * sizeof(std::int64_t));
  pictures.for_each(
      [&](const PictureView& picture) { write_row(file, picture, width, description.precision); });
  file.write(names);
  file.write(broken_texts);
  file.commit();
}

}  // namespace coca::detail
