#include "coca/pipelines/picture_embeddings.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "color_model.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace picture_embeddings_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;
using testing::ColorModel;
using testing::png_of;

namespace {

/// Pictures in memory; an empty one is broken.
PictureList list_of(const std::vector<std::string>& files) {
  PictureList list;
  for (std::size_t i = 0; i < files.size(); ++i) list.names.push_back(std::to_string(i) + ".png");
  list.read = [files](std::size_t i) {
    return std::vector<std::uint8_t>(files[i].begin(), files[i].end());
  };
  return list;
}

const std::string red = png_of({255, 0, 0}), blue = png_of({0, 0, 255});

}  // namespace

TEST_CASE("Pictures are embedded in batches, broken ones left out with the reason") {
  ColorModel model;
  std::vector<std::size_t> progress;
  const PictureEmbeddings all = embed_pictures(
      model, list_of({red, "broken", blue, red}),
      {.batch = 2,
       .on_progress = [&](std::size_t done, std::size_t) { progress.push_back(done); }});
  CHECK(all.read == std::vector<std::size_t>{0, 2, 3});
  CHECK(all.embeddings.count == 3);
  CHECK(all.embeddings.values == std::vector<float>{1, 0, 0, 0, 0, 1, 1, 0, 0});
  REQUIRE(all.broken.size() == 1);
  CHECK(contains(all.broken.at(1), "1.png"));
  CHECK(model.calls == 2);
  CHECK(progress == std::vector<std::size_t>{2, 4});
}

TEST_CASE("Embeddings are computed once with a cache, and not taken from that of others") {
  const TemporaryFolder folder;
  ColorModel model;
  const PictureEmbeddingOptions options{.cache = folder.path("cache")};
  const PictureList pictures = list_of({red, "broken", blue});
  const PictureEmbeddings first = embed_pictures(model, pictures, options);
  const PictureEmbeddings again = embed_pictures(model, pictures, options);
  CHECK(model.embedded == 2);
  CHECK(again.embeddings.values == first.embeddings.values);
  CHECK(again.read == first.read);
  CHECK(again.broken == first.broken);
  CHECK(contains(message_of([&] { embed_pictures(model, list_of({red}), options); }),
                 "its list of files is 3 files"));
  CHECK(contains(message_of([&] {
                   embed_pictures(model, pictures,
                                  {.crop_border = 1, .cache = folder.path("cache")});
                 }),
                 "its preprocessing is plain instead of plain without a border of 1"));
}

TEST_CASE("Borders are cut off before the encoder sees a picture") {
  Image framed(6, 6, Rgb{255, 0, 0});
  for (std::size_t y = 1; y < 5; ++y)
    for (std::size_t x = 1; x < 5; ++x) framed.set(x, y, {0, 255, 0});
  const std::vector<std::uint8_t> bytes = encode_png(framed);
  ColorModel model;
  const PictureList pictures = list_of({std::string(bytes.begin(), bytes.end()), red});
  const PictureEmbeddings all = embed_pictures(model, pictures, {.crop_border = 1});
  CHECK(std::vector<float>(all.embeddings.values.begin(), all.embeddings.values.begin() + 3) ==
        std::vector<float>{0, 1, 0});
  CHECK(contains(embed_pictures(model, pictures, {.crop_border = 2}).broken.at(1),
                 "1.png: a picture of 4 x 4 pixels has nothing inside a border of 2"));
  CHECK_FALSE(message_of([&] { embed_pictures(model, pictures, {.batch = 0}); }) == "no error");
}

TEST_CASE("A border is cut off in OpenCLIP's preprocessing as well") {
  ModelInfo info = ColorModel().info();
  info.open_clip_preprocessing = true;
  info.preprocessing.height = info.preprocessing.width = 2;
  Image framed(4, 4, Rgb{255, 0, 0});
  for (const std::size_t y : {1, 2})
    for (const std::size_t x : {1, 2}) framed.set(x, y, {0, 255, 0});
  const Pixels pixels = picture_pixels(info, encode_png(framed), "framed", 1);
  CHECK(pixels.values == std::vector<float>{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0});
}

}  // namespace picture_embeddings_test
