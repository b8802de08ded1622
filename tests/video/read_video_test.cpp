#include "coca/video/read_video.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "coca/image/write_png.hpp"
#include "io/temporary_folder.hpp"
#include "video/clips.hpp"

using namespace coca_test;
using coca::Video;

TEST_CASE("A file and the folder of its frames are the same video", "[video]") {
  if (!COCA_HAS_PNG || !COCA_HAS_FFMPEG) return;
  const TemporaryFolder folder;
  Video file(clip_folder + "animation.gif");
  CHECK(file.damage() == "");
  file.for_each_frame([&](std::size_t number, const coca::Image& image) {
    coca::write_png(folder.path(std::to_string(number) + ".png"), image);
  });
  Video frames(folder.path(), {.folder_rate = 10});
  CHECK(frames.damage() == "");
  REQUIRE(frames.frame_count() == file.frame_count());
  CHECK(frames.frame_at(0.35) == 3);
  CHECK(file.frame_at(0.35) == 3);
  const std::vector<std::size_t> numbers{8, 1};
  CHECK(frames.read(numbers) == file.read(numbers));
  CHECK(digest_of(frames.read(numbers)[1]) == expected_frames("animation.gif")[1]);
}

TEST_CASE("Paths of videos are known by extension, or by pictures in a folder", "[video]") {
  CHECK(coca::is_video_path("a/clip.MP4"));
  CHECK(coca::is_video_path("clip.webm"));
  CHECK(coca::is_video_path("animation.gif"));
  CHECK_FALSE(coca::is_video_path("photo.jpg"));
  CHECK_FALSE(coca::is_video_path("mp4"));
  const TemporaryFolder folder;
  CHECK_FALSE(coca::is_video_path(folder.path()));
  folder.write("1.png", "");
  CHECK(coca::is_video_path(folder.path()));
}
