#include <string>

#include "coca/features.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace caption_video_test {

// The program `caption` on videos.

namespace {

const std::string clips = std::string(COCA_TEST_DATA) + "/video/";

}  // namespace

TEST_CASE("caption: a video is one line, about frames spread over it", "[video]") {
  if (!COCA_HAS_FFMPEG) return;
  const Result text = run("caption " + clips + "h264.mp4");
  CHECK(text.status == 0);
  CHECK(text.err.empty());
  CHECK(text.out.starts_with(clips + "h264.mp4: "));
  const Result json = run("caption --json --frames 4 " + clips + "animation.gif " + slug + " " +
                          clips + "vp9.webm");
  REQUIRE(json.status == 0);
  const auto lines = json.json();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0]["video"] == clips + "animation.gif");
  CHECK(lines[0]["frames"] == nlohmann::json{1, 3, 5, 7});  // the middles of quarters of 9
  CHECK(lines[0]["captions"].size() == 1);
  CHECK(lines[1]["image"] == slug);
  CHECK_FALSE(lines[1].contains("frames"));
  CHECK(lines[2]["frames"] == nlohmann::json{4, 13, 22, 31});
}

TEST_CASE("caption: a folder of one picture is captioned as the picture", "[video]") {
  const Folder folder;
  folder.write("1.png", read_file(slug));
  const Result still = run("caption " + folder.path()), picture = run("caption " + slug);
  REQUIRE(still.status == 0);
  CHECK(still.out.substr(still.out.find(": ")) == picture.out.substr(picture.out.find(": ")));
}

TEST_CASE("caption: videos that cannot be read are reported, and the rest is done", "[video]") {
  if (!COCA_HAS_FFMPEG) return;
  const Folder folder;
  const std::string whole = read_file(clips + "h264.mp4");
  const std::string cut = folder.write("cut.mp4", whole.substr(0, whole.size() / 2));
  const Result result = run("caption " + cut + " " + clips + "sound.mp4 " + slug);
  CHECK(result.status == 1);
  CHECK(result.err == "caption: " + cut +
                          ": not a video that can be read, or one that is cut off\n" +
                          "caption: " + clips + "sound.mp4: it has no video, expected one\n");
  CHECK(result.out.starts_with(slug + ": "));
  const std::string mkv = read_file(clips + "h264.mkv");
  const Result warned = run("caption " + folder.write("half.mkv", mkv.substr(0, mkv.size() / 2)));
  CHECK(warned.status == 0);
  CHECK(warned.err.find("half.mkv: its frames end after ") != std::string::npos);
}

}  // namespace caption_video_test
