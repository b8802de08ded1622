#pragma once
// Data sets in memory for the tests of data/. (These tests are not in tests/data/, as the layout
// would have it, because that is where the files of all tests are.)

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/image/png.hpp"
#include "image/expected.hpp"
#include "io/temporary_folder.hpp"

namespace coca_test {

inline const std::string datasets_folder = COCA_TEST_DATA "/datasets/";

/// Pictures of one colour each: sample i is (i, 255 - i, 7), 8 + i % 4 pixels wide. Some may be
/// broken.
class ColorDataset {
 public:
  explicit ColorDataset(std::size_t count, std::vector<std::size_t> broken = {})
      : broken_(std::move(broken)) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto level = static_cast<std::uint8_t>(i);
      const coca::Rgb color{level, static_cast<std::uint8_t>(255 - level), 7};
      files_.push_back(coca::encode_png(coca::Image(8 + i % 4, 8, color)));
    }
  }

  std::size_t size() const { return files_.size(); }
  coca::Record record(std::size_t index) const {
    const std::string number = std::to_string(index);
    return {"picture " + number,
            {"caption " + number + " a", "caption " + number + " b"},
            static_cast<std::int32_t>(index % 3)};
  }
  std::vector<std::uint8_t> read(std::size_t index) const {
    for (const std::size_t each : broken_) {
      if (each == index) throw coca::FileError("picture " + std::to_string(index), "is broken");
    }
    return files_[index];
  }

 private:
  std::vector<std::size_t> broken_;
  std::vector<std::vector<std::uint8_t>> files_;
};
static_assert(coca::Dataset<ColorDataset>);

}  // namespace coca_test
