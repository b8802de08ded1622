#include "coca/evaluation/video_run.hpp"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "coca/io/atomic_file.hpp"
#include "video/moving_squares.hpp"

using namespace coca;

namespace video_run_test {
using coca_test::message_of;
using coca_test::MovingSquares;
using coca_test::read_all;

namespace {

/// The logit of class c of four is minus the distance of the clip's mean first red value from c.
class RedModel final : public AnyVideoModel {
 public:
  RedModel() : AnyVideoModel(info_of()) {}

  std::size_t clips = 0;  ///< so far

  std::vector<float> logits(const PixelBatch& pixels, std::size_t clip_frames) override {
    const std::size_t picture = 3 * pixels.height * pixels.width;
    std::vector<float> all;
    for (std::size_t clip = 0; clip < pixels.batch / clip_frames; ++clip, ++clips) {
      double red = 0;
      for (std::size_t f = 0; f < clip_frames; ++f)
        red += double{pixels.values[(clip * clip_frames + f) * picture]};
      red *= 255 / static_cast<double>(clip_frames);
      for (int c = 0; c < 4; ++c) all.push_back(static_cast<float>(-std::abs(red / 10 - c)));
    }
    return all;
  }

 private:
  static VideoModelInfo info_of() {
    VideoModelInfo info{.config = {4, 2, false}, .classes = {"0", "1", "2", "3"}};
    info.preprocessing.mean = {0, 0, 0};
    info.preprocessing.std = {1, 1, 1};
    info.preprocessing.width = info.preprocessing.height = 32;
    info.identity_parts = {{"weights", "red"}};
    return info;
  }
};

/// Video n of each motion, whose red is 10 n.
LabelledVideos videos_of(const MovingSquares& squares) {
  LabelledVideos videos{{"0", "1", "2", "3"}, {}};
  for (std::size_t motion = 0; motion < 2; ++motion)
    for (std::size_t n = 0; n < 4; ++n)
      videos.videos.push_back({squares.video(motion, n), static_cast<std::int32_t>(n)});
  return videos;
}

}  // namespace

TEST_CASE("videos are classified by the mean of their views, in order") {
  const MovingSquares squares;
  RedModel model;
  std::vector<std::size_t> progress;
  VideoRunOptions options{.loading = {.sampling = {.frames = 2, .clips = 3}}};
  options.on_progress = [&](std::size_t done, std::size_t all) {
    CHECK(all == 8);
    progress.push_back(done);
  };
  VideoResultFile results("", {});
  classify_videos(model, videos_of(squares), options, results);
  REQUIRE(results.results().size() == 8);
  CHECK(model.clips == 8 * 3);
  CHECK(progress == std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8});
  for (std::size_t i = 0; i < 8; ++i) {
    const VideoResult& result = results.results()[i];
    CHECK(result.number == i);
    CHECK(result.video == videos_of(squares).videos[i].path);
    CHECK(result.label == i % 4);
    CHECK(result.rank == 0);
    CHECK(result.top.size() == 4);
  }
  CHECK(video_scores(results.results(), 4).top_1 == 1.0);
  // Of class 0: logits 0, -1, -2, -3 in each view; the probability of the first is 0.6439.
  CHECK(std::abs(results.results()[0].top[0].probability - 0.643914) <= 1e-5);
}

TEST_CASE("an interrupted evaluation repeats no finished video") {
  const MovingSquares squares;
  const LabelledVideos videos = videos_of(squares);
  const std::string path = squares.folder().path("results.jsonl");
  RedModel model;
  VideoRunOptions options{.loading = {.sampling = {.frames = 2}, .decoders = 1}};
  struct Killed {};
  options.on_progress = [](std::size_t done, std::size_t) {
    if (done == 3) throw Killed();
  };
  const auto made_from = video_results_of(model.info(), videos, options);
  {
    VideoResultFile results(path, made_from);
    CHECK_THROWS_AS(classify_videos(model, videos, options, results), Killed);
  }
  CHECK(model.clips == 3);
  const std::string before = read_all(path);
  write_file_atomically(path,
                        std::string_view(before + "{\"number\":3,\"vid"));  // killed in a line
  std::vector<std::size_t> progress;
  options.on_progress = [&](std::size_t done, std::size_t) { progress.push_back(done); };
  VideoResultFile results(path, made_from);
  classify_videos(model, videos, options, results);
  CHECK(model.clips == 8);
  CHECK(progress == std::vector<std::size_t>{4, 5, 6, 7, 8});
  CHECK(results.results().size() == 8);
  CHECK(read_all(path).starts_with(before));
  classify_videos(model, videos, options, results);
  CHECK(model.clips == 8);

  VideoRunOptions others = options;
  others.loading.sampling.clips = 2;
  CHECK(video_results_of(model.info(), videos, others) != made_from);
  LabelledVideos fewer = videos;
  fewer.videos.pop_back();
  CHECK(video_results_of(model.info(), fewer, options) != made_from);
}

TEST_CASE("videos that cannot be read are told, and left out or the end") {
  const MovingSquares squares;
  LabelledVideos videos = videos_of(squares);
  videos.videos[1].path = "/no/such.mp4";
  RedModel model;
  VideoRunOptions options{.loading = {.sampling = {.frames = 2}, .decoders = 0}};
  std::vector<std::string> broken;
  options.on_broken = [&](const SkippedPicture& video) { broken.push_back(video.name); };
  VideoResultFile results("", {});
  classify_videos(model, videos, options, results);
  CHECK(broken == std::vector<std::string>{"/no/such.mp4"});
  CHECK(results.results().size() == 7);
  CHECK_FALSE(results.has(1));
  options.on_broken = [](const SkippedPicture& video) { throw Error(video.name); };
  VideoResultFile none("", {});
  CHECK(message_of([&] { classify_videos(model, videos, options, none); }) == "/no/such.mp4");
}

}  // namespace video_run_test
