#include "coca/evaluation/zero_shot.hpp"

#include <vector>

#include "catch.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;
using Labels = std::vector<std::size_t>;

namespace {

// Seven classes along the axes of a space of seven dimensions.
std::vector<float> axes() {
  std::vector<float> values(49, 0.0f);
  for (std::size_t i = 0; i < 7; ++i) values[8 * i] = 2.0f;
  return values;
}

}  // namespace

TEST_CASE("Accuracy counts the nearest class, the nearest five, and each class alike",
          "[evaluation]") {
  // Likes the classes in the order 0, 1, 2, ...
  const std::vector<float> picture{7, 6, 5, 4, 3, 2, 1};
  std::vector<float> pictures;
  for (int i = 0; i < 4; ++i) pictures.insert(pictures.end(), picture.begin(), picture.end());
  const ZeroShotAccuracy accuracy = zero_shot_accuracy({pictures, Labels{0, 0, 4, 5}}, axes());
  CHECK(accuracy.top_1 == 0.5);
  CHECK(accuracy.top_5 == 0.75);
  CHECK(accuracy.mean_per_class == 1.0 / 3);
}

TEST_CASE("Classes that do not fit the pictures are reported", "[evaluation]") {
  const std::vector<float> picture(7, 1.0f);
  CHECK(testing::error_of([&] {
          zero_shot_accuracy({picture, Labels{7}}, axes());
        }) == "a picture is of class 7, but there are 7 classes");
  CHECK(testing::error_of([&] {
          zero_shot_accuracy({picture, Labels{0}}, std::vector<float>(8, 1.0f));
        }) == "the classes have 8 values, expected a multiple of the pictures' width, 7");
}
