#include "coca/training/training_pictures.hpp"

#include "catch.hpp"
#include "coca/data/caption_file.hpp"
#include "small_run.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;

namespace {

PreprocessConfig small() {
  PreprocessConfig config;
  config.height = config.width = 32;
  return config;
}

}  // namespace

TEST_CASE("floats are turned into the picture that they came from") {
  const Image image = draw_shape(2, {10, 200, 99});
  const Image again = to_image(preprocess(image, small()), small());
  REQUIRE(again.width() == 32);
  for (std::size_t i = 0; i < 32 * 32 * 3; ++i) CHECK(image.data()[i] == again.data()[i]);
}

TEST_CASE("the first whole pictures of a data set, with their captions") {
  const SmallData data;
  const std::string broken = data.folder().write("broken.png", "x");
  const std::string list =
      data.folder().write("first.jsonl", "{\"image\":\"" + broken + "\",\"caption\":\"none\"}\n" +
                                             coca_test::read_all(data.list()));
  const TrainingPictures pictures = first_pictures(CaptionFile(list), 3, small());
  REQUIRE(pictures.pixels.size() == 3);
  REQUIRE(pictures.shown.size() == 3);
  CHECK(contains(pictures.shown[0].name, "00_iguana.png: an iguana"));
  CHECK(contains(pictures.shown[0].address, "data:image/png;base64,iVBOR"));
  CHECK(pictures.pixels[0].values.size() == 3 * 32 * 32);
}

TEST_CASE("named pictures must exist") {
  const SmallData data;
  const TrainingPictures pictures = read_pictures({data.folder().path("red_circle.png")}, small());
  REQUIRE(pictures.shown.size() == 1);
  CHECK(pictures.shown[0].name == "red_circle.png");
  CHECK(contains(coca_test::message_of([&] { read_pictures({"/nowhere.png"}, small()); }),
                 "/nowhere.png"));
}
