#include "coca/data/video_lists.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca_test;

namespace video_lists_test {

namespace {

std::string list(const std::string& name) {
  return read_all(std::string(COCA_TEST_DATA) + "/video/lists/" + name);
}

std::string kinetics_error(const std::string& rows) {
  const std::string text = "label,youtube_id,time_start,time_end,split\n" + rows;
  return message_of([&] { coca::read_kinetics(text, "k.csv"); });
}

}  // namespace

TEST_CASE("Kinetics' lists are read by the names of their columns", "[data]") {
  const auto k400 = coca::read_kinetics(list("kinetics_400_val.csv"), "k400");
  REQUIRE(k400.size() == 3);
  CHECK(k400[0].label == "abseiling");
  CHECK(k400[0].youtube_id == "0wR5jVB-WPk");
  CHECK(k400[0].start == 417);
  CHECK(k400[0].end == 427);
  CHECK(k400[0].split == "val");
  CHECK(k400[1].label == "massaging person's head");
  CHECK(coca::kinetics_files(k400[1]) ==
        std::vector<std::string>{"massaging person's head/a-b_cDEFghi_000000_000010.mp4",
                                 "massaging_person's_head/a-b_cDEFghi_000000_000010.mp4",
                                 "a-b_cDEFghi_000000_000010.mp4"});
  const auto k700 = coca::read_kinetics(list("kinetics_700_val.csv"), "k700");
  REQUIRE(k700.size() == 2);
  CHECK(k700[0].start == 417);  // 417.0
  CHECK(k700[1].label == "cooking sausages (not on barbeque)");
  CHECK(coca::kinetics_classes(k700) ==
        std::vector<std::string>{"abseiling", "cooking sausages (not on barbeque)"});
  const auto test = coca::read_kinetics(list("kinetics_400_test.csv"), "test");
  REQUIRE(test.size() == 1);
  CHECK(test[0].label == "");
  CHECK(coca::kinetics_files(test[0]) == std::vector<std::string>{"--6bJUbfpnQ_000017_000027.mp4"});
}

TEST_CASE("Classes of Kinetics are sorted with underscores", "[data]") {
  // A space is before every letter, an underscore is after the capitals and before the others.
  std::vector<coca::KineticsClip> clips(3);
  clips[0].label = "a c";
  clips[1].label = "aB";
  clips[2].label = "a c";
  CHECK(coca::kinetics_classes(clips) == std::vector<std::string>{"aB", "a c"});
}

TEST_CASE("Rows of Kinetics that cannot be right are refused", "[data]") {
  CHECK(kinetics_error("a,b,1,2,val\n") == "no error");
  CHECK(kinetics_error("a,b,2,1,val\n") == "k.csv: line 2: time_end 1 is not after time_start 2");
  for (const char* times : {"x,2", "-1,2", "1,nan", "1,inf", "1,1e7", "1,", "1,2 "})
    CHECK(kinetics_error("a,b," + std::string(times) + ",val\n") ==
          "k.csv: line 2: time_start and time_end must be seconds, 0 to 999999");
  CHECK(kinetics_error("a,../b,1,2,val\n") ==
        "k.csv: line 2: the youtube_id \"../b\" is not a video's");
  CHECK(kinetics_error("..,b,1,2,val\n") ==
        "k.csv: line 2: the label \"..\" cannot be a folder's name");
  CHECK(kinetics_error("a,b,1,2,val\nc,b,1,3,val\n") ==
        "k.csv: line 3: an earlier row is of the same clip");
  CHECK(message_of([] { coca::read_kinetics("label,id\n", "k.csv"); }) ==
        "k.csv: no column \"youtube_id\", the first line names \"label\" and \"id\"");
}

TEST_CASE("Moments in Time's lists", "[data]") {
  const auto categories = coca::read_moments_categories(list("moments_categories.txt"), "c.txt");
  CHECK(categories == std::vector<std::string>{"clapping", "praying"});
  const auto videos = coca::read_moments(list("moments_validationSet.csv"), "v.csv", categories);
  REQUIRE(videos.size() == 2);
  CHECK(videos[0].file == "clapping/flickr-0-1.mp4");
  CHECK(videos[0].label == 0);
  CHECK(videos[1].file == "praying/yt-abc_12.mp4");
  CHECK(videos[1].label == 1);
  CHECK(message_of([&] { coca::read_moments("running/a.mp4,running\n", "v.csv", categories); }) ==
        "v.csv: line 1: \"running/a.mp4\" is not category/file.mp4 with one of the 2 categories");
  CHECK(message_of([&] { coca::read_moments("\nclapping\n", "v.csv", categories); }) ==
        "v.csv: line 2: \"clapping\" is not category/file.mp4 with one of the 2 categories");
  const auto error = [](const std::string& text) {
    return message_of([&] { coca::read_moments_categories(text, "c.txt"); });
  };
  CHECK(error("a,0\nb,2\n") == "c.txt: no category has the number 1");
  CHECK(error("a,0\nb,0\n") == "c.txt: line 2: an earlier line has the same number 0");
  CHECK(error("") == "c.txt: has no categories, expected lines name,number");
  CHECK(error("a\n") == "c.txt: line 1: \"a\" is not a name, a comma and the number of a class");
}

TEST_CASE("Lines of a path and a class are split at the last space", "[data]") {
  const auto videos = coca::read_video_list(list("video_list.txt"), "l.txt");
  REQUIRE(videos.size() == 2);
  CHECK(videos[0].file == "clips/000.mp4");
  CHECK(videos[0].label == 1);
  CHECK(videos[1].file == "clips/with space.mp4");
  CHECK(videos[1].label == 0);
  const auto crlf = coca::read_video_list(
      "\xEF\xBB\xBF"
      "a 3\r\n\r\nb 4 \r\n",
      "l.txt");
  REQUIRE(crlf.size() == 2);
  CHECK(crlf[0].file == "a");
  CHECK(crlf[1].label == 4);
  for (const std::string line : {"a.mp4", "a.mp4 -1", "a.mp4 x", " 3"})
    CHECK(contains(
        message_of([&] { coca::read_video_list("ok 1\n" + line, "l.txt"); }),
        "l.txt: line 2: \"" + line + "\" is not a name, a space and the number of a class"));
}

}  // namespace video_lists_test
