#pragma once
/// @file
/// A cache of decoded pictures, as many as fit in memory.

#include <cstddef>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "coca/data/transparent_image.hpp"

namespace coca {

/// Keeps the first pictures until its memory is full, and then no more: each epoch requests
/// all of them once, so that replacing one by another would gain nothing. Threads may share it.
class PictureCache {
 public:
  /// @param max_bytes of pixels; 0 keeps nothing
  explicit PictureCache(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  /// The picture of a sample, or null.
  std::shared_ptr<const TransparentImage> find(std::size_t index) const {
    const std::scoped_lock lock(mutex_);
    const auto found = pictures_.find(index);
    return found == pictures_.end() ? nullptr : found->second;
  }

  /// Keeps the picture if there is room. @return the picture
  std::shared_ptr<const TransparentImage> keep(std::size_t index, TransparentImage picture) {
    auto shared = std::make_shared<const TransparentImage>(std::move(picture));
    const std::scoped_lock lock(mutex_);
    if (shared->bytes() <= max_bytes_ - bytes_ && pictures_.emplace(index, shared).second) {
      bytes_ += shared->bytes();
    }
    return shared;
  }

  /// Bytes of pixels that are kept.
  std::size_t bytes() const {
    const std::scoped_lock lock(mutex_);
    return bytes_;
  }

  /// Number of pictures that are kept.
  std::size_t size() const {
    const std::scoped_lock lock(mutex_);
    return pictures_.size();
  }

 private:
  std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  mutable std::mutex mutex_;
  std::unordered_map<std::size_t, std::shared_ptr<const TransparentImage>> pictures_;
};

}  // namespace coca
