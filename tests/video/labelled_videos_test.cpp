#include "coca/video/labelled_videos.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "video/moving_squares.hpp"

using namespace coca;

namespace labelled_videos_test {
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

const std::string lists = std::string(COCA_TEST_DATA) + "/video/lists/";
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("Videos are listed by folders of classes", "[video]") {
  const coca_test::MovingSquares squares;
  std::filesystem::rename(squares.root() + "/up", squares.root() + "/to_the_top");
  const LabelledVideos all = read_labelled_videos({.data = squares.root()});
  CHECK(all.classes == Names{"down", "left", "right", "to the top"});
  REQUIRE(all.videos.size() == 16);
  CHECK(all.videos[5].path == squares.root() + "/left/1");
  CHECK(all.videos[5].label == 1);
  // Classes that are known give the numbers.
  const LabelledVideos known = read_labelled_videos(
      {.data = squares.root()}, {"to_the_top", "still", "right", "left", "down"});
  CHECK(known.classes.size() == 5);
  CHECK(known.videos[5].label == 3);
  CHECK(known.videos[15].label == 0);
  CHECK(message_of([&] {
          read_labelled_videos({.data = squares.root()}, {"down", "left", "right"});
        }) == squares.root() +
                  ": has videos of \"to the top\", which is none of the 3 classes that are known");
}

TEST_CASE("Kinetics' lists name classes and files", "[video]") {
  const TemporaryFolder folder;
  const std::string list = folder.write("train.csv",
                                        "label,youtube_id,time_start,time_end,split\nwave "
                                        "hand,abc,1,11,train\njump,def,2,12,train\n");
  std::filesystem::create_directory(folder.path("wave_hand"));
  const std::string file = folder.write("wave_hand/abc_000001_000011.mp4", "");
  const LabelledVideos videos = read_labelled_videos({.data = list});
  CHECK(videos.classes == Names{"jump", "wave hand"});
  CHECK(videos.videos.at(0).path == file);
  CHECK(videos.videos.at(0).label == 1);
  CHECK(videos.videos.at(1).path == folder.path("jump/def_000002_000012.mp4"));  // missing
  CHECK(read_labelled_videos({.data = list, .folder = "/elsewhere"}, {"wave_hand", "jump"})
            .videos.at(0)
            .path == "/elsewhere/wave hand/abc_000001_000011.mp4");
  CHECK(read_labelled_videos({.data = lists + "kinetics_400_val.csv"}).classes.size() > 1);
  CHECK(message_of([&] { read_labelled_videos({.data = lists + "kinetics_400_test.csv"}); }) ==
        lists +
            "kinetics_400_test.csv: has no column \"label\": a list for tests, whose classes "
            "are not known");
}

TEST_CASE("Moments' and numbered lists take names from a file", "[video]") {
  const LabelledVideos moments =
      read_labelled_videos({.data = lists + "moments_validationSet.csv",
                            .folder = "m",
                            .class_names = lists + "moments_categories.txt"});
  CHECK(moments.classes == Names{"clapping", "praying"});
  CHECK(moments.videos.at(0).path.starts_with("m/"));
  // The default is the file next to the list.
  CHECK(read_labelled_videos({.data = lists + "moments_validationSet.csv"}).classes ==
        moments.classes);

  const TemporaryFolder folder;
  const std::string list = folder.write("list.txt", "a b.mp4 2\nsub/c.webm 0\n");
  LabelledVideos numbered = read_labelled_videos({.data = list});
  CHECK(numbered.classes == Names{"0", "1", "2"});
  CHECK(numbered.videos.at(0).path == folder.path("a b.mp4"));
  CHECK(numbered.videos.at(0).label == 2);
  const std::string names = folder.write("names.txt", "still\nleft\nright\n");
  CHECK(read_labelled_videos({.data = list, .class_names = names}).classes ==
        Names{"still", "left", "right"});
  CHECK(message_of([&] {
          read_labelled_videos({.data = list}, {"x", "y"});
        }) == list + ": a b.mp4 is of class 2, but there are 2 classes");
  CHECK(read_labelled_videos({.data = list}, {"x", "y", "z", "w"}).classes.size() == 4);
}

TEST_CASE("What is no list of videos is refused in a sentence", "[video]") {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& name, const std::string& text) {
    const std::string path = folder.write(name, text);
    return message_of([&] { read_labelled_videos({.data = path}); }).substr(path.size());
  };
  CHECK(
      refusal("a.json", "{\"videos\": []}") ==
      ": holds JSON, expected a list of videos with classes: Kinetics' CSV, Moments in Time's, or "
      "lines of a path and a number");
  CHECK(refusal("empty.txt", "\n\n") == ": lists no videos");
  CHECK(refusal("b.txt", "clip.mp4\n") ==
        ": line 1: \"clip.mp4\" is not a name, a space and the number of a class");
  CHECK(refusal("c.txt", "clip.mp4 99999999999999999999\n") ==
        ": line 1: \"clip.mp4 99999999999999999999\" is not a name, a space and the number of a "
        "class");
  CHECK(refusal("d.csv", "youtube_id,time_start,time_end,split,label\nx,5,3,val,y\n") ==
        ": line 2: time_end 3 is not after time_start 5");
  CHECK(message_of([&] {
          read_labelled_videos({.data = folder.path("none.txt")});
        }).starts_with(folder.path("none.txt") + ": cannot be opened"));
}

}  // namespace labelled_videos_test
