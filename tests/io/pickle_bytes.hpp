#pragma once
// Helpers for pickles written by hand as text.

#include <span>
#include <string>

#include "coca/io/pickle.hpp"
#include "temporary_folder.hpp"

namespace coca_test {

inline std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

inline coca::PickleDocument unpickle(const std::string& text,
                                     const coca::PickleLimits& limits = {}) {
  static const std::string path = "memory";
  return coca::read_pickle(path, as_bytes(text), limits);
}

inline std::string pickle_refusal(const std::string& text, const coca::PickleLimits& limits = {}) {
  return message_of([&] { unpickle(text, limits); });
}

/// The root as T; fails the test by an exception if it is something else.
template <class T>
T unpickle_as(const std::string& text) {
  const coca::PickleDocument document = unpickle(text);
  return std::get<T>(document[document.root]);
}

}  // namespace coca_test
