#include "coca/data/sample_reader.hpp"

#include <atomic>
#include <cmath>
#include <map>
#include <memory>
#include <set>

#include "catch.hpp"
#include "small_datasets.hpp"

using coca::Sample;
using coca::SampleReader;
using coca::SkippedPicture;
using coca_test::ColorDataset;

namespace {

/// Counts how often pictures are read.
struct CountingDataset {
  ColorDataset colors{4, {2}};
  std::shared_ptr<std::atomic<int>> reads = std::make_shared<std::atomic<int>>(0);

  std::size_t size() const { return colors.size(); }
  coca::Record record(std::size_t index) const { return colors.record(index); }
  std::vector<std::uint8_t> read(std::size_t index) const {
    ++*reads;
    return colors.read(index);
  }
};

constexpr std::size_t side = 12;

/// One picture whose record has these fields.
struct OnePicture {
  std::map<std::string, std::string> fields;

  std::size_t size() const { return 1; }
  coca::Record record(std::size_t) const { return {"picture", {"caption"}, {}, fields}; }
  std::vector<std::uint8_t> read(std::size_t) const {
    return coca::encode_png(test_image(side, side));
  }
};

coca::SampleOptions small_options() {
  coca::SampleOptions options;
  options.preprocess.height = options.preprocess.width = side;
  return options;
}

}  // namespace

TEST_CASE("A sample has its picture, one caption, and its label") {
  const ColorDataset dataset(4);
  SampleReader reader(dataset, small_options());
  const Sample sample = std::get<Sample>(reader.read({1, 0, 2}));
  CHECK(sample.index == 2);
  CHECK(sample.name == "picture 2");
  CHECK(sample.label == 2);
  const coca::Image image = coca::read_image(dataset.read(2), "picture 2");
  CHECK(sample.pixels.values == coca::preprocess(image, small_options().preprocess).values);
  std::set<std::string> captions;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    captions.insert(std::get<Sample>(reader.read({1, epoch, 2})).caption);
  }
  CHECK(captions == std::set<std::string>{"caption 2 a", "caption 2 b"});
}

TEST_CASE("In evaluation the first caption is shown") {
  coca::SampleOptions options = small_options();
  options.first_caption = 1;
  SampleReader reader(ColorDataset(4), options);
  for (std::uint64_t epoch = 0; epoch < 10; ++epoch) {
    CHECK(std::get<Sample>(reader.read({1, epoch, 3})).caption == "caption 3 a");
  }
}

TEST_CASE("The probability of the first caption is between 0 and 1") {
  for (const double chance : {-0.1, 1.1, std::nan("")}) {
    coca::SampleOptions options = small_options();
    options.first_caption = chance;
    CHECK(
        coca_test::contains(coca_test::message_of([&] { SampleReader(ColorDataset(4), options); }),
                            "first_caption is"));
  }
}

TEST_CASE("A broken picture is reported with the reason, and read once") {
  const CountingDataset dataset;
  SampleReader reader(dataset, small_options());
  const auto broken = std::get<SkippedPicture>(reader.read({1, 0, 2}));
  CHECK(broken.index == 2);
  CHECK(broken.name == "picture 2");
  CHECK(broken.reason == "picture 2: is broken");
  CHECK(std::get<SkippedPicture>(reader.read({1, 1, 2})).reason == broken.reason);
  CHECK(*dataset.reads == 1);
}

TEST_CASE("Caching decoded pictures does not change samples") {
  const CountingDataset dataset;
  coca::SampleOptions options = small_options();
  options.augmentation = coca::AugmentationOptions{.flip_probability = 0.5};
  SampleReader plain(dataset, options);
  options.cache_bytes = 1 << 20;
  SampleReader cached(dataset, options);
  const auto values = [](SampleReader& reader, std::uint64_t epoch) {
    return std::get<Sample>(reader.read({1, epoch, 1})).pixels.values;
  };
  CHECK(values(plain, 0) == values(cached, 0));
  CHECK(*dataset.reads == 2);
  CHECK(values(plain, 1) == values(cached, 1));
  CHECK(*dataset.reads == 3);
  CHECK(cached.cache().size() == 1);
}

TEST_CASE("Pictures are mirrored unless their field says no") {
  const auto read = [](const std::string& flip, const std::string& key) {
    coca::SampleOptions options = small_options();
    options.augmentation = coca::AugmentationOptions{.crop = {.scale = {1, 1}, .ratio = {1, 1}},
                                                     .flip_probability = 1};
    options.flip_key = key;
    return SampleReader(OnePicture{{{"flip", flip}}}, options).read({});
  };
  const auto pixels = [&](const std::string& flip, const std::string& key) {
    return std::get<Sample>(read(flip, key)).pixels.values;
  };
  CHECK(pixels("true", "flip") == pixels("false", ""));
  CHECK(pixels("1", "flip") == pixels("true", "flip"));
  CHECK(pixels("false", "flip") != pixels("true", "flip"));
  CHECK(pixels("0", "flip") == pixels("false", "flip"));
  const auto reason = [&](const std::string& flip, const std::string& key) {
    return std::get<SkippedPicture>(read(flip, key)).reason;
  };
  CHECK(reason("no", "flip") ==
        "\"flip\" is \"no\", expected true or false: whether the picture may "
        "be mirrored");
  CHECK(coca_test::contains(reason("true", "mirror"), "\"mirror\" is \"\""));
}

TEST_CASE("A picture's field scales its colour changes") {
  const auto read = [](const std::string& strength, const std::string& key, double hue = 0.4) {
    coca::SampleOptions options = small_options();
    options.augmentation = coca::AugmentationOptions{.crop = {.scale = {1, 1}, .ratio = {1, 1}},
                                                     .color_jitter = {.hue = hue}};
    options.color_key = key;
    return SampleReader(OnePicture{{{"color", strength}}}, options).read({});
  };
  const auto pixels = [&](const std::string& strength, const std::string& key, double hue = 0.4) {
    return std::get<Sample>(read(strength, key, hue)).pixels.values;
  };
  CHECK(pixels("1", "color") == pixels("0", ""));
  CHECK(pixels("0.25", "color") == pixels("0", "", 0.1));
  CHECK(pixels("0.25", "color") != pixels("1.0", "color"));
  CHECK(pixels("0", "color") == pixels("0", "", 0));
  for (const std::string strength : {"1.5", "-0.1", "nan", "much", "", "0.5 "}) {
    INFO(strength);
    CHECK(std::get<SkippedPicture>(read(strength, "color")).reason ==
          "\"color\" is \"" + strength +
              "\", expected a number from 0 to 1: how much colours may change");
  }
}

TEST_CASE("Large pictures can be shrunk before they are cached, or refused") {
  struct OneImage {
    std::size_t size() const { return 1; }
    coca::Record record(std::size_t) const { return {"large", {}, {}}; }
    std::vector<std::uint8_t> read(std::size_t) const {
      return coca::encode_png(test_image(100, 80));
    }
  };
  coca::SampleOptions options = small_options();
  options.shrink_to = 20;
  options.cache_bytes = 1 << 20;
  SampleReader reader(OneImage{}, options);
  const Sample sample = std::get<Sample>(reader.read({}));
  CHECK(reader.cache().bytes() == 25 * 20 * 3);
  CHECK(sample.caption.empty());
  CHECK(sample.label == coca::no_label);
  options.max_pixels = 7999;
  SampleReader strict(OneImage{}, options);
  CHECK(coca_test::contains(std::get<SkippedPicture>(strict.read({})).reason,
                            "more than the limit of 7999 pixels"));
}

TEST_CASE("Truncated pictures are broken, or on request used in part and counted") {
  struct OneImage {
    std::size_t size() const { return 1; }
    coca::Record record(std::size_t) const { return {"cut.png", {}, {}}; }
    std::vector<std::uint8_t> read(std::size_t) const {
      std::vector<std::uint8_t> bytes = coca::encode_png(test_image(100, 80));
      bytes.resize(bytes.size() / 2);
      return bytes;
    }
  };
  coca::DamagedPictures damaged;
  coca::SampleOptions options = small_options();
  options.damaged = &damaged;
  SampleReader strict(OneImage{}, options);
  CHECK(coca_test::contains(std::get<SkippedPicture>(strict.read({})).reason,
                            "the file ends too early"));
  CHECK(damaged.count() == 0);
  options.truncated = true;
  SampleReader reader(OneImage{}, options);
  CHECK(std::get<Sample>(reader.read({})).name == "cut.png");
  CHECK(std::get<Sample>(reader.read({})).name == "cut.png");
  CHECK(damaged.count() == 1);
}
