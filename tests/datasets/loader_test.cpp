#include "coca/data/loader.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "coca/data/caption_file.hpp"
#include "small_datasets.hpp"

using coca::Batch;
using coca::DataPosition;
using coca::Loader;
using coca::LoaderOptions;
using coca_test::ColorDataset;
using coca_test::message_of;

namespace {

LoaderOptions small_options(std::size_t batch_size, std::size_t threads = 2) {
  LoaderOptions options;
  options.order.batch_size = batch_size;
  options.order.seed = 9;
  options.sample.preprocess.height = options.sample.preprocess.width = 8;
  options.sample.augmentation = coca::AugmentationOptions{
      .flip_probability = 0.5, .affine = {.degrees = 20}, .color_jitter = {.brightness = 0.3}};
  options.threads = threads;
  return options;
}

std::vector<Batch> take(Loader& loader, std::size_t count) {
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < count; ++i) batches.push_back(loader.next());
  return batches;
}

bool same(const Batch& a, const Batch& b) {
  return a.position == b.position && a.pixels.values == b.pixels.values &&
         a.captions == b.captions && a.names == b.names && a.labels == b.labels &&
         a.indices == b.indices && a.skipped.size() == b.skipped.size();
}

bool same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const Batch& x, const Batch& y) { return same(x, y); });
}

/// Throws what is not an error of the library.
struct FailingDataset {
  std::size_t size() const { return 4; }
  coca::Record record(std::size_t) const { return {"x", {}, {}}; }
  std::vector<std::uint8_t> read(std::size_t) const { throw std::bad_alloc(); }
};

}  // namespace

TEST_CASE("A batch holds what its lists say") {
  const ColorDataset dataset(11);
  Loader loader(dataset, small_options(4));
  CHECK(loader.batches_per_epoch() == 2);
  std::set<std::size_t> seen;
  for (std::size_t count = 0; count < 4; ++count) {
    const std::uint64_t epoch = count / 2;
    const std::size_t i = count % 2;
    const Batch batch = loader.next();
    CHECK(batch.position == DataPosition{epoch, i});
    if (i == 0) seen.clear();
    REQUIRE(batch.size() == 4);
    CHECK(batch.pixels.shape() == coca::Shape{4, 3, 8, 8});
    REQUIRE(batch.pixels.values.size() == batch.pixels.shape().size());
    CHECK(batch.indices == loader.order().batch(epoch, i));
    for (std::size_t k = 0; k < 4; ++k) {
      const std::size_t index = batch.indices[k];
      const coca::SampleKey key{9, epoch, index};
      CHECK(batch.names[k] == "picture " + std::to_string(index));
      CHECK(batch.captions[k] == coca::choose_caption(dataset.record(index).captions, key));
      CHECK(batch.labels[k] == static_cast<std::int32_t>(index % 3));
      const coca::Augmentation augmentation(*small_options(4).sample.augmentation,
                                            small_options(4).sample.preprocess);
      const auto view = augmentation(coca::read_transparent_image(dataset.read(index), ""), key);
      CHECK(std::equal(view.values.begin(), view.values.end(),
                       batch.pixels.values.begin() + k * view.values.size()));
      seen.insert(index);
    }
    if (i == 1) CHECK(seen.size() == 8);
  }
}

TEST_CASE("Neither the number of threads nor prefetching changes a batch") {
  const ColorDataset dataset(23, {3, 4, 20});
  LoaderOptions options = small_options(5, 0);
  Loader alone(dataset, options);
  const std::vector<Batch> expected = take(alone, 13);
  for (const std::size_t threads : {1, 4}) {
    for (const std::size_t prefetch : {0, 1, 7}) {
      for (const std::size_t cache_bytes : {0, 1000, 1 << 20}) {
        options.threads = threads;
        options.prefetch = prefetch;
        options.sample.cache_bytes = cache_bytes;
        Loader loader(dataset, options);
        CHECK(same(take(loader, 13), expected));
      }
    }
  }
}

TEST_CASE("A loader continues where another one stopped") {
  const ColorDataset dataset(23, {1});
  Loader whole(dataset, small_options(5));
  const std::vector<Batch> expected = take(whole, 12);
  Loader first(dataset, small_options(5));
  take(first, 6);
  const DataPosition position = first.position();
  CHECK(position == DataPosition{1, 2});
  Loader second(dataset, small_options(5));
  second.next();  // in the middle of other work
  second.seek(position);
  CHECK(second.position() == position);
  const std::vector<Batch> rest = take(second, 6);
  CHECK(same(rest, {expected.begin() + 6, expected.end()}));
  second.seek({0, 0});
  CHECK(same(second.next(), expected[0]));
  CHECK(message_of([&] {
          second.seek({0, 4});
        }) == "the loader was sent to batch 4 of an epoch of 4");
}

TEST_CASE("Ranks together show what one rank shows, broken pictures included") {
  const ColorDataset dataset(30, {2, 11, 17});
  Loader whole(dataset, small_options(6));
  LoaderOptions options = small_options(2);
  options.order.ranks = 3;
  std::vector<std::unique_ptr<Loader>> ranks;
  for (std::size_t rank = 0; rank < 3; ++rank) {
    options.order.rank = rank;
    ranks.push_back(std::make_unique<Loader>(dataset, options));
  }
  for (std::size_t i = 0; i < 11; ++i) {
    const Batch expected = whole.next();
    std::vector<std::size_t> indices;
    std::vector<float> pixels;
    for (const auto& rank : ranks) {
      const Batch part = rank->next();
      indices.insert(indices.end(), part.indices.begin(), part.indices.end());
      pixels.insert(pixels.end(), part.pixels.values.begin(), part.pixels.values.end());
    }
    CHECK(indices == expected.indices);
    CHECK(pixels == expected.pixels.values);
  }
}

TEST_CASE("Broken pictures are replaced, reported and counted") {
  const ColorDataset dataset(20, {4, 9});
  Loader loader(dataset, small_options(5));
  std::set<std::size_t> named;
  for (const Batch& batch : take(loader, 12)) {
    CHECK(batch.size() == 5);
    CHECK(std::set<std::size_t>(batch.indices.begin(), batch.indices.end()).size() == 5);
    for (const std::size_t index : batch.indices) CHECK((index != 4 && index != 9));
    for (const coca::SkippedPicture& picture : batch.skipped) named.insert(picture.index);
  }
  CHECK(named == std::set<std::size_t>{4, 9});
  REQUIRE(loader.skipped().size() == 2);
  CHECK(loader.skipped()[0].index + loader.skipped()[1].index == 13);
  const coca::SkippedPicture& first = loader.skipped()[0];
  CHECK(first.name == "picture " + std::to_string(first.index));
  CHECK(first.reason == first.name + ": is broken");
}

TEST_CASE("In evaluation each picture is shown once, broken ones leave a smaller batch") {
  LoaderOptions options = small_options(4, GENERATE(0, 2));
  options.order.shuffle = options.order.drop_last = options.replace_broken = false;
  options.sample.augmentation.reset();
  const ColorDataset dataset(10, {1, 4, 5, 6, 7});
  Loader loader(dataset, options);
  CHECK(loader.batches_per_epoch() == 3);
  const std::vector<Batch> batches = take(loader, 3);
  CHECK(batches[0].indices == std::vector<std::size_t>{0, 2, 3});
  CHECK(batches[0].pixels.shape() == coca::Shape{3, 3, 8, 8});
  CHECK(batches[0].pixels.values.size() == 3 * 3 * 64);
  CHECK(batches[0].names == std::vector<std::string>{"picture 0", "picture 2", "picture 3"});
  const auto third =
      coca::preprocess(coca::read_image(dataset.read(3), ""), options.sample.preprocess);
  CHECK(std::equal(third.values.begin(), third.values.end(),
                   batches[0].pixels.values.begin() + 2 * 3 * 64));
  CHECK(batches[1].size() == 0);
  CHECK(batches[1].skipped.size() == 4);
  CHECK(batches[2].indices == std::vector<std::size_t>{8, 9});
  CHECK(loader.skipped().size() == 5);
}

TEST_CASE("A rank without a share of the last batch gets an empty one") {
  LoaderOptions options = small_options(2, GENERATE(0, 2));
  options.order.drop_last = false;
  options.order.ranks = 3;
  options.order.rank = 2;
  options.prefetch = 1;
  Loader loader(ColorDataset(8), options);
  REQUIRE(loader.batches_per_epoch() == 2);
  CHECK(loader.next().size() == 2);
  CHECK(loader.next().size() == 0);
  CHECK(loader.next().position == DataPosition{1, 0});
}

TEST_CASE("Data in which everything is broken ends in an error, not in a loop") {
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i < 150; ++i) all.push_back(i);
  const std::size_t threads = GENERATE(0, 3);
  Loader loader(ColorDataset(150, all), small_options(4, threads));
  const std::string message = message_of([&] { loader.next(); });
  CHECK(coca_test::contains(message, "100 pictures in a row are broken, the last one: picture "));
  CHECK(message_of([&] { loader.next(); }) == message);
  Loader few(ColorDataset(5, {0, 1, 2, 3, 4}), small_options(2, threads));
  CHECK(coca_test::contains(message_of([&] { few.next(); }), "5 pictures in a row are broken"));
  Loader one_good(ColorDataset(5, {0, 1, 2, 3}), small_options(2, threads));
  CHECK(one_good.next().indices == std::vector<std::size_t>{4, 4});
}

TEST_CASE("What a thread throws surfaces in next()") {
  Loader loader(FailingDataset(), small_options(2, GENERATE(0, 2)));
  CHECK_THROWS_AS(loader.next(), std::bad_alloc);
  CHECK_THROWS_AS(loader.next(), std::bad_alloc);
}

TEST_CASE("Options out of range are refused") {
  CHECK(coca_test::contains(message_of([] { Loader(ColorDataset(3), small_options(4)); }),
                            "does not fill one batch of 4"));
  LoaderOptions options = small_options(2);
  options.order.batch_size = std::size_t{1} << 31;
  options.order.drop_last = false;
  CHECK(message_of([&] { Loader(ColorDataset(3), options); }) ==
        "a batch of 2147483648 pictures of 8 x 8 pixels does not fit in memory");
  options = small_options(2);
  options.sample.augmentation->flip_probability = 2;
  CHECK(coca_test::contains(message_of([&] { Loader(ColorDataset(3), options); }),
                            "flip_probability"));
}

TEST_CASE("Waiting is measured, and an unused loader ends at once") {
  struct SlowDataset {
    ColorDataset colors{8};
    std::size_t size() const { return colors.size(); }
    coca::Record record(std::size_t index) const { return colors.record(index); }
    std::vector<std::uint8_t> read(std::size_t index) const {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      return colors.read(index);
    }
  };
  Loader loader(SlowDataset(), small_options(4, 1));
  CHECK(loader.seconds_waited() == 0.0);
  loader.next();
  CHECK(loader.seconds_waited() > 0.0);
  Loader unused(SlowDataset(), small_options(4, 3));
}

namespace {

/// Pairs of pictures, the second one of them in another colour, with fields. The second picture of
/// record 2 is missing.
struct Pairs {
  ColorDataset left{5}, right{9};

  std::size_t size() const { return left.size(); }
  coca::Record record(std::size_t index) const {
    coca::Record record = left.record(index);
    record.fields = {{"answer", std::to_string(10 * index)}, {"question", "which?"}};
    return record;
  }
  std::vector<std::uint8_t> read(std::size_t index, std::size_t number = 0) const {
    if (index == 2 && number == 1) throw coca::FileError("pair 2", "has one picture");
    return number == 0 ? left.read(index) : right.read(8 - index);
  }
};

coca::PixelBatch pixels_of(const std::vector<std::uint8_t>& file,
                           const coca::PreprocessConfig& config) {
  const coca::Pixels pixels = coca::preprocess(coca::read_image(file, ""), config);
  return {1, pixels.channels, pixels.height, pixels.width, pixels.values};
}

}  // namespace

TEST_CASE("Fields of records reach the batch untouched, and samples may have several pictures") {
  LoaderOptions options = small_options(3);
  options.order.shuffle = options.order.drop_last = options.replace_broken = false;
  options.sample.augmentation.reset();
  options.sample.pictures_per_sample = 2;
  options.sample.cache_bytes = GENERATE(0, 1 << 20);
  const Pairs dataset;
  Loader loader(dataset, options);
  for (int epoch = 0; epoch < 2; ++epoch) {
    const Batch batch = loader.next();
    REQUIRE(batch.size() == 2);
    CHECK(batch.indices == std::vector<std::size_t>{0, 1});
    CHECK(batch.skipped.at(0).reason == "pair 2: has one picture");
    CHECK(batch.fields[1].at("answer") == "10");
    CHECK(batch.fields[0].at("question") == "which?");
    CHECK(batch.pictures_per_sample == 2);
    CHECK(batch.pixels.shape() == coca::Shape{4, 3, 8, 8});
    REQUIRE(batch.pixels.values.size() == 4 * 3 * 64);
    for (std::size_t i = 0; i < 4; ++i) {
      const auto expected = pixels_of(dataset.read(i / 2, i % 2), options.sample.preprocess);
      CHECK(std::equal(expected.values.begin(), expected.values.end(),
                       batch.pixels.values.begin() + static_cast<std::ptrdiff_t>(i * 3 * 64)));
    }
    const Batch next = loader.next();
    CHECK(next.indices == std::vector<std::size_t>{3, 4});
    CHECK(next.fields[0].at("answer") == "30");
  }
}

TEST_CASE("A sample of more pictures than its record has is broken") {
  LoaderOptions options = small_options(2);
  options.sample.pictures_per_sample = 2;
  options.replace_broken = false;
  Loader loader(ColorDataset(2), options);
  const Batch batch = loader.next();
  CHECK(batch.size() == 0);
  CHECK(batch.skipped.at(0).reason.find("has one picture, but picture 2 was requested") !=
        std::string::npos);
  options.sample.pictures_per_sample = 0;
  CHECK(message_of([&] { Loader(ColorDataset(2), options); }) ==
        "pictures_per_sample is 0, expected at least 1");
}

TEST_CASE("Rows that cannot be read belong to no other group, and are skipped once") {
  const std::string text = "image,text,thing\n" + coca_test::datasets_folder +
                           "pictures/green.jpg,a,hat\nbroken,row\n" + coca_test::datasets_folder +
                           "pictures/gray.png,b,bus\nbroken again\n";
  const coca::AnyDataset dataset =
      coca::CaptionFile(std::string_view(text), "x.csv", {.field_keys = {"thing"}});
  CHECK(coca::detail::groups_of(dataset, "thing") == std::vector<std::size_t>{0, 2, 1, 2});
  LoaderOptions options = small_options(2);
  options.group_key = "thing";
  options.order.group_size = 2;
  Loader loader(dataset, options);
  for (int i = 0; i < 6; ++i) CHECK(loader.next().size() == 2);
  REQUIRE(loader.skipped().size() == 2);
  for (const coca::SkippedPicture& row : loader.skipped()) {
    CHECK(row.name == "x.csv");
    CHECK(coca_test::contains(row.reason, row.index == 1 ? "x.csv: line 3: the row has 2 fields"
                                                         : "x.csv: line 5: the row has 1 field"));
  }
}
