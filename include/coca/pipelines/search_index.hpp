#pragma once
/// @file
/// A folder of pictures, embedded once, searched by text or by picture.

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/image/read_image.hpp"
#include "coca/io/json.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/safetensors_writer.hpp"
#include "coca/pipelines/encode.hpp"

namespace coca {

/// A picture found, and its cosine similarity to the query.
struct SearchHit {
  std::string path;  ///< relative to the folder
  float similarity = 0;
};

/// The result of an update.
struct IndexUpdate {
  std::size_t embedded = 0;           ///< new or changed pictures
  std::size_t kept = 0;               ///< pictures that were already in the index
  std::size_t removed = 0;            ///< pictures that no longer exist
  std::vector<std::string> broken{};  ///< why each picture that could not be read was left out
};

/// Embeddings of the pictures of one folder and its subfolders by one model.
class SearchIndex {
 public:
  /// @param model_name the model of the embeddings; an index made with another one is rebuilt
  /// @param width      of the embeddings
  SearchIndex(std::string model_name, std::size_t width)
      : model_name_(std::move(model_name)), width_(width) {}

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
    const auto found = file.metadata().find("coca_search_index");
    if (found == file.metadata().end()) throw FileError(path, "is not a search index");
    const Json json = parse_json(found->second, path);
    if (!json.is_object() || !json.contains("model") || !json.contains("pictures") ||
        !json["pictures"].is_array())
      throw FileError(path, "is a damaged search index");
    const auto embeddings = file.read_floats("embeddings");
    if (json["model"] != model_name) return index;
    if (embeddings.size() != json["pictures"].size() * width)
      throw FileError(path, "is a damaged search index: it names " +
                                std::to_string(json["pictures"].size()) + " pictures, but holds " +
                                std::to_string(embeddings.size()) + " numbers");
    std::size_t row = 0;
    for (const Json& entry : json["pictures"]) {
      if (!entry.is_array() || entry.size() != 3 || !entry[0].is_string() ||
          !entry[1].is_number_integer() || !entry[2].is_number_integer())
        throw FileError(path, "is a damaged search index");
      const auto begin = embeddings.begin() + static_cast<std::ptrdiff_t>(row++ * width);
      index.entries_[entry[0].get<std::string>()] = {
          {entry[1].get<std::uint64_t>(), entry[2].get<std::int64_t>()},
          {begin, begin + static_cast<std::ptrdiff_t>(width)}};
    }
    return index;
  }

  /// Writes the index file, complete or not at all. @throws FileError if that fails.
  void write(const std::string& path) const {
    Json pictures = Json::array();
    for (const auto& [name, entry] : entries_)
      pictures.push_back({name, entry.state.size, entry.state.modified});
    const Json json{{"model", model_name_}, {"pictures", std::move(pictures)}};
    SafetensorsWriter writer(
        path, {{"embeddings", Shape{entries_.size(), width_}, DType::F32}},
        {{"coca_search_index", json.dump(-1, ' ', false, Json::error_handler_t::replace)}});
    for (const auto& entry : entries_) writer.write("embeddings", entry.second.embedding);
    writer.commit();
  }

  /// Brings the index up to date with a folder: embeds pictures that are new or have changed,
  /// removes those that no longer exist. Pictures that cannot be read are reported and left out;
  /// files and folders whose name begins with a dot (thumbnails, trash) are ignored. A picture has
  /// changed if its size or its modification time has.
  /// @param read_pixels   from a picture's path to the model's input
  /// @param on_progress   called with (done, all) after each batch
  /// @throws FileError if the folder cannot be read.
  template <class Model>
  IndexUpdate update(Context<typename Model::backend_type>& context, const Model& model,
                     const std::string& folder,
                     const std::function<Pixels(const std::string&)>& read_pixels,
                     const std::function<void(std::size_t, std::size_t)>& on_progress = {}) {
    IndexUpdate report;
    const std::map<std::string, FileState> present = pictures_in(folder);
    report.removed =
        std::erase_if(entries_, [&](const auto& entry) { return present.count(entry.first) == 0; });
    std::vector<std::string> wanted;
    for (const auto& [name, state] : present) {
      const auto known = entries_.find(name);
      if (known == entries_.end() || known->second.state != state) wanted.push_back(name);
    }
    report.kept = present.size() - wanted.size();
    constexpr std::size_t batch = 8;
    for (std::size_t first = 0; first < wanted.size(); first += batch) {
      const std::size_t count = std::min(batch, wanted.size() - first);
      const std::span<const std::string> names(wanted.data() + first, count);
      add(context, model, folder, read_pixels, names, present, report);
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

  std::size_t size() const noexcept { return entries_.size(); }

  /// The pictures most similar to an embedding, best first.
  std::vector<SearchHit> search(std::span<const float> query, std::size_t count) const {
    std::vector<SearchHit> hits;
    for (const auto& [name, entry] : entries_)
      hits.push_back({name, similarity(query, entry.embedding)});
    std::stable_sort(hits.begin(), hits.end(),
                     [](const auto& a, const auto& b) { return a.similarity > b.similarity; });
    hits.resize(std::min(hits.size(), count));
    return hits;
  }

 private:
  /// What identifies a version of a file.
  struct FileState {
    std::uint64_t size = 0;
    std::int64_t modified = 0;
    friend bool operator==(const FileState&, const FileState&) = default;
  };
  struct Entry {
    FileState state;
    std::vector<float> embedding;
  };

  static bool is_picture_name(const std::filesystem::path& path) {
    std::string extension = path.extension().string();
    for (char& letter : extension)
      letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    constexpr std::array<std::string_view, 4> known{".jpg", ".jpeg", ".png", ".webp"};
    return std::find(known.begin(), known.end(), extension) != known.end();
  }

  static std::map<std::string, FileState> pictures_in(const std::string& folder) {
    namespace fs = std::filesystem;
    std::error_code error;
    if (!fs::is_directory(folder, error)) throw FileError(folder, "is not a folder");
    std::map<std::string, FileState> pictures;
    auto entry = fs::recursive_directory_iterator(
        folder, fs::directory_options::skip_permission_denied, error);
    if (error) throw FileError(folder, error.message());
    for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
      if (entry->path().filename().native().starts_with('.')) {
        entry.disable_recursion_pending();
        continue;
      }
      if (!entry->is_regular_file(error) || !is_picture_name(entry->path())) continue;
      const auto size = entry->file_size(error);
      const auto modified = entry->last_write_time(error);
      if (error) continue;  // it was removed in the meantime
      pictures[fs::relative(entry->path(), folder, error).generic_string()] = {
          size, static_cast<std::int64_t>(modified.time_since_epoch().count())};
    }
    // If a step fails the walk ends, and the remaining pictures would seem to be removed.
    if (error) throw FileError(folder, error.message());
    return pictures;
  }

  template <class Model>
  void add(Context<typename Model::backend_type>& context, const Model& model,
           const std::string& folder, const std::function<Pixels(const std::string&)>& read_pixels,
           std::span<const std::string> names, const std::map<std::string, FileState>& present,
           IndexUpdate& report) {
    std::vector<Pixels> pixels;
    std::vector<std::string> read;
    for (const std::string& name : names) {
      entries_.erase(name);
      try {
        const auto path = (std::filesystem::path(folder) / name).string();
        pixels.push_back(read_pixels(path));
        read.push_back(name);
      } catch (const Error& error) {
        report.broken.emplace_back(error.what());
      }
    }
    const Embeddings embeddings = embed_images(context, model, std::span<const Pixels>(pixels));
    for (std::size_t i = 0; i < read.size(); ++i)
      entries_[read[i]] = {present.at(read[i]), {embeddings[i].begin(), embeddings[i].end()}};
    report.embedded += read.size();
  }

  std::string model_name_;
  std::size_t width_;
  std::map<std::string, Entry> entries_;
};

}  // namespace coca
