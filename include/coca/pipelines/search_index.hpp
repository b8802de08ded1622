#pragma once
/// @file
/// A folder of pictures, embedded once, searched by text or by picture.

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/image/read_image.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/picture_folder.hpp"
#include "coca/pipelines/search_index_file.hpp"

namespace coca {

/// A picture found, and its cosine similarity to the query.
struct SearchHit {
  std::string path;  ///< relative to the folder, as named there
  float similarity = 0;
};

/// The result of an update.
struct IndexUpdate {
  std::size_t embedded = 0;           ///< new or changed pictures
  std::size_t kept = 0;               ///< pictures that were already in the index
  std::size_t removed = 0;            ///< pictures that no longer exist
  std::vector<std::string> broken{};  ///< why each picture that could not be read was left out
  std::size_t known_broken = 0;       ///< pictures that an earlier update could not read either
  std::map<std::string, std::size_t> left_out{};  ///< see PictureFolder
  bool changed = false;                           ///< whether the index has changed
};

/// Embeddings of the pictures of one folder and its subfolders by one model.
class SearchIndex {
 public:
  /// @param model_name identity of the model of the embeddings
  /// @param width      of the embeddings
  SearchIndex(std::string model_name, std::size_t width)
      : contents_{std::move(model_name)}, width_(width) {}

  /// Reads an index file. @return an empty index if it was made with another model
  /// @throws FileError if the file is damaged.
  static SearchIndex read(const std::string& path, const std::string& model_name,
                          std::size_t width) {
    return parse(read_safetensors(path), path, model_name, width);
  }

  /// The same from the content of the file at `path`.
  static SearchIndex parse(const Checkpoint& file, const std::string& path,
                           const std::string& model_name, std::size_t width) {
    SearchIndex index(model_name, width);
    if (detail::read_index_description(file, path)["model"] == model_name)
      index.contents_ = detail::read_index(file, path, width);
    return index;
  }

  /// Whether the index file at a path was made with this model.
  /// @throws FileError if it is damaged, or no index
  static bool is_of(const std::string& path, const std::string& model_name) {
    return detail::read_index_description(read_safetensors(path), path)["model"] == model_name;
  }

  /// Writes the index file, complete or not at all. @throws FileError if that fails.
  void write(const std::string& path) const { detail::write_index(path, contents_, width_); }

  /// Brings the index up to date with a folder (read_picture_folder): embeds pictures that are new
  /// or have changed, removes those that are gone. A picture has changed if its size or its time
  /// of modification has. Pictures that cannot be read are named and left out; those whose content
  /// is at fault are remembered, and tried again once they have changed.
  /// @param read_pixels   from a picture's path to what the model reads
  /// @param on_progress   called with (done, all) after each batch
  /// @throws FileError if the folder cannot be read.
  template <class Model>
  IndexUpdate update(Context<typename Model::backend_type>& context, const Model& model,
                     const std::string& folder,
                     const std::function<Pixels(const std::string&)>& read_pixels,
                     const std::function<void(std::size_t, std::size_t)>& on_progress = {}) {
    PictureFolder present =
        read_picture_folder(folder, [this](const std::string& name, const FileState& state) {
          return is_embedded(name, state) || is_known_broken(name, state);
        });
    IndexUpdate report{.left_out = std::move(present.left_out)};
    report.removed = forget_absent(present.pictures);
    const std::vector<std::string> wanted = names_to_read(present.pictures, report);
    report.changed = report.removed != 0;
    constexpr std::size_t batch = 8;
    for (std::size_t first = 0; first < wanted.size(); first += batch) {
      const std::size_t count = std::min(batch, wanted.size() - first);
      const std::span<const std::string> names(wanted.data() + first, count);
      add(context, model, folder, read_pixels, names, present.pictures, report);
      if (on_progress) on_progress(first + count, wanted.size());
    }
    return report;
  }

  /// The same with upright pictures, preprocessed as `preprocessing` says.
  template <class Model>
  IndexUpdate update(Context<typename Model::backend_type>& context, const Model& model,
                     const std::string& folder, const PreprocessConfig& preprocessing,
                     const std::function<void(std::size_t, std::size_t)>& on_progress = {}) {
    const std::function<Pixels(const std::string&)> read_pixels = [&](const std::string& path) {
      return preprocess(read_image(path), preprocessing);
    };
    return update(context, model, folder, read_pixels, on_progress);
  }

  std::size_t size() const noexcept { return contents_.pictures.size(); }

  /// The pictures most similar to an embedding, best first.
  std::vector<SearchHit> search(std::span<const float> query, std::size_t count) const {
    std::vector<SearchHit> hits;
    for (const auto& [name, entry] : contents_.pictures)
      hits.push_back({name, similarity(query, entry.embedding)});
    std::stable_sort(hits.begin(), hits.end(),
                     [](const auto& a, const auto& b) { return a.similarity > b.similarity; });
    hits.resize(std::min(hits.size(), count));
    return hits;
  }

 private:
  using States = std::map<std::string, FileState>;

  bool is_embedded(const std::string& name, const FileState& state) const {
    const auto found = contents_.pictures.find(name);
    return found != contents_.pictures.end() && found->second.state == state;
  }

  bool is_known_broken(const std::string& name, const FileState& state) const {
    const auto found = contents_.broken.find(name);
    return found != contents_.broken.end() && found->second.state == state;
  }

  /// @return how many pictures are gone
  std::size_t forget_absent(const States& present) {
    const auto is_absent = [&](const auto& entry) { return present.count(entry.first) == 0; };
    std::erase_if(contents_.broken, is_absent);
    return std::erase_if(contents_.pictures, is_absent);
  }

  std::vector<std::string> names_to_read(const States& present, IndexUpdate& report) const {
    std::vector<std::string> names;
    for (const auto& [name, state] : present) {
      if (is_embedded(name, state))
        ++report.kept;
      else if (is_known_broken(name, state))
        ++report.known_broken;
      else
        names.push_back(name);
    }
    return names;
  }

  /// Whether a file that could not be decoded can be opened: then its content is at fault.
  static bool can_be_opened(const std::string& path) { return std::ifstream(path).good(); }

  template <class Model>
  void add(Context<typename Model::backend_type>& context, const Model& model,
           const std::string& folder, const std::function<Pixels(const std::string&)>& read_pixels,
           std::span<const std::string> names, const States& present, IndexUpdate& report) {
    std::vector<Pixels> pixels;
    std::vector<std::string> read;
    for (const std::string& name : names) {
      report.changed =
          contents_.pictures.erase(name) + contents_.broken.erase(name) != 0 || report.changed;
      const std::string path = (std::filesystem::path(folder) / name).string();
      try {
        pixels.push_back(read_pixels(path));
        read.push_back(name);
      } catch (const UnavailableError& error) {  // another build may read it
        report.broken.emplace_back(error.what());
      } catch (const Error& error) {
        report.broken.emplace_back(error.what());
        if (!can_be_opened(path)) continue;
        contents_.broken[name] = {present.at(name), error.what()};
        report.changed = true;
      }
    }
    const Embeddings embeddings = embed_images(context, model, std::span<const Pixels>(pixels));
    for (std::size_t i = 0; i < read.size(); ++i)
      contents_.pictures[read[i]] = {present.at(read[i]),
                                     {embeddings[i].begin(), embeddings[i].end()}};
    report.embedded += read.size();
    report.changed = report.changed || !read.empty();
  }

  detail::IndexContents contents_;
  std::size_t width_;
};

}  // namespace coca
