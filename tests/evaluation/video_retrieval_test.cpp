#include "coca/evaluation/video_retrieval.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/image/write_png.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/color_model.hpp"

using namespace coca;
using namespace coca::testing;

namespace video_retrieval_test {
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

/// A folder of two frames in one colour, under the name of a video.
void write_video(const TemporaryFolder& folder, const std::string& name, const Rgb& color) {
  std::filesystem::create_directory(folder.path(name));
  for (const char* frame : {"/1.png", "/2.png"})
    write_png(folder.path(name) + frame, Image(8, 8, color));
}

const std::string lists = std::string(COCA_TEST_DATA) + "/video/lists/";

}  // namespace

TEST_CASE("captions of videos are read from both of MSR-VTT's files") {
  const auto csv = read_captioned_videos(lists + "MSRVTT_JSFUSION_test.csv", "train");
  CHECK(csv.front().split == "test");
  CHECK(csv.front().captions.size() == 1);
  const auto json = read_captioned_videos(lists + "MSRVTT_data.json", "test");
  CHECK(json.front().split == "test");
  CHECK(message_of([] {
          read_captioned_videos(lists + "MSRVTT_data.json", "tset");
        }).starts_with(lists + "MSRVTT_data.json: no video is of the split \"tset\", there are "));
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "x.json", "{\"videos\":[{\"video_id\":\"v\",\"split\":\"test\"}],\"sentences\":[]}");
  CHECK(message_of([&] { read_captioned_videos(path, "test"); }) ==
        path + ": the video v has no caption");
}

TEST_CASE("videos find captions, and captions videos") {
  const TemporaryFolder folder;
  write_video(folder, "a.mp4", {255, 0, 0});
  write_video(folder, "b.mp4", {0, 255, 0});
  write_video(folder, "c.mp4", {0, 0, 255});
  std::vector<CaptionedVideo> videos{{"a", "a.mp4", "test", {"a red thing", "so red"}},
                                     {"b", "b.mp4", "test", {"a blue thing"}},
                                     {"x", "x.mp4", "test", {"a green thing"}},
                                     {"c", "c.mp4", "test", {"a green thing", "blue"}}};
  ColorModel model;
  std::vector<std::string> broken;
  VideoRetrievalOptions options{.loading = {.sampling = {.frames = 3}}, .folder = folder.path()};
  options.on_broken = [&](const SkippedPicture& video) { broken.push_back(video.name); };
  const VideoRetrievalRun run = retrieve_videos(model, videos, options);
  CHECK(broken == std::vector<std::string>{folder.path("x.mp4")});
  CHECK(run.videos == std::vector<std::string>{"a", "b", "c"});
  CHECK(run.texts ==
        std::vector<std::string>{"a red thing", "so red", "a blue thing", "a green thing", "blue"});
  CHECK(run.positives == CaptionPositives{{0, 1}, {2}, {3, 4}});
  CHECK(run.text_clusters == std::vector<std::size_t>{0, 0, 1, 2, 2});
  CHECK(model.embedded == 9);
  // b is green, whose nearest caption is c's; of the others as far away the first comes first. c is
  // blue, as b's caption says, which comes before its own.
  CHECK(run.ranks.images == std::vector<std::size_t>{0, 3, 1});
  CHECK(run.ranks.texts[0] == 0);
  CHECK(run.ranks.texts[2] > 0);
  CHECK(run.ranks.texts[4] == 0);
  videos.resize(3);
  videos.erase(videos.begin(), videos.begin() + 2);
  CHECK(message_of([&] { retrieve_videos(model, videos, options); }) ==
        "none of the 1 videos can be read");
}

}  // namespace video_retrieval_test
