#pragma once
/// @file
/// Computing the features that a FeatureCache does not hold yet.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/data/feature_cache.hpp"
#include "coca/data/loader.hpp"

namespace coca {

/// What is observed while features are computed, and how that is stopped.
struct FeatureEvents {
  std::function<void(std::size_t, std::size_t)> on_progress{};  ///< pictures done, all
  const std::atomic<bool>* stop = nullptr;
};

namespace detail {

/// The features of one shard.
class ShardFeatures {
 public:
  std::vector<float> values;
  std::map<std::size_t, std::string> broken;

  ShardFeatures(const FeatureShard& shard, const FeatureCacheContent& content)
      : values(shard.count * content.picture_values()),
        first_(shard.first),
        width_(content.picture_values()) {}

  /// @param features of the pictures of the batch, [batch, tokens, width]
  /// @throws ShapeError for another number of values
  void take(const Batch& batch, std::span<const float> features) {
    if (features.size() != batch.size() * width_)
      throw ShapeError("an encoder gave " + counted(features.size(), "value") + " for " +
                       counted(batch.size(), "picture") + ", expected " + std::to_string(width_) +
                       " of each");
    for (std::size_t i = 0; i < batch.size(); ++i)
      std::copy_n(
          features.begin() + static_cast<std::ptrdiff_t>(i * width_), width_,
          values.begin() + static_cast<std::ptrdiff_t>((batch.indices[i] - first_) * width_));
    for (const SkippedPicture& picture : batch.skipped)
      broken[picture.index - first_] = picture.reason;
  }

 private:
  std::size_t first_, width_;
};

inline LoaderOptions feature_loading(LoaderOptions options) {
  options.order.batch_size = 32;  // which divides the size of a shard
  options.order.shuffle = false;
  options.order.drop_last = false;
  options.order.group_size = 1;
  options.order.rank = 0;
  options.order.ranks = 1;
  options.group_key.clear();
  options.replace_broken = false;
  if (options.sample.pictures_per_sample > 1) options.prefetch = 1;  // batches of clips are large
  return options;
}

}  // namespace detail

/// Computes and writes all shards that are missing, one after the other. View number v of the
/// pictures is what a Loader of the same options shows in epoch v.
/// @param loading how pictures are read; order but for the seed does not matter
/// @param encode  of a PixelBatch: their features, [batch, tokens, width]
/// @return whether the cache is complete now; false if it was stopped
/// @throws ArgumentError for another number of pictures; FileError for too little space, before the
///         first picture; as FeatureCache::write
inline bool fill_feature_cache(const FeatureCache& cache, const AnyDataset& data,
                               const LoaderOptions& loading,
                               const std::function<std::vector<float>(const PixelBatch&)>& encode,
                               const FeatureEvents& events = {}) {
  const FeatureCacheContent& content = cache.content();
  if (data.size() != content.pictures)
    throw ArgumentError("a cache of the features of " + std::to_string(content.pictures) +
                        " pictures cannot be filled from " + std::to_string(data.size()));
  const std::vector<FeatureShard> missing = cache.missing();
  if (missing.empty()) return true;
  cache.expect_space();
  Loader loader(data, detail::feature_loading(loading));
  std::size_t done = 0, all = 0;
  for (const FeatureShard& shard : missing) all += shard.count;
  for (const FeatureShard& shard : missing) {
    detail::ShardFeatures features(shard, content);
    const std::size_t batch_size = loader.order().global_batch_size();
    const DataPosition start{shard.view, shard.first / batch_size};
    if (loader.position() != start) loader.seek(start);
    for (std::size_t first = 0; first < shard.count; first += batch_size) {
      if (events.stop != nullptr && *events.stop) return false;
      const Batch batch = loader.next();
      features.take(batch, batch.size() == 0 ? std::vector<float>() : encode(batch.pixels));
      done += std::min(batch_size, shard.count - first);
      if (events.on_progress) events.on_progress(done, all);
    }
    cache.write(shard, features.values, features.broken);
  }
  return true;
}

}  // namespace coca
