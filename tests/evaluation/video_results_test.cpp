#include "coca/evaluation/video_results.hpp"

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace video_results_test {
using coca_test::message_of;
using coca_test::read_all;
using coca_test::TemporaryFolder;

namespace {

VideoResult result_of(std::size_t number, std::size_t label, std::size_t rank) {
  return {number, "v" + std::to_string(number) + ".mp4", label, rank, {{label, 0.5}, {1, 0.25}}};
}

}  // namespace

TEST_CASE("classes of a video are ranked, equal ones in their order") {
  const std::vector<double> probabilities{0.25, 0.125, 0.25, 0.375};
  const VideoResult result = ranked_classes(probabilities, 2, 3);
  CHECK(result.label == 2);
  CHECK(result.rank == 2);
  CHECK(result.top == std::vector<RankedClass>{{3, 0.375}, {0, 0.25}, {2, 0.25}});
  CHECK(ranked_classes(probabilities, 1, 9).rank == 3);
  CHECK(ranked_classes(probabilities, 1, 9).top.size() == 4);
  CHECK(message_of([&] { ranked_classes(probabilities, 4, 1); }) ==
        "a video is of class 4, but there are 4 classes");
}

TEST_CASE("accuracies of videos") {
  // Class 0: ranks 0, 5; class 1: 0, 0, 4; class 4: 1; of the other three nothing.
  const std::vector<VideoResult> results{result_of(0, 0, 0), result_of(1, 0, 5),
                                         result_of(2, 1, 0), result_of(3, 1, 0),
                                         result_of(4, 1, 4), result_of(5, 4, 1)};
  const VideoScores scores = video_scores(results, 6);
  CHECK(scores.top_1 == 0.5);
  CHECK(scores.top_5 == 5.0 / 6);
  CHECK(std::abs(scores.mean_per_class - (0.5 + 2.0 / 3 + 0) / 3) <= 1e-15);
  CHECK(scores.classes[1] == std::pair<std::size_t, std::size_t>{2, 3});
  CHECK(scores.classes[2] == std::pair<std::size_t, std::size_t>{0, 0});
  CHECK_FALSE(video_scores(std::vector<VideoResult>{result_of(0, 1, 0)}, 4).top_5);
  CHECK(message_of([&] { video_scores(results, 4); }) ==
        "a video is of class 4, but there are 4 classes");
  CHECK(message_of([] { video_scores({}, 4); }) == "there are no results of videos");
}

TEST_CASE("a file of results is taken up again, without a line that was cut off") {
  const TemporaryFolder folder;
  const std::string path = folder.path("results.jsonl");
  {
    VideoResultFile file(path, {{"frames", "8"}, {"weights", "a"}});
    file.add(result_of(3, 1, 0));
    file.add(result_of(0, 2, 4));
    CHECK(file.results().size() == 2);
    CHECK(message_of([&] { VideoResultFile(path, {}); }) ==
          path + ": another program is writing to this file");
  }
  const std::string whole = read_all(path);
  // Wherever the last line was cut off, the others stay, and the file continues after them.
  const std::size_t second = whole.rfind('\n', whole.size() - 2) + 1;
  for (const std::size_t size : {second, second + 1, second + 20, whole.size() - 1}) {
    folder.write("results.jsonl", whole.substr(0, size));
    VideoResultFile file(path, {{"frames", "8"}, {"weights", "a"}});
    REQUIRE(file.results().size() == 1);
    CHECK(file.has(3));
    CHECK_FALSE(file.has(0));
    file.add(result_of(0, 2, 4));
    CHECK(read_all(path) == whole);
  }
  const VideoResultFile file(path, {{"frames", "8"}, {"weights", "a"}});
  REQUIRE(file.results().size() == 2);
  CHECK(file.results()[1].video == "v0.mp4");
  CHECK(file.results()[1].label == 2);
  CHECK(file.results()[1].rank == 4);
  CHECK(file.results()[1].top == result_of(0, 2, 4).top);
}

TEST_CASE("results of something else, and what is none, are refused") {
  const TemporaryFolder folder;
  const std::string path = folder.path("results.jsonl");
  const std::map<std::string, std::string> made_from{{"frames", "8"}, {"weights", "a"}};
  { VideoResultFile(path, made_from).add(result_of(0, 1, 0)); }
  CHECK(message_of([&] {
          VideoResultFile(path, {{"frames", "16"}, {"weights", "a"}});
        }) ==
        path +
            ": holds results of something else; frames: 8, now 16; give another file, or delete "
            "this one");
  const std::string good = read_all(path);
  const auto refusal = [&](const std::string& text) {
    folder.write("results.jsonl", text);
    return message_of([&] { VideoResultFile(path, made_from); });
  };
  CHECK(refusal("a caption\n") == path + ": holds no results of videos; give another file");
  CHECK(refusal("{}\n") == path + ": holds no results of videos; give another file");
  CHECK(refusal(good + "[]\n") == path + ": line 3: is not the result of a video");
  CHECK(refusal(good + good.substr(good.find('\n') + 1)) ==
        path + ": line 3: an earlier result has the same number 0");
  CHECK(refusal(good + "{\"video\":\"x\",\"number\":1,\"label\":-1,\"rank\":0,\"top\":[]}\n") ==
        path + ": line 3: \"label\" is not a whole number of at least 0");
  CHECK(refusal(good + "{\"video\":\"x\",\"number\":1,\"label\":1,\"rank\":0,\"top\":[3]}\n") ==
        path + ": line 3: \"top\" is not a list of classes and probabilities");
  CHECK(message_of([&] {
          VideoResultFile("/no/such/file", made_from);
        }).starts_with("/no/such/file: cannot be read and written: "));
}

TEST_CASE("without a file results are kept in memory") {
  VideoResultFile results("", {{"frames", "8"}});
  CHECK_FALSE(results.has(1));
  results.add(result_of(1, 0, 0));
  CHECK(results.has(1));
  CHECK(results.results().size() == 1);
}

}  // namespace video_results_test
