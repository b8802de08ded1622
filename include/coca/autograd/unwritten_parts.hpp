#pragma once
/// @file
/// Parts of a gradient's memory that nothing was written to yet.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace coca {

/// Which parts of an array of gradients hold nothing, so that the first to write to one may assign
/// instead of adding to zeros. Saves a training step two passes over the memory of all weights.
class UnwrittenParts {
 public:
  /// A part; parts lie in order and do not overlap.
  struct Part {
    std::size_t first = 0, size = 0;  ///< elements
    bool unwritten = false;
  };

  /// @param parts none of which is unwritten
  explicit UnwrittenParts(std::vector<Part> parts = {}) : parts_(std::move(parts)) {}

  /// From now on no part holds anything.
  void forget() noexcept { mark(true); }
  /// Somebody has written to all of them.
  void mark_written() noexcept { mark(false); }

  /// Whether elements [first, first + size) are a part that nothing was written to; it is from now
  /// on: the caller assigns to all of it.
  bool take(std::size_t first, std::size_t size) {
    const auto part = first_behind(first);
    if (part == parts_.end() || part->first != first || part->size != size || !part->unwritten)
      return false;
    part->unwritten = false;
    return true;
  }

  /// Calls zero(first, size) for each part among elements [first, first + size), or partly there,
  /// that nothing was written to. They are written then.
  template <class Zero>
  void settle(std::size_t first, std::size_t size, const Zero& zero) {
    for (auto part = first_behind(first); part != parts_.end() && part->first < first + size;
         ++part)
      if (part->unwritten) {
        zero(part->first, part->size);
        part->unwritten = false;
      }
  }

 private:
  void mark(bool unwritten) noexcept {
    for (Part& part : parts_) part.unwritten = unwritten;
  }

  // The first part that does not end before an element.
  std::vector<Part>::iterator first_behind(std::size_t element) {
    return std::partition_point(parts_.begin(), parts_.end(), [element](const Part& part) {
      return part.first + part.size <= element;
    });
  }

  std::vector<Part> parts_;
};

}  // namespace coca
