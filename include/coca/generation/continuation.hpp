#pragma once
/// @file
/// What the searches over one picture's captions share.

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace coca {

/// One of the best continuations: a word appended to one of the running sequences.
struct Continuation {
  float score = 0;         ///< of the whole sequence
  std::size_t parent = 0;  ///< index of the sequence within its group
  std::int32_t token = 0;
};

namespace detail {

/// score / length^penalty
inline float length_normalized(float score, std::size_t length, float penalty) {
  return static_cast<float>(double{score} / std::pow(static_cast<double>(length), double{penalty}));
}

}  // namespace detail

}  // namespace coca
