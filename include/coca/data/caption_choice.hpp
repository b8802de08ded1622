#pragma once
/// @file
/// Which of several captions a picture is shown with.

#include <string>
#include <vector>

#include "coca/data/random_draws.hpp"

namespace coca {

/// One of the captions, drawn by the key alone; "" where there is none.
inline std::string choose_caption(const std::vector<std::string>& captions, const SampleKey& key) {
  if (captions.empty()) return {};
  return captions[RandomDraws(key, "caption").below(captions.size())];
}

}  // namespace coca
