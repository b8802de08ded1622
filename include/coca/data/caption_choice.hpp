#pragma once
/// @file
/// Which of several captions a picture is shown with.

#include <string>
#include <vector>

#include "coca/data/random_draws.hpp"

namespace coca {

/// One of the captions, which depends only on the key; "" if there is none.
/// @param first probability of taking the first one at once, 0 to 1; otherwise any of them
inline std::string choose_caption(const std::vector<std::string>& captions, const SampleKey& key,
                                  double first = 0) {
  if (captions.empty()) return {};
  RandomDraws draws(key, "caption");
  const std::size_t any = draws.below(captions.size());
  return captions[draws.chance(first) ? 0 : any];
}

}  // namespace coca
