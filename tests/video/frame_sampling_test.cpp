#include "coca/video/frame_sampling.hpp"

#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"
#include "video/clips.hpp"

using namespace coca_test;
using coca::dense_frames;
using coca::DenseSampling;
using coca::FrameSpread;
using coca::uniform_frames;

namespace {

using Numbers = std::vector<std::size_t>;

const coca::Json& fixture() {
  static const coca::Json json =
      coca::parse_json(clip_bytes("frame_indices.json"), "frame_indices.json");
  return json;
}

coca::RandomDraws draws_of(std::uint64_t sample) {
  return {{.seed = 5, .index = sample}, "frames"};
}

}  // namespace

TEST_CASE("Uniform frames are those of MMAction2, CLIP4Clip and BLIP", "[video]") {
  REQUIRE(fixture().at("uniform").size() == 24);
  for (const coca::Json& row : fixture().at("uniform")) {
    const auto frames = row.at("frames").get<std::size_t>();
    const auto samples = row.at("samples").get<std::size_t>();
    CAPTURE(frames, samples);
    CHECK(uniform_frames(frames, samples) == row.at("segment_centres").get<Numbers>());
    CHECK(uniform_frames(frames, samples, FrameSpread::linspace) ==
          row.at("linspace").get<Numbers>());
    CHECK(uniform_frames(frames, samples, FrameSpread::segment_starts) ==
          row.at("segment_starts").get<Numbers>());
  }
}

TEST_CASE("Dense clips are those of MMAction2's tests", "[video]") {
  REQUIRE(fixture().at("dense_test").size() == 5);
  for (const coca::Json& row : fixture().at("dense_test")) {
    const DenseSampling sampling{row.at("clip_length").get<std::size_t>(),
                                 row.at("interval").get<std::size_t>(),
                                 row.at("clips").get<std::size_t>()};
    const auto frames = row.at("frames").get<std::size_t>();
    CAPTURE(frames, sampling.length, sampling.clips);
    CHECK(dense_frames(frames, sampling) == row.at("indices").get<std::vector<Numbers>>());
  }
}

TEST_CASE("Random frames are one of each segment", "[video]") {
  std::vector<std::set<std::size_t>> seen(4);
  for (std::uint64_t sample = 0; sample < 200; ++sample) {
    auto draws = draws_of(sample);
    const Numbers numbers = coca::random_frames(20, 4, draws);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(numbers[i] / 5 == i);
      seen[i].insert(numbers[i]);
    }
    auto again = draws_of(sample);
    CHECK(coca::random_frames(20, 4, again) == numbers);
  }
  for (const auto& each : seen) CHECK(each.size() == 5);
  auto draws = draws_of(0);
  CHECK(coca::random_frames(1, 3, draws) == Numbers{0, 0, 0});
  const Numbers few = coca::random_frames(3, 7, draws);  // segments shorter than a frame
  CHECK(std::is_sorted(few.begin(), few.end()));
  CHECK(few.front() == 0);
  CHECK(few.back() == 2);
}

TEST_CASE("Random clips begin anywhere where they fit", "[video]") {
  const DenseSampling sampling{.length = 3, .interval = 2};
  std::set<std::size_t> starts;
  for (std::uint64_t sample = 0; sample < 100; ++sample) {
    auto draws = draws_of(sample);
    const Numbers numbers = coca::random_dense_frames(8, sampling, draws);
    CHECK(numbers == Numbers{numbers[0], numbers[0] + 2, numbers[0] + 4});
    starts.insert(numbers[0]);
  }
  CHECK(starts == std::set<std::size_t>{0, 1, 2, 3});
  auto draws = draws_of(0);
  CHECK(coca::random_dense_frames(3, sampling, draws) == Numbers{0, 2, 1});
}

TEST_CASE("Sampling nothing, or of nothing, is refused", "[video]") {
  CHECK(message_of([] { uniform_frames(0, 4); }) == "a video without frames cannot be sampled");
  CHECK(message_of([] { uniform_frames(4, 0); }) ==
        "0 frames of a video were requested, expected at least 1");
  CHECK(message_of([] { dense_frames(4, {.length = 0}); }) != "no error");
  CHECK(message_of([] { dense_frames(4, {.interval = 0}); }) != "no error");
  CHECK(message_of([] { dense_frames(4, {.clips = 0}); }) != "no error");
  CHECK(message_of([] { uniform_frames(std::size_t{1} << 40, 2); }) ==
        "2 samples of 1099511627776 frames were requested, expected at most 2^31");
}
