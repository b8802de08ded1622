// The example video, and what trains and measures its models.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "catch.hpp"
#include "coca/features.hpp"
#include "coca/image/read_image.hpp"
#include "run_program.hpp"
#include "video/moving_squares.hpp"

using namespace coca::testing;

namespace video_program_test {
using coca_test::MovingSquares;
using nlohmann::json;

namespace {

const std::string clips = std::string(COCA_TEST_DATA) + "/video/";

/// Trains on moving squares in a few steps. @return the run's folder
std::string train_on(const MovingSquares& data, const std::string& more = "") {
  const std::string output = data.folder().path("run");
  const Result result = run(
      "train --task video --init-from " + models + "/stamps_coca --data " + data.root() +
      " --validation " + data.root() + " --output " + output +
      " --frames 3 --steps 4 --batch-size 8 --no-augment --threads 1 --loader-threads 1 " + more);
  CAPTURE(result.err, result.out);
  REQUIRE(result.status == 0);
  CHECK(contains(result.out, "on 16 videos, 4 steps"));
  return output;
}

std::size_t lines_of(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("a classifier of videos is trained, asked and measured", "[examples]") {
  const MovingSquares data;
  const std::string features = data.folder().path("features");
  const std::string trained =
      train_on(data, "--temporal-positions --freeze visual --feature-cache " + features);
  CHECK(std::filesystem::exists(features + "/validation/features.json"));
  CHECK(read_file(trained + "/classes.txt") == "down\nleft\nright\nup\n");
  CHECK(json::parse(read_file(trained + "/open_clip_config.json"))["video_cfg"] ==
        json{{"classes", 4}, {"frames", 3}, {"temporal_positions", true}});

  const std::string strip = data.folder().path("strip.png");
  Result result = run("video " + data.video(1, 0) + " --weights " + trained + " --strip " + strip +
                      " --clips 2 --json --top 3");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json line = result.json().at(0);
  CHECK(line["video"] == data.video(1, 0));
  CHECK(line["frames"] == json{{0, 2, 4}, {1, 3, 5}});
  REQUIRE(line["classes"].size() == 3);
  CHECK(line["classes"][0]["probability"] >= line["classes"][1]["probability"]);
  const coca::Image drawn = coca::read_image(strip);
  CHECK(drawn.width() > 3 * 96);
  CHECK(drawn.height() > 2 * 96);
  result = run("video " + data.video(1, 0) + " /no/such.mp4 " + data.video(0, 0) + " --weights " +
               trained + " --top 1");
  CHECK(result.status == 1);
  CHECK(contains(result.err, "video: /no/such.mp4"));
  CHECK(std::count(result.out.begin(), result.out.end(), '%') == 2);

  result = run("evaluate video " + data.root() + " --weights " + trained + " --crops 3 --json");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const json scores = result.json().at(0);
  CHECK(scores["videos"] == 16);
  CHECK(scores["left_out"] == 0);
  CHECK(scores["classes"][3] ==
        json{{"class", "up"}, {"right", scores["classes"][3]["right"]}, {"count", 4}});
  CHECK_FALSE(scores.contains("top_5"));
  result = run("train --resume --output " + trained + " --steps 5");
  CAPTURE(result.err);
  CHECK(result.status == 0);
  CHECK(contains(result.out, "from step 4 of 5 steps"));
}

TEST_CASE("an evaluation of videos that is killed repeats none that is finished", "[examples]") {
  const MovingSquares data;
  const std::string trained = train_on(data), results = data.folder().path("results.jsonl");
  const std::string arguments = "evaluate video " + data.root() + " --weights " + trained +
                                " --clips 150 --threads 1 --results " + results;
  const std::string command = std::string(COCA_PROGRAMS) + "/" + arguments +
                              " >/dev/null 2>&1 & pid=$!; while kill -0 $pid && "
                              "[ $(cat " +
                              results +
                              " 2>/dev/null | wc -l) -lt 4 ]; do sleep 0.02; done; kill -KILL $pid";
  REQUIRE(std::system(command.c_str()) == 0);
  const std::string before = read_file(results);
  const std::size_t done = lines_of(results);
  REQUIRE(done >= 4);
  REQUIRE(done < 17);
  const Result resumed = run(arguments + " --json");
  CAPTURE(resumed.err);
  REQUIRE(resumed.status == 0);
  CHECK(contains(resumed.err,
                 std::to_string(done - 1) + " of 16 videos have a result in " + results));
  CHECK(resumed.json().at(0)["videos"] == 16);
  CHECK(lines_of(results) == 17);
  CHECK(read_file(results).starts_with(before.substr(0, before.rfind('\n') + 1)));
  // All at once they are the same.
  const std::string whole = data.folder().path("whole.jsonl");
  REQUIRE(run("evaluate video " + data.root() + " --weights " + trained +
              " --clips 150 --threads 1 --results " + whole)
              .status == 0);
  const auto numbers = [](const std::string& path) {
    std::vector<json> ranks;
    std::istringstream lines(read_file(path));
    for (std::string each; std::getline(lines, each);) {
      const json result = json::parse(each);
      if (result.contains("number")) ranks.push_back({result["number"], result["video"]});
    }
    return ranks;
  };
  CHECK(numbers(whole) == numbers(results));
  const Result other = run("evaluate video " + data.root() + " --weights " + trained +
                           " --clips 2 --results " + results);
  check_refused(other, 1, {"holds results of something else; clips: 150, now 2"});
}

TEST_CASE("videos of a list that cannot be read stop an evaluation, or are left out",
          "[examples]") {
  if (!COCA_HAS_FFMPEG) return;
  const MovingSquares data;
  const std::string trained = train_on(data);
  const std::string whole = read_file(clips + "h264.mkv");
  data.folder().write("half.mkv", whole.substr(0, whole.size() / 2));
  std::filesystem::copy_file(clips + "sound.mp4", data.folder().path("sound.mp4"));
  std::filesystem::copy_file(clips + "vp9.webm", data.folder().path("vp9.webm"));
  const std::string list =
      data.folder().write("list.txt", "half.mkv 0\nsound.mp4 1\nvp9.webm 2\nnone.mp4 3\n");
  const std::string arguments = "evaluate video " + list + " --weights " + trained;
  check_refused(run(arguments), 1,
                {"sound.mp4: it has no video, expected one; --missing skip leaves out what cannot "
                 "be read"});
  const Result skipped = run(arguments + " --missing skip --json");
  CAPTURE(skipped.err);
  CHECK(skipped.status == 1);
  CHECK(contains(skipped.err, "none.mp4"));
  CHECK(contains(skipped.err, "1 video of which the readable frames were used, the first: "));
  CHECK(skipped.json().at(0)["videos"] == 2);
  CHECK(skipped.json().at(0)["left_out"] == 2);
}

TEST_CASE("videos and captions are searched for each other", "[examples]") {
  if (!COCA_HAS_FFMPEG) return;
  const Folder folder;
  std::filesystem::copy_file(clips + "h264.mp4", folder / "video0.mp4");
  std::filesystem::copy_file(clips + "rotated.mp4", folder / "video1.mp4");
  const std::string csv = folder.write("test.csv",
                                       "key,vid_key,video_id,sentence\nret0,msr0,video0,a thing\n"
                                       "ret1,msr1,video1,a goat\nret2,msr2,video2,a bull\n");
  const std::string arguments = "evaluate video-retrieval " + csv + " --frames 4";
  check_refused(run(arguments), 1, {"video2.mp4", "--missing skip"});
  const Result result = run(arguments + " --missing skip --json --results " + folder.path());
  CAPTURE(result.err);
  CHECK(result.status == 1);
  const json line = result.json().at(0);
  CHECK(line["videos"] == 2);
  CHECK(line["captions"] == 2);
  CHECK(line["left_out"] == 1);
  CHECK(line["metrics"]["text_retrieval_recall@5"] == 1.0);
  CHECK(line["metrics"]["image_retrieval_median_rank"] <= 2);
  const Result table = run(arguments + " --missing skip");
  CHECK(contains(table.out, "video to text"));
  CHECK(contains(table.out, "1 video could not be read."));
}

TEST_CASE("what is wrong with videos and their models is said in a sentence", "[examples]") {
  const MovingSquares data;
  const std::string trained = train_on(data, "--temporal-positions");
  const auto check = [](const std::string& command, int status, const std::string& sentence) {
    const Result result = run(command);
    CAPTURE(command, result.err);
    CHECK(result.status == status);
    CHECK(contains(result.err, sentence));
  };
  check("video " + data.video(0, 0), 2, "--weights");
  check(
      "video " + data.video(0, 0) + " --weights " + models + "/stamps_coca", 1,
      "has no \"video_cfg\": the model is no classifier of videos, which train --task video makes");
  check("video a.mp4 b.mp4 --weights " + trained + " --strip x.png", 2,
        "--strip draws one video, but 2 are given");
  check("video a.mp4 --weights " + trained + " --frames 4", 2,
        "--frames 4 is more than the model has temporal positions for, 3");
  check("caption " + slug + " --weights " + trained, 2, "is a classifier of videos");
  check("evaluate video " + clips + "lists/video_list.txt --weights " + trained, 1, "");
  check("evaluate video " + clips + "lists/MSRVTT_data.json --weights " + trained, 1,
        "holds JSON, expected a list of videos with classes");
  check("evaluate video-retrieval " + clips + "lists/MSRVTT_data.json --split x", 1,
        "no video is of the split \"x\"");
  check("train --task classify --frames 3 --data x --output " + data.folder().path("y"), 2,
        "--frames changes nothing in the task classify, only in video");
  check("train --task video --mixup 0.5 --data x --output " + data.folder().path("y"), 2,
        "--mixup changes nothing in the task video, only in classify");
}

}  // namespace video_program_test
