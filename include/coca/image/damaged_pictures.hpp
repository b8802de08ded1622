#pragma once
/// @file
/// A count of the pictures that could be read although their files are damaged.

#include <cstddef>
#include <mutex>
#include <set>
#include <string>

namespace coca {

/// Counts damaged pictures that were decoded all the same, each name once, however often it is
/// read. Threads may share it.
class DamagedPictures {
 public:
  /// @param name   of the picture's file
  /// @param damage what is wrong with it, DecodedImage::damage
  void add(const std::string& name, const std::string& damage) {
    const std::scoped_lock lock(mutex_);
    if (names_.empty()) first_ = name + ": " + damage;
    names_.insert(name);
  }

  std::size_t count() const {
    const std::scoped_lock lock(mutex_);
    return names_.size();
  }

  /// The first that was found and what is wrong with it, "photo.jpg: Corrupt JPEG data: ..."; empty
  /// if there was none.
  std::string first() const {
    const std::scoped_lock lock(mutex_);
    return first_;
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> names_;
  std::string first_;
};

}  // namespace coca
