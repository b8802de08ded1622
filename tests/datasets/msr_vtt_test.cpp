#include "coca/data/msr_vtt.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca_test;

namespace msr_vtt_test {

namespace {

const std::string folder = std::string(COCA_TEST_DATA) + "/video/lists/";

std::string json_error(const std::string& text) {
  return message_of([&] { coca::read_msr_vtt(coca::AnnotationText(text, "m.json")); });
}

}  // namespace

TEST_CASE("MSR-VTT's JSON gives each video its captions", "[data]") {
  const coca::AnnotationFile file(folder + "MSRVTT_data.json");
  const auto videos = coca::read_msr_vtt(file.text());
  REQUIRE(videos.size() == 4);
  const auto test = coca::videos_of_split(videos, "test", "m.json");
  REQUIRE(test.size() == 2);
  CHECK(test[0].video_id == "video7010");
  CHECK(test[0].file == "video7010.mp4");
  CHECK(test[0].captions == std::vector<std::string>{"a woman cooks", "someone is cooking"});
  CHECK(test[1].captions == std::vector<std::string>{"a dog runs"});
  CHECK(message_of([&] { coca::videos_of_split(videos, "val", "m.json"); }) ==
        "m.json: no video is of the split \"val\", there are \"test\", \"train\" and \"validate\"");
}

TEST_CASE("MSR-VTT's CSV gives one caption per video", "[data]") {
  const auto videos =
      coca::read_msr_vtt_csv(read_all(folder + "MSRVTT_JSFUSION_test.csv"), "m.csv");
  REQUIRE(videos.size() == 2);
  CHECK(videos[0].file == "video9770.mp4");
  CHECK(videos[0].split == "test");
  CHECK(videos[1].captions == std::vector<std::string>{"a little girl, and a dog"});
  const auto error = [](const std::string& rows) {
    return message_of(
        [&] { coca::read_msr_vtt_csv("key,vid_key,video_id,sentence\n" + rows, "m.csv"); });
  };
  CHECK(error("r,m,v1,a\nr,m,v1,b\n") == "m.csv: line 3: an earlier row has the same video_id v1");
  CHECK(error("r,m,a/b,c\n") == "m.csv: line 2: the video_id \"a/b\" cannot be a file's name");
  CHECK(message_of([] { coca::read_msr_vtt_csv("a,b\n", "m.csv"); }) ==
        "m.csv: no column \"video_id\", the first line names \"a\" and \"b\"");
}

TEST_CASE("MSR-VTT's files that contradict themselves are refused", "[data]") {
  const std::string video = R"({"video_id": "v1", "split": "test"})";
  CHECK(contains(json_error("{\"videos\": [" + video + ", " + video + "], \"sentences\": []}"),
                 "an earlier video has the same video_id v1"));
  CHECK(contains(json_error("{\"videos\": [" + video +
                            R"(], "sentences": [{"caption": "a", "video_id": "v2"}]})"),
                 "no video has the video_id v2"));
  CHECK(contains(json_error("{\"videos\": [" + video + "]}"),
                 "no list \"sentences\", which captions of MSR-VTT have"));
  CHECK(contains(json_error(R"({"questions": []})"), "this looks like questions of VQA"));
  CHECK(contains(json_error(R"({"videos": [{"video_id": "..", "split": "test"}]})"),
                 "the video_id \"..\" cannot be a file's name"));
}

}  // namespace msr_vtt_test
