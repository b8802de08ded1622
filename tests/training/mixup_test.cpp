#include "coca/training/mixup.hpp"

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/io/json.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace {

Json timm_mixup() {
  return read_json_file(std::string(COCA_TEST_DATA) + "/datasets/mixup_cutmix.json");
}

PixelBatch pictures_of(std::size_t batch, std::size_t height, std::size_t width) {
  PixelBatch pictures{batch, 3, height, width, {}};
  for (std::size_t i = 0; i < batch * 3 * height * width; ++i)
    pictures.values.push_back(static_cast<float>(i));
  return pictures;
}

}  // namespace

TEST_CASE("targets of mixed pictures are timm's", "[mixup]") {
  const Json examples = timm_mixup().at("targets");
  REQUIRE(examples.size() == 1);
  for (const Json& example : examples) {
    const auto labels = example.at("labels").get<std::vector<std::int32_t>>();
    const auto classes = example.at("classes").get<std::size_t>();
    const std::vector<float> targets =
        mixed_targets(labels, classes, example.at("lambda"), example.at("smoothing"));
    REQUIRE(targets.size() == labels.size() * classes);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      const double expected = example.at("expected")[i / classes][i % classes];
      CHECK(std::abs(double{targets[i]} - expected) <= 1e-6);
    }
  }
}

TEST_CASE("boxes of CutMix are timm's", "[mixup]") {
  const Json boxes = timm_mixup().at("boxes");
  REQUIRE(boxes.size() == 4);
  for (const Json& example : boxes) {
    const PixelBatch size{2, 3, example.at("height"), example.at("width"), {}};
    const PictureBox box =
        cutmix_box(size, example.at("lambda"), example.at("centre")[0], example.at("centre")[1]);
    CHECK(box == PictureBox{example.at("top"), example.at("bottom"), example.at("left"),
                            example.at("right")});
    CHECK(std::abs(share_outside(box, size) - example.at("corrected_lambda").get<double>()) <=
          1e-12);
  }
}

TEST_CASE("picture i is mixed with picture n - 1 - i", "[mixup]") {
  const PixelBatch before = pictures_of(4, 2, 5);
  PixelBatch mixed = before;
  mix_pictures(mixed, {0.75, std::nullopt});
  const std::size_t picture = 3 * 2 * 5;
  for (std::size_t i = 0; i < mixed.values.size(); ++i) {
    const std::size_t partner = (3 - i / picture) * picture + i % picture;
    CHECK(mixed.values[i] == 0.75f * before.values[i] + 0.25f * before.values[partner]);
  }
  PixelBatch cut = before;
  mix_pictures(cut, {0.8, PictureBox{1, 2, 2, 4}});
  for (std::size_t i = 0; i < cut.values.size(); ++i) {
    const std::size_t partner = (3 - i / picture) * picture + i % picture;
    const std::size_t y = i / 5 % 2, x = i % 5;
    const bool inside = y == 1 && x >= 2 && x < 4;
    CHECK(cut.values[i] == before.values[inside ? partner : i]);
  }
}

TEST_CASE("shares are drawn from the beta distribution", "[mixup]") {
  for (const double shape : {0.2, 1.0, 4.0}) {
    double sum = 0, squares = 0;
    constexpr int count = 20000;
    for (int i = 0; i < count; ++i) {
      RandomDraws draws({1, 0, static_cast<std::uint64_t>(i)}, "beta");
      const double share = draw_beta(shape, draws);
      REQUIRE((share >= 0 && share <= 1));
      sum += share;
      squares += share * share;
    }
    const double mean = sum / count, variance = squares / count - mean * mean;
    // Var = 1 / (4 (2 a + 1)); the deviations of 20,000 draws' mean and variance are below 0.004.
    CHECK(std::abs(mean - 0.5) <= 0.015);
    CHECK(std::abs(variance - 1 / (4 * (2 * shape + 1))) <= 0.008);
  }
  RandomDraws draws({1, 0, 0}, "beta");
  for (int i = 0; i < 100; ++i) CHECK(std::isfinite(draw_beta(0.01, draws)));
}

TEST_CASE("a step draws mixup, cutmix, or one of the two", "[mixup]") {
  const PixelBatch pictures = pictures_of(2, 12, 12);
  const auto boxes = [&](const MixupOptions& options) {
    int count = 0;
    for (std::uint64_t step = 0; step < 200; ++step)
      count += draw_mixing(options, pictures, {{1, step, 0}, "mixup"}).box ? 1 : 0;
    return count;
  };
  CHECK(boxes({.mixup = 0.8}) == 0);
  CHECK(boxes({.cutmix = 1}) == 200);
  CHECK(std::abs(boxes({0.8, 1}) - 100) <= 35);  // five deviations
}

TEST_CASE("mixing that cannot be is refused", "[mixup]") {
  const auto refusal = [](const MixupOptions& options, std::size_t batch) {
    return coca_test::message_of([&] { expect_mixup(options, batch); });
  };
  CHECK(refusal({.mixup = 0.8}, 3) ==
        "mixup and cutmix mix pictures in pairs: the batch has 3, expected an even number");
  CHECK_NOTHROW(expect_mixup({}, 3));
  CHECK(refusal({.mixup = -1}, 2) == "mixup is -1.000000, expected 0 or from 0.01 to 100");
  CHECK(refusal({.cutmix = std::nan("")}, 2) == "cutmix is nan, expected 0 or from 0.01 to 100");
}
