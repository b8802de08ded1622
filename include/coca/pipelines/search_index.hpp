#pragma once
/// @file
/// A folder of pictures, embedded once, searched by text or by picture.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/image/read_image.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/file_digest.hpp"
#include "coca/pipelines/picture_folder.hpp"
#include "coca/pipelines/search_index_file.hpp"
#include "coca/pipelines/search_index_writer.hpp"

namespace coca {

/// A picture found, and its cosine similarity to the query.
struct SearchHit {
  std::string path;  ///< relative to the folder, as named there
  float similarity = 0;
};

/// The result of an update.
struct IndexUpdate {
  std::size_t embedded = 0;           ///< new or changed pictures
  std::size_t recognised = 0;         ///< new names of pictures that the index had: moved or copied
  std::size_t kept = 0;               ///< pictures that were already in the index
  std::size_t removed = 0;            ///< pictures that no longer exist
  std::vector<std::string> broken{};  ///< why each picture that could not be read was left out
  std::size_t known_broken = 0;       ///< pictures that an earlier update could not read either
  std::map<std::string, std::size_t> left_out{};  ///< see PictureFolder
  bool changed = false;                           ///< whether the index has changed
};

/// How an index keeps embeddings.
enum class IndexPrecision : std::uint8_t {
  float32,
  float16,  ///< half the size; similarities change in the fourth digit
};

/// Pictures that are alike.
struct SimilarPair {
  std::string first;  ///< names in the index, of which this is the lesser one
  std::string second;
  float similarity = 0;
};

/// Embeddings of the pictures of one folder and its subfolders by one model. Of an index that is
/// read from a file, the embeddings stay there: opening it takes no time, and a search reads them
/// once.
class SearchIndex {
 public:
  /// @param model_name identity of the model of the embeddings
  /// @param width      of the embeddings
  SearchIndex(std::string model_name, std::size_t width,
              IndexPrecision precision = IndexPrecision::float32)
      : description_{std::move(model_name),
                     precision == IndexPrecision::float16 ? DType::F16 : DType::F32},
        pictures_(width) {}

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
    if (detail::read_index_description(file, path)["model"] != model_name) return index;
    detail::IndexContents contents = detail::read_index(file, path, width);
    index.description_.precision = contents.precision;
    index.pictures_ = detail::IndexPictures(width, std::move(contents.rows));
    index.broken_ = std::move(contents.broken);
    return index;
  }

  /// Whether the index file at a path was made with this model.
  /// @throws FileError if it is damaged, or no index
  static bool is_of(const std::string& path, const std::string& model_name) {
    return detail::read_index_description(read_safetensors(path), path)["model"] == model_name;
  }

  /// Writes the index file, complete or not at all. @throws FileError if that fails.
  void write(const std::string& path) const {
    detail::write_index(path, description_, pictures_, broken_);
  }

  IndexPrecision precision() const noexcept {
    return description_.precision == DType::F16 ? IndexPrecision::float16 : IndexPrecision::float32;
  }

  /// Brings the index up to date with a folder (read_picture_folder): embeds pictures that are new
  /// or have changed, removes those that are gone. A picture has changed if its size or its time
  /// of modification has. A file of the same content as one that the index had, under another name,
  /// is not embedded again. Pictures that cannot be read are named and left out; those whose
  /// content is at fault are remembered, and tried again once they have changed.
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
    const std::vector<std::string> wanted = without_recognised(
        folder, names_to_read(present.pictures, report), present.pictures, report);
    report.changed = report.changed || report.removed != 0;
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

  std::size_t size() const noexcept { return pictures_.size(); }

  /// The pictures most similar to an embedding, best first.
  /// @param least smallest similarity of a picture that is found
  std::vector<SearchHit> search(std::span<const float> query, std::size_t count,
                                float least = std::numeric_limits<float>::lowest()) const {
    std::vector<SearchHit> hits;
    for (auto& [name, similarity] : pictures_.most_similar(query, count, least))
      hits.push_back({std::move(name), similarity});
    return hits;
  }

  /// All pairs of pictures that are at least so similar, by their names. Compares each picture with
  /// each other one.
  /// @param on_progress called with (pictures compared with all after them, all)
  std::vector<SimilarPair> similar_pairs(
      float least, const std::function<void(std::size_t, std::size_t)>& on_progress = {}) const {
    std::vector<detail::PictureView> all;
    pictures_.for_each([&](const detail::PictureView& picture) { all.push_back(picture); });
    std::vector<SimilarPair> pairs;
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::vector<float> one = all[i].embeddings.row(all[i].row);
      for (std::size_t k = i + 1; k < all.size(); ++k) {
        const float similarity = all[k].embeddings.similarity(all[k].row, one);
        if (similarity >= least)
          pairs.push_back({std::string(all[i].name), std::string(all[k].name), similarity});
      }
      if (on_progress) on_progress(i + 1, all.size());
    }
    return pairs;
  }

 private:
  using States = std::map<std::string, FileState>;

  bool is_embedded(const std::string& name, const FileState& state) const {
    return pictures_.state(name) == state;
  }

  bool is_known_broken(const std::string& name, const FileState& state) const {
    const auto found = broken_.find(name);
    return found != broken_.end() && found->second.state == state;
  }

  /// @return how many pictures are gone
  std::size_t forget_absent(const States& present) {
    std::erase_if(broken_, [&](const auto& entry) { return !present.contains(entry.first); });
    return pictures_.erase_if([&](const std::string& name) { return !present.contains(name); });
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

  /// Gives the pictures whose content the file of the index has their embeddings.
  /// @return the names of the others
  std::vector<std::string> without_recognised(const std::string& folder,
                                              std::vector<std::string> names, const States& present,
                                              IndexUpdate& report) {
    std::unordered_multimap<std::uint64_t, std::pair<std::int64_t, std::size_t>> rows;  // by size
    if (!names.empty())
      pictures_.for_each_stored([&](std::size_t row, const FileState& state, std::int64_t digest) {
        if (digest != 0) rows.emplace(state.size, std::pair(digest, row));
      });
    std::erase_if(names, [&](const std::string& name) {
      const auto [first, last] = rows.equal_range(present.at(name).size);
      if (first == last) return false;
      const auto digest = file_digest((std::filesystem::path(folder) / name).string());
      const auto found =
          std::find_if(first, last, [&](const auto& row) { return row.second.first == digest; });
      if (found == last) return false;
      pictures_.put(name,
                    {present.at(name), *digest, pictures_.stored_embedding(found->second.second)});
      broken_.erase(name);
      report.changed = true;
      ++report.recognised;
      return true;
    });
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
          int{pictures_.erase(name)} + static_cast<int>(broken_.erase(name)) != 0 || report.changed;
      const std::string path = (std::filesystem::path(folder) / name).string();
      try {
        pixels.push_back(read_pixels(path));
        read.push_back(name);
      } catch (const UnavailableError& error) {  // another build may read it
        report.broken.emplace_back(error.what());
      } catch (const Error& error) {
        report.broken.emplace_back(error.what());
        if (!can_be_opened(path)) continue;
        broken_[name] = {present.at(name), error.what()};
        report.changed = true;
      }
    }
    const Embeddings embeddings = embed_images(context, model, std::span<const Pixels>(pixels));
    for (std::size_t i = 0; i < read.size(); ++i)
      put(folder, read[i], present.at(read[i]), embeddings[i]);
    report.embedded += read.size();
    report.changed = report.changed || !read.empty();
  }

  void put(const std::string& folder, const std::string& name, const FileState& state,
           std::span<const float> embedding) {
    detail::IndexedPicture picture{
        state,
        file_digest((std::filesystem::path(folder) / name).string()).value_or(0),
        {embedding.begin(), embedding.end()}};
    if (description_.precision == DType::F16)  // as its file will have it
      for (float& value : picture.embedding) value = static_cast<float>(float16(value));
    pictures_.put(name, std::move(picture));
  }

  detail::IndexDescription description_;
  detail::IndexPictures pictures_;
  std::map<std::string, detail::BrokenPicture> broken_;
};

}  // namespace coca
