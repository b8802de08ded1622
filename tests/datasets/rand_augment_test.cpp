#include "coca/data/rand_augment.hpp"

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/io/json.hpp"
#include "coca/io/open_checkpoint.hpp"

using coca::PictureOperation;
using coca::RandAugmentOptions;

namespace {

// In the order of PictureOperation.
constexpr std::array<const char*, coca::picture_operations> operation_names{
    "Identity", "ShearX",   "ShearY",    "TranslateX", "TranslateY", "Rotate",       "Brightness",
    "Color",    "Contrast", "Sharpness", "Posterize",  "Solarize",   "AutoContrast", "Equalize"};

coca::Image stored_picture(const coca::Checkpoint& file, const std::string& name) {
  const std::vector<float> samples = file.read_floats(name);
  const coca::Shape shape = file.tensor(name).shape;
  return {shape[1], shape[0], std::vector<std::uint8_t>(samples.begin(), samples.end())};
}

coca::Checkpoint by_torchvision() {
  return coca::open_checkpoint(std::string(COCA_TEST_DATA) + "/datasets/rand_augment.safetensors");
}

coca::Image drawn(const RandAugmentOptions& options, std::uint64_t epoch, double strength = 1) {
  coca::Image image = stored_picture(by_torchvision(), "input");
  coca::rand_augment(image, options, {{.seed = 1, .epoch = epoch}, "rand_augment"}, strength);
  return image;
}

}  // namespace

TEST_CASE("RandAugment's operations are torchvision's to the bit", "[rand_augment]") {
  const coca::Checkpoint expected = by_torchvision();
  const coca::Image input = stored_picture(expected, "input");
  for (std::size_t i = 0; i < operation_names.size(); ++i) {
    const auto operation = static_cast<PictureOperation>(i);
    for (const int sign : {1, -1}) {
      if (sign < 0 && !coca::is_signed(operation)) continue;
      const std::string name = std::string(operation_names[i]) + "." + std::to_string(sign);
      CAPTURE(name);
      coca::Image changed = input;
      coca::apply_operation(changed, operation, sign * coca::magnitude_of(operation, 20, input));
      CHECK(changed == stored_picture(expected, name));
    }
  }
}

TEST_CASE("RandAugment's magnitudes are torchvision's", "[rand_augment]") {
  const coca::Json expected =
      coca::read_json_file(std::string(COCA_TEST_DATA) + "/datasets/rand_augment.json");
  const coca::Image picture(200, 100);
  for (const auto& entry : expected.items()) {  // clang 14 captures no structured bindings
    const std::string magnitude = entry.key();
    const coca::Json& values = entry.value();
    CAPTURE(magnitude);
    const auto is = [&](PictureOperation operation, const char* key, double scale = 1) {
      const double got = coca::magnitude_of(operation, std::stoul(magnitude), picture);
      return std::abs(got - scale * values.at(key).get<double>()) <= 1e-6 * scale;  // of floats
    };
    CHECK(is(PictureOperation::shear_x, "shear"));
    CHECK(is(PictureOperation::shear_y, "shear"));
    CHECK(is(PictureOperation::translate_x, "translate_fraction", 200));
    CHECK(is(PictureOperation::translate_y, "translate_fraction", 100));
    CHECK(is(PictureOperation::rotate, "rotate_degrees"));
    for (const auto operation : {PictureOperation::brightness, PictureOperation::color,
                                 PictureOperation::contrast, PictureOperation::sharpness})
      CHECK(is(operation, "brightness_color_contrast_sharpness"));
    CHECK(is(PictureOperation::posterize, "posterize_bits"));
    CHECK(is(PictureOperation::solarize, "solarize_threshold"));
    CHECK(coca::magnitude_of(PictureOperation::equalize, std::stoul(magnitude), picture) == 0);
  }
}

TEST_CASE("RandAugment is drawn: nothing, something, and the same again", "[rand_augment]") {
  const coca::Image input = stored_picture(by_torchvision(), "input");
  CHECK(drawn({}, 0) == input);
  int changed = 0;
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    CHECK(drawn({2, 20}, epoch) == drawn({2, 20}, epoch));
    changed += drawn({2, 20}, epoch) == input ? 0 : 1;
  }
  CHECK(changed >= 45);  // both are the identity once in 196
}

TEST_CASE("Each operation is drawn equally often, with either sign", "[rand_augment]") {
  const coca::Image input = stored_picture(by_torchvision(), "input");
  std::map<std::vector<std::uint8_t>, int> seen;
  for (std::uint64_t epoch = 0; epoch < 2800; ++epoch) ++seen[drawn({1, 20}, epoch).pixels()];
  coca::Image same = input;
  coca::apply_operation(same, PictureOperation::equalize, 0);
  REQUIRE(same == input);    // as torchvision does with few pixels
  CHECK(seen.size() == 22);  // nine with a sign, five without, of which two change nothing
  const int unchanged = seen.extract(input.pixels()).mapped();
  CHECK(unchanged >= 310);  // expected 400, deviation 19
  CHECK(unchanged <= 490);
  for (const auto& [pixels, count] : seen) {
    CHECK(count >= 50);  // expected 100 or 200, deviations 10 and 14
    CHECK(count <= 270);
  }
}

TEST_CASE("Pictures about colours keep them in RandAugment", "[rand_augment]") {
  // Without operations on colours every pixel is one of the input's, or black.
  const coca::Image input = stored_picture(by_torchvision(), "input");
  std::map<coca::Rgb, int> known{{coca::Rgb{0, 0, 0}, 1}};
  for (std::size_t y = 0; y < input.height(); ++y)
    for (std::size_t x = 0; x < input.width(); ++x) known[input.at(x, y)] = 1;
  int moved = 0;
  for (std::uint64_t epoch = 0; epoch < 50; ++epoch) {
    const coca::Image image = drawn({2, 20}, epoch, 0);
    moved += image == input ? 0 : 1;
    for (std::size_t y = 0; y < image.height(); ++y)
      for (std::size_t x = 0; x < image.width(); ++x) REQUIRE(known.contains(image.at(x, y)));
  }
  CHECK(moved >= 20);
}

TEST_CASE("Pictures of one pixel and of one colour survive all operations", "[rand_augment]") {
  for (const coca::Image& picture :
       {coca::Image(1, 1, coca::Rgb{9, 8, 7}), coca::Image(5, 2, coca::Rgb{0, 255, 3})})
    for (std::size_t i = 0; i < coca::picture_operations; ++i)
      for (const std::size_t magnitude : {0, 30}) {
        const auto operation = static_cast<PictureOperation>(i);
        coca::Image image = picture;
        coca::apply_operation(image, operation, coca::magnitude_of(operation, magnitude, image));
        CHECK(image.width() == picture.width());
        if (magnitude == 0 && operation != PictureOperation::solarize) CHECK(image == picture);
      }
}
