#pragma once
/// @file
/// Embeddings of many pictures by a model that is opened at run time, with a cache in a file.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/crop_border.hpp"
#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/pipelines/any_model.hpp"
#include "coca/pipelines/embedding_cache.hpp"

namespace coca {

/// Pictures that are read when they are needed.
struct PictureList {
  std::vector<std::string> names{};  ///< for messages, and part of the cache's key
  /// Which file each is read from, its own or an archive with many, so that a cache notices
  /// changes; empty: the names are files.
  std::vector<std::string> files{};
  std::function<std::vector<std::uint8_t>(std::size_t)>
      read{};  ///< the file of a picture by number
};

/// How pictures are embedded.
struct PictureEmbeddingOptions {
  std::size_t batch = 32;       ///< pictures encoded together
  std::size_t crop_border = 0;  ///< pixels cut off at each edge first
  std::string cache{};          ///< file to read embeddings from, or to write them to; empty: none
  std::function<void(std::size_t, std::size_t)> on_progress{};  ///< (done, all)
};

/// A picture file as a model reads it, [3, image_size, image_size].
/// @param name for messages @throws FileError, ArgumentError as read_image() and crop_border()
inline Pixels picture_pixels(const ModelInfo& info, std::span<const std::uint8_t> file,
                             const std::string& name, std::size_t border = 0) {
  if (!info.open_clip_preprocessing)
    return preprocess(crop_border(read_image(file, name, info.reading), border),
                      info.preprocessing);
  DecodeOptions options = info.reading.decoding();
  options.color_key_to_alpha = false;  // as in preprocess_like_open_clip()
  DecodedImage picture = crop_border(decode_image(file, name, options), border);
  return normalize(resize_and_crop_like_open_clip(std::move(picture), info.preprocessing),
                   info.preprocessing);
}

/// What a cache of these embeddings is of.
inline IdentityParts cache_key(const ModelInfo& info, const PictureList& pictures,
                               const PictureEmbeddingOptions& options) {
  IdentityParts key = info.identity_parts;
  for (auto& [name, part] : key)
    if (name == "preprocessing" && options.crop_border != 0)
      part += " without a border of " + std::to_string(options.crop_border);
  key.emplace_back("list of files", files_digest(pictures.names, pictures.files));
  return key;
}

namespace detail {

/// Adds some pictures, from `first` on.
inline void embed_some(AnyModel& model, const PictureList& pictures, std::size_t first,
                       const PictureEmbeddingOptions& options, PictureEmbeddings& all) {
  const std::size_t end = std::min(first + options.batch, pictures.names.size());
  std::vector<Pixels> pixels;
  for (std::size_t i = first; i < end; ++i) {
    const std::string& name = pictures.names[i];
    try {
      pixels.push_back(picture_pixels(model.info(), pictures.read(i), name, options.crop_border));
      all.read.push_back(i);
    } catch (const Error& error) {
      const std::string problem = error.what();
      all.broken.emplace(i, problem.starts_with(name) ? problem : name + ": " + problem);
    }
  }
  if (pixels.empty()) return;
  const Embeddings some = model.embed_images(pixels);
  all.embeddings.values.insert(all.embeddings.values.end(), some.values.begin(), some.values.end());
  all.embeddings.count += some.count;
}

}  // namespace detail

/// Embeds pictures, or reads their embeddings from the cache. Pictures that cannot be read are left
/// out, with the reason.
/// @return [read, embed_dim]
/// @throws FileError for a cache of something else, and if it cannot be written; ArgumentError for
///         a batch of 0
inline PictureEmbeddings embed_pictures(AnyModel& model, const PictureList& pictures,
                                        const PictureEmbeddingOptions& options = {}) {
  if (options.batch == 0) throw ArgumentError("the batch is 0, expected at least 1");
  const std::size_t count = pictures.names.size();
  const IdentityParts key =
      options.cache.empty() ? IdentityParts() : cache_key(model.info(), pictures, options);
  if (!options.cache.empty())
    if (auto cached = read_embedding_cache(options.cache, key, count)) return std::move(*cached);
  PictureEmbeddings all{{{}, 0, model.info().embed_dim}, {}, {}};
  for (std::size_t first = 0; first < count; first += options.batch) {
    detail::embed_some(model, pictures, first, options, all);
    if (options.on_progress) options.on_progress(std::min(first + options.batch, count), count);
  }
  if (!options.cache.empty()) write_embedding_cache(options.cache, key, all);
  return all;
}

}  // namespace coca
