#include "coca/data/feature_cache.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace feature_cache_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

/// Two views of `pictures` pictures, 3 tokens of width 2.
FeatureCacheContent content(std::size_t pictures = 5) {
  return {.made_from = {{"weights", "a"}, {"precision", "f32"}},
          .pictures = pictures,
          .views = 2,
          .tokens = 3,
          .width = 2};
}

std::vector<float> features(const FeatureShard& shard) {
  std::vector<float> values;
  for (std::size_t i = 0; i < shard.count * 6; ++i)
    values.push_back(static_cast<float>(shard.view * 1000 + shard.first * 6 + i) / 4);
  return values;
}

}  // namespace

TEST_CASE("features come back from their shards, view by view") {
  const TemporaryFolder folder;
  const FeatureCache cache(folder.path("cache"), content());
  CHECK(cache.missing().size() == 2);
  CHECK(cache.missing_bytes() == 2 * 5 * 6 * 2);
  CHECK(cache.content().bytes() == 120);
  for (const FeatureShard& shard : cache.shards()) {
    const std::map<std::size_t, std::string> broken{{3, "t.png: is \xFF broken"}};
    cache.write(shard, features(shard), shard.view == 1 ? broken : decltype(broken)());
  }
  CHECK(cache.missing().empty());
  const CachedFeatures cached(FeatureCache(folder.path("cache"), content()));
  CHECK(cached.pictures() == 5);
  std::vector<float> values(6);
  for (std::size_t epoch = 0; epoch < 4; ++epoch) {
    cached.read(2, epoch, values.data());
    for (std::size_t i = 0; i < 6; ++i)
      CHECK(values[i] == static_cast<float>(epoch % 2 * 1000 + 2 * 6 + i) / 4);
  }
  cached.read(3, 0, values.data());
  CHECK(message_of([&] { cached.read(3, 1, values.data()); }) == "t.png: is ? broken");
  CHECK(message_of([&] { cached.read(5, 0, values.data()); }) ==
        "features of picture 5 were requested, of a cache of 5");
}

TEST_CASE("shards hold whole batches and some 64 MiB") {
  FeatureCacheContent large = content(1'000'000);
  large.tokens = 50;
  large.width = 768;
  CHECK(large.picture_bytes() == 76800);
  CHECK(large.shard_pictures() == 864);  // 873.8, in batches of 32
  CHECK(large.shards() == 1158);
  large.tokens = 1'000'000;
  CHECK(large.shard_pictures() == 32);
  CHECK(content().shards() == 1);
}

TEST_CASE("a cache of something else is refused with what differs") {
  const TemporaryFolder folder;
  const std::string path = folder.path("cache");
  const FeatureCache cache(path, content());
  FeatureCacheContent other = content();
  other.made_from[0].second = "b";
  CHECK(message_of([&] { FeatureCache(path, other); }) ==
        path +
            "/features.json: describes features of something else; weights: a, expected b; give "
            "another folder, or delete this one");
  other.views = 1;
  other.dtype = DType::BF16;
  CHECK(contains(message_of([&] { FeatureCache(path, other); }),
                 "weights: a, expected b; views: 2, expected 1; dtype: F16, expected BF16"));
  other.made_from.push_back({"seed", "3"});
  CHECK(contains(message_of([&] { FeatureCache(path, other); }), "seed: nothing, expected 3"));
  FeatureCacheContent less = content();
  const auto [name, value] = less.made_from.back();
  less.made_from.pop_back();
  CHECK(contains(message_of([&] { FeatureCache(path, less); }),
                 name + ": " + value + ", expected nothing"));

  for (const FeatureShard& shard : cache.shards()) cache.write(shard, features(shard));
  FeatureCacheContent moved = content();
  moved.made_from[0].second = "c";
  const FeatureCache second(folder.path("second"), moved);
  for (const FeatureShard& shard : cache.shards())
    std::filesystem::copy_file(cache.path(shard), second.path(shard));
  CHECK(contains(message_of([&] { CachedFeatures{second}; }),
                 "holds features of something else than features.json says"));
  std::filesystem::resize_file(cache.path(cache.shards()[0]), 100);
  CHECK_THROWS_AS(CachedFeatures(cache), FileError);
  folder.write("cache/features.json", "[1]");
  CHECK(contains(message_of([&] { FeatureCache(path, content()); }), "is not a JSON object"));
}

TEST_CASE("numbers that the type of a cache does not hold are refused") {
  const TemporaryFolder folder;
  const FeatureCache half(folder.path("half"), content());
  std::vector<float> values = features(half.shards()[0]);
  values[7] = 70000;
  CHECK(message_of([&] { half.write(half.shards()[0], values); }) ==
        "a feature is 70000.000000, which F16 does not hold; bf16 does");
  CHECK(half.missing().size() == 2);
  FeatureCacheContent wide = content();
  wide.dtype = DType::BF16;
  const FeatureCache brain(folder.path("brain"), wide);
  brain.write(brain.shards()[0], values);
  values[7] = std::nanf("");
  CHECK(contains(message_of([&] { brain.write(brain.shards()[0], values); }), "is nan"));
  CHECK_THROWS_AS(half.write(half.shards()[0], std::vector<float>(7)), ShapeError);
}

TEST_CASE("too little space is an error before anything is computed") {
  const TemporaryFolder folder;
  FeatureCacheContent huge = content(std::size_t{1} << 20);
  huge.tokens = std::size_t{1} << 20;
  huge.width = 1 << 12;  // 16 PiB
  const FeatureCache cache(folder.path("cache"), huge);
  const std::string message = message_of([&] { cache.expect_space(); });
  CHECK(
      message.starts_with(folder.path("cache") + ": needs 18014398509481984 bytes for features, "));
  CHECK(message.ends_with(" are free"));
  const FeatureCache small(folder.path("small"), content());
  CHECK(message_of([&] { small.expect_space(); }) == "no error");
}

}  // namespace feature_cache_test
