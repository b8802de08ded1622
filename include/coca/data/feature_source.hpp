#pragma once
/// @file
/// Features of the pictures of a data set that were computed before, such as the tokens of a frozen
/// encoder: what a Loader gives in the place of pictures.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace coca {

/// Features of each picture, tokens of a width. Const objects are used by several threads at once.
class FeatureSource {
 public:
  virtual ~FeatureSource() = default;

  virtual std::size_t pictures() const = 0;  ///< of the data set
  virtual std::size_t tokens() const = 0;    ///< of a picture
  virtual std::size_t width() const = 0;     ///< of a token

  /// Writes those of a picture to out, [tokens, width].
  /// @param epoch chooses among the views of the picture, if there are several
  /// @throws Error for a picture that could not be read when its features were computed: why.
  virtual void read(std::size_t index, std::uint64_t epoch, float* out) const = 0;
};

/// Features of several pictures, [batch, tokens, width].
struct FeatureBatch {
  std::size_t tokens = 0;
  std::size_t width = 0;
  std::vector<float> values{};

  bool empty() const noexcept { return values.empty(); }
};

}  // namespace coca
