#include "coca/video/video_dataset.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/data/loader.hpp"
#include "coca/features.hpp"
#include "video/clips.hpp"
#include "video/moving_squares.hpp"

using namespace coca;

namespace video_dataset_test {
using coca_test::message_of;
using coca_test::MovingSquares;

namespace {

/// The number of a frame, by its corner.
std::size_t number_of(const Image& frame) { return frame.at(0, 0)[0] / 10; }

std::vector<std::size_t> numbers_of(const Frames& frames) {
  std::vector<std::size_t> numbers;
  for (const Image& frame : frames.images) numbers.push_back(number_of(frame));
  return numbers;
}

using Numbers = std::vector<std::size_t>;

}  // namespace

TEST_CASE("A data set of videos gives the frames of all views", "[video]") {
  const MovingSquares squares(true);
  const std::vector<ClassedVideo> list{{squares.video(1, 0), 1}, {squares.video(0, 2), {}}};
  const VideoDataset plain(list, {.frames = 3});
  REQUIRE(plain.size() == 2);
  CHECK(plain.record(0).name == squares.video(1, 0));
  CHECK(plain.record(0).label == 1);
  CHECK_FALSE(plain.record(1).label);
  CHECK(numbers_of(plain.frames({0, 0, 0})) == Numbers{1, 3, 5});
  CHECK(numbers_of(VideoDataset(list, {.frames = 2, .clips = 3}).frames({})) ==
        Numbers{0, 3, 1, 4, 2, 5});
  CHECK(numbers_of(VideoDataset(list, {.frames = 2, .crops = 3, .interval = 2}).frames({})) ==
        Numbers{1, 3, 1, 3, 1, 3});
  CHECK(message_of([&] { plain.read(0); }) ==
        squares.video(1, 0) + ": is a video, of which frames are read");
  CHECK_THROWS_AS(plain.frames({0, 0, 2}), ArgumentError);
  CHECK_THROWS_AS(VideoDataset(list, {.frames = 0}), ArgumentError);
  const std::vector<ClassedVideo> none{{"/no/such.mp4", {}}};
  CHECK(message_of([&] { VideoDataset(none).frames({}); }).starts_with("/no/such.mp4: "));

  const VideoDataset random(list, {.frames = 2, .random = true});
  std::size_t changed = 0;
  for (std::uint64_t epoch = 0; epoch < 30; ++epoch) {
    const Numbers numbers = numbers_of(random.frames({1, epoch, 0}));
    CHECK(numbers[0] < 3);
    CHECK(numbers[1] >= 3);
    changed += numbers != numbers_of(random.frames({1, epoch + 1, 0}));
  }
  CHECK(changed > 15);  // two of three of each: 8 of 9 differ on average
}

TEST_CASE("Frames pass through all that holds a data set", "[video]") {
  const MovingSquares squares(true);
  const auto set_of = [&](std::size_t motion) {
    return AnyDataset(VideoDataset({{squares.video(motion, 0), {}}, {squares.video(motion, 1), {}}},
                                   {.frames = 2}));
  };
  const AnyDataset both = ConcatDataset({set_of(0), set_of(2)});
  const AnyDataset some = NotedDataset(Subset(both, {3, 0}), {"a note"});
  const auto frames = some.frames({0, 0, 0});
  REQUIRE(frames);
  CHECK(frames->images.at(0).at(0, 0)[0] == 10 * 1 + 1);  // frame 1 of video 1
  CHECK(frames->images.at(0).at(4 + 1, 12) == Rgb{255, 255, 255});
  CHECK(some.frames({0, 0, 1})->images.at(1).at(0, 0)[0] == 40);
  CHECK_THROWS_AS(some.frames({0, 0, 2}), ArgumentError);
}

TEST_CASE("A loader shows clips, and counts videos that cannot be read", "[video]") {
  const MovingSquares squares(true);
  const VideoDataset videos(
      {{squares.video(0, 0), 0}, {"/no/such.mp4", 1}, {squares.video(3, 0), 3}}, {.frames = 2});
  LoaderOptions options{.order = {.batch_size = 3, .shuffle = false, .drop_last = false}};
  options.sample.preprocess.width = options.sample.preprocess.height = 16;
  options.sample.pictures_per_sample = 2;
  options.replace_broken = false;
  Loader loader(videos, options);
  const Batch batch = loader.next();
  CHECK(batch.labels == std::vector<std::int32_t>{0, 3});
  CHECK(batch.pixels.shape() == Shape{4, 3, 16, 16});
  REQUIRE(batch.skipped.size() == 1);
  CHECK(batch.skipped[0].name == "/no/such.mp4");
  const Pixels alone = preprocess(videos.frames({0, 0, 2}).images[1], options.sample.preprocess);
  CHECK(std::vector<float>(batch.pixels.values.end() - 3 * 16 * 16, batch.pixels.values.end()) ==
        alone.values);

  options.sample.pictures_per_sample = 3;
  Loader wrong(videos, options);
  CHECK(wrong.next().skipped.at(0).reason ==
        "a video gave 2 pictures, but pictures_per_sample is 3");
}

TEST_CASE("Readable frames of a damaged video are used and counted", "[video]") {
  if (!COCA_HAS_FFMPEG) return;
  const coca_test::TemporaryFolder folder;
  const std::string whole = coca_test::clip_bytes("h264.mkv");
  const std::string half = folder.write("half.mkv", whole.substr(0, whole.size() / 2));
  const VideoDataset videos({{half, 0}}, {.frames = 4});
  CHECK(videos.frames({}).images.size() == 4);
  CHECK(videos.frames({}).damage.starts_with("its frames end after "));
  DamagedPictures damaged;
  SampleOptions options{.pictures_per_sample = 4, .damaged = &damaged};
  SampleReader reader(videos, options);
  CHECK(std::holds_alternative<Sample>(reader.read({})));
  CHECK(damaged.count() == 1);
}

}  // namespace video_dataset_test
