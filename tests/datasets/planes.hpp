#pragma once
// torchvision's results for a picture in floats: tests/data/datasets/augmentations.safetensors.

#include <array>
#include <string>

#include "coca/image/preprocess.hpp"
#include "comparison.hpp"
#include "image/expected.hpp"

namespace coca_test {

class Torchvision {
 public:
  /// The picture that was changed, [3, 24, 32].
  coca::Pixels input() const { return {3, 24, 32, arrays_.floats("input")}; }
  std::vector<float> floats(const std::string& name) const { return arrays_.floats(name); }
  coca::Image image(const std::string& name) const { return arrays_.image(name); }

 private:
  ExpectedArrays arrays_{COCA_TEST_DATA "/datasets/augmentations.safetensors"};
};

inline const Torchvision torchvision;

/// "" if a picture equals torchvision's result.
inline std::string difference(const coca::Pixels& pixels, const Torchvision& expected,
                              const std::string& name, double tolerance = 1e-6) {
  return coca::testing::first_difference(pixels.values, expected.floats(name), tolerance);
}

}  // namespace coca_test
