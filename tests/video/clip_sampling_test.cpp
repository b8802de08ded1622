#include "coca/video/clip_sampling.hpp"

#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace clip_sampling_test {
using coca_test::message_of;

using Clips = std::vector<std::vector<std::size_t>>;

TEST_CASE("Clips share the frames of a video, a single one has the middles of segments",
          "[video]") {
  CHECK(spread_clips(30, 3, 1) == Clips{{5, 15, 25}});
  CHECK(spread_clips(12, 3, 2) == Clips{{1, 5, 9}, {3, 7, 11}});
  CHECK(spread_clips(1, 2, 2) == Clips{{0, 0}, {0, 0}});
  CHECK(message_of([] { spread_clips(5, 2, 0); }) ==
        "0 clips of a video were requested, expected at least 1");
  // MMAction2's dense clips, see frame_sampling_test
  CHECK(clip_frames(300, {.frames = 2, .clips = 3, .interval = 4}) ==
        dense_frames(300, {.length = 2, .interval = 4, .clips = 3}));
  CHECK(clip_frames(12, {.frames = 3, .clips = 2}) == spread_clips(12, 3, 2));
}

TEST_CASE("Random clips are a function of seed, epoch and sample", "[video]") {
  const ClipSampling spread{.frames = 4, .random = true};
  const ClipSampling dense{.frames = 4, .interval = 2, .random = true};
  std::size_t others = 0;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const SampleKey key{7, epoch, 3};
    const Clips clips = clip_frames(100, spread, key);
    REQUIRE(clips.size() == 1);
    CHECK(clips == clip_frames(100, spread, key));
    for (std::size_t i = 0; i < 4; ++i) CHECK(clips[0][i] / 25 == i);  // one in each segment
    others += clips != clip_frames(100, spread, {7, epoch, 4});
    others += clips != clip_frames(100, spread, {8, epoch, 3});
    const std::vector<std::size_t> part = clip_frames(100, dense, key).front();
    for (std::size_t i = 1; i < 4; ++i) CHECK(part[i] == part[i - 1] + 2);
  }
  CHECK(others > 36);
}

TEST_CASE("Clips that make no sense are refused", "[video]") {
  const auto refusal = [](const ClipSampling& sampling) {
    return message_of([&] { expect_clips(sampling); });
  };
  CHECK(ClipSampling{.frames = 3, .clips = 5, .crops = 2}.pictures() == 30);
  CHECK(refusal({}) == "no error");
  CHECK(refusal({.frames = 0}) ==
        "1 clips of 0 frames in 1 crops were requested, expected 1 to 1048576 of each");
  CHECK(refusal({.frames = std::size_t{1} << 60}) ==
        "1 clips of 1152921504606846976 frames in 1 crops were requested, expected 1 to 1048576 of "
        "each");
  CHECK(refusal({.frames = 1 << 10, .clips = 1 << 10, .crops = 1 << 10}) ==
        "1024 frames in 1024 times 1024 views are more pictures of a video than 1048576");
  CHECK(refusal({.clips = 2, .random = true}) ==
        "2 random clips of a video were requested, expected 1");
}

}  // namespace clip_sampling_test
