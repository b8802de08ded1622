#pragma once
/// @file
/// Parts of a gradient's memory that have not been written yet.

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace coca {

/// Which parts of an array of gradients are unwritten, so that the first write of one may assign
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

  /// Marks all parts as unwritten.
  void forget() noexcept { mark(true); }
  /// Marks all parts as written.
  void mark_written() noexcept { mark(false); }

  /// Whether elements [first, first + size) are an unwritten part; it counts as written from now
  /// on: the caller assigns all of it.
  bool take(std::size_t first, std::size_t size) {
    const auto part = first_ending_after(first);
    if (part == parts_.end() || part->first != first || part->size != size || !part->unwritten)
      return false;
    part->unwritten = false;
    return true;
  }

  /// Calls zero(first, size) for each part among elements [first, first + size), or partly there,
  /// that are unwritten, and marks them as written.
  template <class Zero>
  void settle(std::size_t first, std::size_t size, const Zero& zero) {
    for (auto part = first_ending_after(first); part != parts_.end() && part->first < first + size;
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
  std::vector<Part>::iterator first_ending_after(std::size_t element) {
    return std::partition_point(parts_.begin(), parts_.end(), [element](const Part& part) {
      return part.first + part.size <= element;
    });
  }

  std::vector<Part> parts_;
};

}  // namespace coca
