#include "coca/image/open_clip_preprocess.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "expected.hpp"

using coca::ColorMode;
using coca::DecodedImage;
using coca::PreprocessConfig;

namespace {

DecodedImage decode_picture(const std::string& name) {
  return coca::decode_image(file_bytes(picture_folder + name), name, {.color_key_to_alpha = false});
}

}  // namespace

TEST_CASE("Pictures of every mode equal Pillow's when resized in their own mode") {
  const PreprocessConfig shortest{.height = 24, .width = 24};
  const PreprocessConfig longest{.height = 20,
                                 .width = 20,
                                 .interpolation = coca::Interpolation::bilinear,
                                 .resize_mode = coca::ResizeMode::longest,
                                 .fill_color = {90, 90, 90}};
  const ExpectedArrays expected(picture_folder + "expected.safetensors");
  for (const auto& entry : std::filesystem::directory_iterator(picture_folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors")) continue;
    CAPTURE(name);
    const auto a = compare(resize_and_crop_like_open_clip(decode_picture(name), shortest),
                           expected.image(name + ".open_clip"));
    CHECK(a.largest <= 1);
    CHECK(a.equal_fraction >= 0.999);
    const auto b = compare(resize_and_crop_like_open_clip(decode_picture(name), longest),
                           expected.image(name + ".open_clip_longest"));
    CHECK(b.largest <= 1);
    CHECK(b.equal_fraction >= 0.999);
  }
}

TEST_CASE("Palettes are resized by nearest neighbour, transparency is dropped") {
  DecodedImage picture;
  picture.mode = ColorMode::palette;
  picture.width = 2;
  picture.height = 2;
  picture.samples = {0, 1, 1, 0};
  picture.palette[0] = {10, 20, 30, 0};
  picture.palette[1] = {200, 100, 0, 255};
  const coca::Image image = resize_and_crop_like_open_clip(picture, {.height = 4, .width = 4});
  CHECK(image.at(1, 0) == coca::Rgb{10, 20, 30});
  CHECK(image.at(2, 1) == coca::Rgb{200, 100, 0});
}

TEST_CASE("EXIF orientation is ignored") {
  const PreprocessConfig config{.height = 16, .width = 16};
  const coca::Image stored = coca::read_image(picture_folder + "exif5.jpg", {.exif = false});
  const coca::Pixels pixels = coca::preprocess_like_open_clip(picture_folder + "exif5.jpg", config);
  CHECK(pixels.values == preprocess(stored, config).values);
  CHECK(pixels.values != preprocess(coca::read_image(picture_folder + "exif5.jpg"), config).values);
  CHECK(coca::preprocess_like_open_clip(file_bytes(picture_folder + "exif5.jpg"), "memory", config)
            .values == pixels.values);
}

TEST_CASE("Damaged pictures are preprocessed on request, and counted") {
  std::vector<std::uint8_t> cut = file_bytes(COCA_TEST_DATA "/damaged_image/restart.jpg");
  cut.resize(cut.size() / 2);
  coca::DamagedPictures damaged;
  const coca::DecodeOptions options{.truncated = true, .damaged = &damaged};
  const PreprocessConfig config{.height = 16, .width = 16};
  CHECK(coca::preprocess_like_open_clip(cut, "cut", config, options).width == 16);
  CHECK(damaged.count() == 1);
  CHECK_THROWS_AS(coca::preprocess_like_open_clip(cut, "cut", config), coca::FileError);
  const std::string path = COCA_TEST_DATA "/damaged_image/no_end.png";
  CHECK(coca::preprocess_like_open_clip(path, config, options).width == 16);
  CHECK(damaged.count() == 2);
}

TEST_CASE("A fill colour that the mode cannot hold is refused") {
  PreprocessConfig config{.height = 8, .width = 8, .resize_mode = coca::ResizeMode::longest};
  config.fill_color = {1, 2, 3};
  CHECK(message_of<coca::ArgumentError>([&] {
          resize_and_crop_like_open_clip(decode_picture("gray2.png"), config);
        }) == "a fill_color of three different samples needs an RGB picture");
}

TEST_CASE("Errors name the file") {
  CHECK(message_of<coca::FileError>([] {
          coca::preprocess_like_open_clip(picture_folder + "none.png");
        }) == picture_folder + "none.png: cannot be opened: No such file or directory");
  CHECK(message_of<coca::FileError>([] {
          coca::preprocess_like_open_clip(picture_folder + "gray2.png", {}, 100);
        }).ends_with("the picture claims 37 x 29 pixels, more than the limit of 100 pixels"));
}
