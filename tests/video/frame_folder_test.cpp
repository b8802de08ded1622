#include "coca/video/frame_folder.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/features.hpp"
#include "coca/image/write_png.hpp"
#include "io/temporary_folder.hpp"

using namespace coca_test;
using coca::is_naturally_before;

TEST_CASE("Numbers in names count as numbers", "[video]") {
  const std::vector<std::string> sorted{
      "",     "0",     "1.png", "2.png", "02b.png", "10.png", "18446744073709551617.png", "a", "a1",
      "a1b1", "a1b02", "a1b2",  "a1b10", "a12",     "b"};
  for (std::size_t i = 0; i < sorted.size(); ++i)
    for (std::size_t j = 0; j < sorted.size(); ++j) {
      CAPTURE(sorted[i], sorted[j]);
      CHECK(is_naturally_before(sorted[i], sorted[j]) == (i < j));
    }
}

TEST_CASE("A folder of frames is a video in natural order", "[video]") {
  if (!COCA_HAS_PNG) return;
  const TemporaryFolder folder;
  for (const int number : {10, 2, 1, 9}) {
    const auto shade = static_cast<std::uint8_t>(number);
    coca::write_png(folder.path("frame" + std::to_string(number) + ".png"),
                    coca::Image(3, 2, coca::Rgb{shade, 0, 0}));
  }
  folder.write("notes.txt", "not a frame");
  folder.write(".hidden.png", "not a frame");
  const coca::FrameFolder video(folder.path(), {.folder_rate = 10});
  CHECK(video.names() ==
        std::vector<std::string>{"frame1.png", "frame2.png", "frame9.png", "frame10.png"});
  CHECK(video.seconds() == std::vector<double>{0, 0.1, 0.2, 3 / 10.0});
  CHECK(video.frame_at(0.25) == 2);
  const auto images = video.read(std::vector<std::size_t>{3, 3, 0});
  REQUIRE(images.size() == 3);
  CHECK(images[0].at(0, 0) == coca::Rgb{10, 0, 0});
  CHECK(images[1].at(0, 0) == coca::Rgb{10, 0, 0});
  CHECK(images[2].at(2, 1) == coca::Rgb{1, 0, 0});
  std::vector<int> shades;
  video.for_each_frame(
      [&](std::size_t, const coca::Image& image) { shades.push_back(image.at(0, 0)[0]); });
  CHECK(shades == std::vector<int>{1, 2, 9, 10});
  CHECK(message_of([&] { video.read(std::vector<std::size_t>{4}); }) ==
        folder.path() + ": frame 4 was requested, the last one is 3");
  CHECK(message_of([&] { coca::FrameFolder(folder.path(), {.max_frames = 3}); }) ==
        folder.path() + ": holds 4 frames, more than the limit of 3");
}

TEST_CASE("A folder without frames is refused", "[video]") {
  const TemporaryFolder folder;
  CHECK(message_of([&] { coca::FrameFolder(folder.path()); }) ==
        folder.path() + ": holds no frames, expected .jpg, .jpeg, .png or .webp files");
  CHECK(contains(message_of([&] { coca::FrameFolder(folder.path("none")); }), "cannot be listed"));
}
