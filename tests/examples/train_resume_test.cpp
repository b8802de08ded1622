// The example train: killed, stopped, resumed, without room.

#include "catch.hpp"
#include "train_run.hpp"

using namespace coca::testing;

namespace train_resume_test {

using namespace train_run;

TEST_CASE("a run killed before its first checkpoint starts again with its options") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  {
    Process process("train " + arguments(list, output) + " --checkpoint-steps 0 --steps 5000");
    REQUIRE(wait_until([&] { return lines_of(output + "/log.jsonl") >= 1; }));
    CHECK(process.end(SIGKILL) == 128 + SIGKILL);
  }
  REQUIRE_FALSE(fs::exists(output + "/checkpoint.safetensors"));
  const Result result = run("train --resume --output " + output + " --steps 1");
  CHECK(result.status == 0);
  CHECK(contains(result.out, "training stamps_coca"));
}

TEST_CASE("a killed run resumes bit for bit") {
  const Folder folder;
  const std::string list = write_list(folder);
  REQUIRE(run("train " + arguments(list, folder / "whole")).status == 0);
  const std::string output = folder / "parts";
  const std::string command = "train --resume " + arguments(list, output);
  {
    Process process(command);  // after a checkpoint, in the middle of steps
    REQUIRE(wait_until([&] { return lines_of(output + "/log.jsonl") >= 5; }));
    CHECK(process.end(SIGKILL) == 128 + SIGKILL);
  }
  REQUIRE(fs::exists(output + "/checkpoint.safetensors"));
  const std::string good = read_file(output + "/checkpoint.safetensors");
  {
    Process process(command);  // while it saves
    REQUIRE(wait_until([&] { return is_saving(output); }));
    CHECK(process.end(SIGKILL) == 128 + SIGKILL);
  }
  const auto kept = coca::open_checkpoint(output + "/checkpoint.safetensors");
  CHECK(kept.size() > 100);
  REQUIRE(run(command).status == 0);
  CHECK_FALSE(is_saving(output));  // what the killed run left is gone
  CHECK(log_of(output) == log_of(folder / "whole"));
  CHECK(same_tensors(output, folder / "whole"));
  CHECK(read_file(output + "/open_clip_model.safetensors") ==
        read_file(folder / "whole/open_clip_model.safetensors"));
}

TEST_CASE("SIGTERM and SIGHUP let a run save and end, and its options are restored on resuming") {
  const int signal = GENERATE(SIGTERM, SIGHUP);
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  {
    Process process("train " + arguments(list, output) + " --checkpoint-steps 0 --steps 5000");
    REQUIRE(wait_until([&] { return lines_of(output + "/log.jsonl") >= 2; }));
    CHECK_FALSE(fs::exists(output + "/checkpoint.safetensors"));
    CHECK(process.end(signal) == 0);
  }
  CHECK(fs::exists(output + "/checkpoint.safetensors"));
  CHECK(fs::exists(output + "/report.html"));
  const auto steps = log_of(output).back().at("step").get<int>();
  const Result result =
      run("train --resume --output " + output + " --steps " + std::to_string(steps + 1));
  CHECK(result.status == 0);
  CHECK(contains(result.out, "from step " + std::to_string(steps) + " of "));
  CHECK(log_of(output).at(0).at("step") == 1);
}

TEST_CASE("a run is resumed from another folder, and its data may move but not change") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  const Result first =
      run("train " + arguments("list.jsonl", output) + " --steps 3", "cd " + folder.path() + "; ");
  REQUIRE(first.status == 0);
  const auto options = nlohmann::json::parse(read_file(output + "/options.json"));
  CHECK(options.at("data") == nlohmann::json{list});
  REQUIRE(run("train --resume --steps 4 --output " + output).status == 0);

  const std::string moved = folder / "moved.jsonl";
  fs::rename(list, moved);
  Result result = run("train --resume --steps 5 --output " + output);
  CHECK(result.status == 1);
  CHECK(contains(result.err, list + ": cannot be opened"));
  CHECK(contains(result.err, "give its new path with --data"));
  const std::string named = " --data " + moved + " --validation " + moved;
  REQUIRE(run("train --resume --steps 5 --output " + output + named).status == 0);

  std::string text = read_file(moved);
  text.replace(text.find("iguana\""), 6, "lizard");
  std::ofstream(moved) << text;
  result = run("train --resume --steps 6 --output " + output + named);
  CHECK(result.status == 2);
  CHECK(contains(result.err, "is of other training data"));
  CHECK(contains(result.err, "--data-changed"));
  CHECK(run("train --resume --data-changed --steps 6 --output " + output + named).status == 0);
}

TEST_CASE("a full disk, a limit on files and a path below a file are one sentence") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  REQUIRE(run("train " + arguments(list, output) + " --steps 3").status == 0);
  const std::string good = read_file(output + "/checkpoint.safetensors");
  const std::string more = "train --resume --output " + output + " --steps 6";

  Result result = run(more, "ulimit -f 2000; ");  // blocks of 512 or 1024 bytes
  CHECK(result.status == 1);
  CHECK(contains(result.err, "train: " + output + "/checkpoint.safetensors: cannot be written: "));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(read_file(output + "/checkpoint.safetensors") == good);

  fs::rename(output + "/log.jsonl", output + "/kept.jsonl");
  fs::create_symlink("/dev/full", output + "/log.jsonl");
  result = run("train " + arguments(list, folder / "other"));
  CHECK(result.status == 0);
  result = run(more);
  CHECK(result.status == 1);
  CHECK(contains(result.err, output + "/log.jsonl: "));
  fs::remove(output + "/log.jsonl");
  fs::rename(output + "/kept.jsonl", output + "/log.jsonl");
  CHECK(read_file(output + "/checkpoint.safetensors") == good);
  CHECK(run(more).status == 0);

  result = run("train " + arguments(list, list + "/run"));
  CHECK(result.status == 1);
  CHECK(contains(result.err, list + "/run: cannot be created: Not a directory"));
}

TEST_CASE("a resumed classifier keeps its classes, a damaged checkpoint is no checkpoint") {
  const Folder folder;
  for (const char* name : {"c/cat", "c/dog"}) fs::create_directories(folder / name);
  for (int i = 0; i < 4; ++i)
    fs::copy(slug,
             folder / ("c/" + std::string(i % 2 ? "cat/" : "dog/") + std::to_string(i) + ".png"));
  const std::string output = folder / "run";
  REQUIRE(run("train --task classify --model stamps_coca --threads 1 --batch-size 2 --steps 2 "
              "--picture-count 1 --data " +
              (folder / "c") + " --output " + output)
              .status == 0);
  const std::string resume = "train --resume --data-changed --steps 3 --output " + output;
  fs::rename(folder / "c/cat", folder / "c/wolf");
  check_refused(run(resume), 2,
                {"is of a run with 2 classes, but the training data has \"wolf\" instead of "
                 "\"cat\"; resume with the classes that the run began with"});
  fs::rename(folder / "c/wolf", folder / "c/cat");

  std::string bytes = read_file(output + "/checkpoint.safetensors");
  bytes[bytes.size() - 1000] = static_cast<char>(bytes[bytes.size() - 1000] ^ 4);
  const std::string good = read_file(output + "/checkpoint.safetensors");
  std::ofstream(output + "/checkpoint.safetensors", std::ios::binary) << bytes;
  check_refused(
      run(resume), 1,
      {output + "/checkpoint.safetensors: is damaged: its content is not what was written"});
  std::ofstream(output + "/checkpoint.safetensors", std::ios::binary) << good;
  CHECK(run(resume).status == 0);
}

}  // namespace train_resume_test
