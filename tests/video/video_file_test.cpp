#include "coca/video/video_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"
#include "video/clips.hpp"

#if COCA_HAS_FFMPEG

using namespace coca_test;
using coca::VideoFile;

namespace {

// Counted by packets: the others are counted by decoding.
const std::set<std::string> seekable_clips{
    "h264.mp4",    "h264_444.mp4",   "h264.mkv",     "h264.ts",
    "vp9.webm",    "full_range.avi", "bt709.mp4",    "variable_rate.mp4",
    "rotated.mp4", "one_frame.mp4",  "old_x264.mp4",
};

std::span<const std::byte> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

std::string opening_error(const std::string& bytes, const coca::VideoOptions& options = {}) {
  return message_of([&] { VideoFile video(bytes_of(bytes), "a.mp4", options); });
}

/// Bytes of h264.mp4 whose box of that type has another number at an offset from its name.
std::string with_number(std::string bytes, const std::string& box, std::size_t offset,
                        std::uint32_t number) {
  const std::size_t at = bytes.find(box);
  REQUIRE(at != std::string::npos);
  for (std::size_t i = 0; i < 4; ++i)
    bytes[at + offset + i] = static_cast<char>(number >> (24 - 8 * i));
  return bytes;
}

}  // namespace

TEST_CASE("Frames read through equal those of the ffmpeg program bit for bit", "[video]") {
  for (const auto& item : expected_clips().items()) {
    const std::string& name = item.key();
    const coca::Json& expected = item.value();
    CAPTURE(name);
    VideoFile video(clip_folder + name);
    CHECK(video.is_seekable() == (seekable_clips.count(name) != 0));
    CHECK(video.damage() == "");
    const std::vector<std::string> frames = expected_frames(name);
    REQUIRE(video.frame_count() == frames.size());
    std::size_t seen = 0;
    video.for_each_frame([&](std::size_t number, const coca::Image& image) {
      CHECK(number == seen++);
      CHECK(image.width() == expected.at("width").get<std::size_t>());
      CHECK(image.height() == expected.at("height").get<std::size_t>());
      CHECK(digest_of(image) == frames[number]);
    });
    CHECK(seen == frames.size());
  }
}

TEST_CASE("Each frame that is sought by a new reader equals the one read through", "[video]") {
  for (const auto& item : expected_clips().items()) {
    const std::string& name = item.key();
    const std::vector<std::string> frames = expected_frames(name);
    for (std::size_t number = 0; number < frames.size(); ++number) {
      CAPTURE(name, number);
      VideoFile video(clip_folder + name);
      const std::vector<coca::Image> images = video.read(std::vector<std::size_t>{number});
      REQUIRE(images.size() == 1);
      CHECK(digest_of(images.front()) == frames[number]);
      // Without falling back; one group of frames of old_x264.mp4 has errors.
      if (name != "old_x264.mp4") CHECK(video.is_seekable() == (seekable_clips.count(name) != 0));
    }
  }
}

TEST_CASE("Frames may be requested in any order, again and again", "[video]") {
  for (const std::string name : {"h264.mp4", "vp9.webm", "vp8.webm", "animation.gif"}) {
    CAPTURE(name);
    const std::vector<std::string> frames = expected_frames(name);
    VideoFile video(clip_folder + name);
    const std::size_t last = frames.size() - 1;
    const std::vector<std::vector<std::size_t>> requests{{last, 0, 5, 5, 3}, {4}, {5, 6},       {},
                                                         {last, last},       {0}, {2, last - 1}};
    for (const auto& numbers : requests) {
      const auto images = video.read(numbers);
      REQUIRE(images.size() == numbers.size());
      for (std::size_t i = 0; i < numbers.size(); ++i)
        CHECK(digest_of(images[i]) == frames[numbers[i]]);
    }
    CHECK(contains(message_of([&] { video.read(std::vector<std::size_t>{last + 1}); }),
                   name + ": frame " + std::to_string(last + 1) +
                       " was requested, the last one is " + std::to_string(last)));
  }
}

TEST_CASE("Times of frames are those of the file", "[video]") {
  VideoFile constant(clip_folder + "h264.mp4");
  CHECK(constant.seconds().front() == 0);
  for (std::size_t i = 0; i < constant.frame_count(); ++i)
    CHECK(std::abs(constant.seconds()[i] - static_cast<double>(i) / 25) <= 1e-6);
  CHECK(constant.frame_at(-1) == 0);
  CHECK(constant.frame_at(0.0799) == 1);
  CHECK(constant.frame_at(0.08) == 2);
  CHECK(constant.frame_at(100) == 39);
  // select: every third of 25 frames, without those from 5 to 9
  VideoFile variable(clip_folder + "variable_rate.mp4");
  const std::vector<double> frames{0, 3, 12, 15, 18, 21, 24};
  REQUIRE(variable.frame_count() == frames.size());
  for (std::size_t i = 0; i < frames.size(); ++i)
    CHECK(std::abs(variable.seconds()[i] - frames[i] / 25) <= 1e-4);
  CHECK(variable.frame_at(10.0 / 25) == 1);
}

TEST_CASE("A rotated video stays as it is stored if that is wanted", "[video]") {
  const VideoFile upright(clip_folder + "bt709.mp4");
  VideoFile stored(clip_folder + "rotated.mp4", {.rotate = false});
  const auto image = stored.read(std::vector<std::size_t>{3}).front();
  CHECK(image.width() == 64);
  CHECK(digest_of(image) == expected_frames("bt709.mp4")[3]);
}

TEST_CASE("Frames do not depend on the number of threads", "[video]") {
  VideoFile video(clip_folder + "h264.mp4", {.threads = 3});
  const auto images = video.read(std::vector<std::size_t>{0, 17, 39});
  const auto frames = expected_frames("h264.mp4");
  CHECK(digest_of(images[0]) == frames[0]);
  CHECK(digest_of(images[1]) == frames[17]);
  CHECK(digest_of(images[2]) == frames[39]);
}

TEST_CASE("A video that is cut off gives the frames that are there, and says so", "[video]") {
  const auto frames = expected_frames("h264.mkv");
  const std::string mkv = clip_bytes("h264.mkv");
  const std::string half = mkv.substr(0, mkv.size() / 2);
  VideoFile video(bytes_of(half), "half.mkv");
  CHECK(video.frame_count() > 10);
  CHECK(video.frame_count() < 30);
  std::size_t equal = 0;
  video.for_each_frame([&](std::size_t number, const coca::Image& image) {
    equal += digest_of(image) == frames[number] ? 1 : 0;
  });
  CHECK(equal + 1 >= video.frame_count());  // the last one may lack its end
  CHECK(video.damage() != "");
  // The list of frames is at the end of an MP4 that was not made for streaming.
  const std::string mp4 = clip_bytes("h264.mp4");
  CHECK(opening_error(mp4.substr(0, mp4.size() / 2)) ==
        "a.mp4: not a video that can be read, or one that is cut off");
}

TEST_CASE("A header that claims too long a video is noted", "[video]") {
  std::string bytes = clip_bytes("h264.mkv");
  const std::size_t at = bytes.find("\x44\x89\x88");  // Duration, a double, in milliseconds
  REQUIRE(at != std::string::npos);
  const std::uint64_t claimed = std::bit_cast<std::uint64_t>(90'000.0);
  for (std::size_t i = 0; i < 8; ++i)
    bytes[at + 3 + i] = static_cast<char>(claimed >> (56 - 8 * i));
  const VideoFile video(bytes_of(bytes), "a.mkv");
  CHECK(video.frame_count() == 40);
  CHECK(video.damage() == "its frames end after 1.60 s of the 90.00 s that its header claims");
}

TEST_CASE("Where seeking meets damage, frames are those that decoding from the start gives",
          "[video]") {
  std::string bytes = clip_bytes("h264.mp4");
  const std::size_t data = bytes.find("mdat");
  for (std::size_t i = 0; i < 60; ++i) bytes[data + 3000 + i] = static_cast<char>(i * 37);
  std::vector<std::string> through;
  {
    VideoFile video(bytes_of(bytes), "damaged.mp4");
    CHECK(video.frame_count() == 40);  // as many as there are packets
    video.for_each_frame([&](std::size_t number, const coca::Image& image) {
      CHECK(number == through.size());
      through.push_back(digest_of(image));
    });
    CHECK(contains(video.damage(), "it is damaged or cut off: "));
  }
  CHECK(through.size() == 39);
  VideoFile video(bytes_of(bytes), "damaged.mp4");
  std::vector<std::size_t> all(40);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const auto images = video.read(all);
  CHECK_FALSE(video.is_seekable());
  CHECK(video.frame_count() == through.size());
  CHECK(contains(video.damage(), "it is damaged or cut off: "));
  REQUIRE(images.size() == all.size());
  through.push_back(through.back());  // stands for the frame that is missing
  for (std::size_t i = 0; i < images.size(); ++i) CHECK(digest_of(images[i]) == through[i]);
  CHECK(digest_of(video.read(std::vector<std::size_t>{38, 2})[1]) == through[2]);
}

TEST_CASE("What is no video is refused with one sentence", "[video]") {
  CHECK(opening_error("just some words") ==
        "a.mp4: not a video that can be read, or one that is cut off");
  CHECK(opening_error(clip_bytes("sound.mp4")) == "a.mp4: it has no video, expected one");
  const TemporaryFolder folder;
  CHECK(contains(message_of([&] { VideoFile video(folder.path("none.mp4")); }),
                 "none.mp4: cannot be opened"));
  CHECK(contains(message_of([&] { VideoFile video(folder.write("empty.mp4", "")); }),
                 "empty.mp4: is empty"));
  CHECK(contains(message_of([&] { VideoFile video(folder.path()); }), "is a directory"));
}

TEST_CASE("Playlists, lists of files and other protocols are refused", "[video]") {
  const std::string path = clip_folder + "h264.ts";
  const std::string playlist =
      "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.6,\n" + path + "\n#EXT-X-ENDLIST\n";
  CHECK(opening_error(playlist) != "no error");
  CHECK(opening_error("ffconcat version 1.0\nfile " + path + "\n") != "no error");
  CHECK(contains(message_of([&] { VideoFile video("http://127.0.0.1:9/a.mp4"); }),
                 "cannot be opened"));
  CHECK(contains(message_of([&] { VideoFile video("concat:" + path); }), "cannot be opened"));
}

TEST_CASE("Videos beyond the limits are refused", "[video]") {
  const std::string bytes = clip_bytes("h264.mp4");
  CHECK(opening_error(bytes, {.max_frames = 39}) ==
        "a.mp4: the video has more frames than the limit of 39");
  CHECK(opening_error(bytes, {.max_frames = 40}) == "no error");
  CHECK(opening_error(clip_bytes("animation.gif"), {.max_frames = 8}) ==
        "a.mp4: the video has more frames than the limit of 8");
  CHECK(opening_error(bytes, {.max_seconds = 0}) != "no error");
  // The decoder itself refuses larger frames, so that none is left.
  const std::string large = message_of([&] {
    VideoFile video(bytes_of(bytes), "a.mp4", {.max_pixels = 64 * 48 - 1});
    video.read(std::vector<std::size_t>{0});
  });
  CHECK(large == "a.mp4: the picture claims 64 x 48 pixels, more than the limit of 3071 pixels");
  CHECK(opening_error(bytes, {.max_pixels = 64 * 48}) == "no error");
}

TEST_CASE("A billion frames that are claimed but not there are refused at once", "[video]") {
  std::string bytes = with_number(clip_bytes("h264.mp4"), "stsz", 8, 1);
  bytes = with_number(bytes, "stsz", 12, 1'000'000'000);
  bytes = with_number(bytes, "stts", 12, 1'000'000'000);
  bytes = with_number(bytes, "stsc", 16, 1'000'000'000);
  CHECK(opening_error(bytes) != "no error");
}

TEST_CASE("Display matrices are the orientations of EXIF", "[video]") {
  const auto orientation = [](std::int32_t a, std::int32_t b, std::int32_t c, std::int32_t d) {
    const std::array<std::int32_t, 9> matrix{a, b, 0, c, d, 0, 0, 0, 1 << 30};
    return coca::detail::display_orientation(matrix.data());
  };
  constexpr std::int32_t one = 65536;
  CHECK(orientation(one, 0, 0, one) == 1);
  CHECK(orientation(-one, 0, 0, one) == 2);
  CHECK(orientation(-one, 0, 0, -one) == 3);
  CHECK(orientation(one, 0, 0, -one) == 4);
  CHECK(orientation(0, one, one, 0) == 5);
  CHECK(orientation(0, one, -one, 0) == 6);
  CHECK(orientation(0, -one, -one, 0) == 7);
  CHECK(orientation(0, -one, one, 0) == 8);
  CHECK(orientation(one / 2, one / 2, -one / 2, one / 2) == 1);  // an eighth of a turn
}

#else

TEST_CASE("Without FFmpeg, videos are refused with one sentence", "[video]") {
  CHECK(coca_test::contains(
      coca_test::message_of([] { coca::VideoFile video(coca_test::clip_folder + "h264.mp4"); }),
      "h264.mp4: reading videos needs FFmpeg's libraries, which this build does not have"));
}

#endif
