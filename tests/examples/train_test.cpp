// The example train: what it reads, trains and writes.

#include "catch.hpp"
#include "train_run.hpp"

using namespace coca::testing;

namespace train_test {

using namespace train_run;

TEST_CASE("train recognises data by content, skips bad rows, and notes how folders are read") {
  const Folder folder;
  const std::string kinds = std::string(COCA_TEST_DATA) + "/datasets/kinds/";
  const Result result = run("train --model stamps_coca --data " + kinds + "null_caption.jsonl " +
                            kinds + "sidecar_classes --output " + (folder / "run") +
                            " --steps 4 --batch-size 4 --threads 1 --loader-threads 1"
                            " --picture-count 0");
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  const std::string problem = "train: skipped: " + kinds +
                              "null_caption.jsonl: line 3: the caption is neither a text nor a "
                              "list of texts\n";
  CHECK(contains(result.err, problem));
  CHECK(result.err.find(problem) == result.err.rfind(problem));
  CHECK(contains(result.err, "6 of its 6 pictures have a text next to them: read as captions"));
  CHECK(contains(result.out, "broken pictures skipped: 1"));
  check_refused(
      run("train --data " + kinds + "semicolons.csv --separator ab --output " + (folder / "other")),
      2, {"the separator is \"ab\", expected one character"});
}

TEST_CASE("train makes a model that caption and OpenCLIP's readers open") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  const Result result = run("train " + arguments(list, output) + " --json");
  REQUIRE(result.status == 0);
  const auto lines = result.json();
  REQUIRE(lines.size() == 3);
  CHECK(lines[0].at("step") == 4);
  CHECK(lines[1].at("image_to_text").size() == 3);
  CHECK(lines[2].at("end") == "finished");
  const Result captions =
      run("caption --weights " + output + " --json " + pictures + "/00_iguana.png");
  CHECK(captions.status == 0);
  CHECK(captions.json().at(0).at("captions").size() == 1);
  const auto config = nlohmann::json::parse(read_file(output + "/open_clip_config.json"));
  CHECK(config.at("model_cfg").at("embed_dim") == 64);
  CHECK(config.at("preprocess_cfg").at("size") == nlohmann::json{64, 64});

  SECTION("a second run does not overwrite the first") {
    const Result again = run("train " + arguments(list, output));
    CHECK(again.status == 2);
    CHECK(contains(again.err, "already contains a checkpoint: add --resume"));
  }
  SECTION("its weights are where another run begins, and say which model it is") {
    const auto a = coca::open_checkpoint(output + "/open_clip_model.safetensors");
    for (const std::string from : {"", "/open_clip_model.safetensors"}) {
      const std::string into = folder / (from.empty() ? "of_folder" : "of_file");
      const Result next = run("train --init-from " + output + from + " --data " + list +
                              " --output " + into + " --steps 1 --batch-size 4 --learning-rate 0");
      REQUIRE(next.status == 0);
      CHECK(contains(next.out, "training stamps_coca"));
      const auto b = coca::open_checkpoint(into + "/open_clip_model.safetensors");
      CHECK(a.read_floats("visual.proj") == b.read_floats("visual.proj"));
    }
  }
}

TEST_CASE("SigLIP's loss is a flag, and its bias goes where the weights go") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  REQUIRE(run("train " + arguments(list, output) + " --contrastive sigmoid").status == 0);
  const auto weights = [](const std::string& of) {
    return coca::open_checkpoint(of + "/open_clip_model.safetensors");
  };
  CHECK(weights(output).contains("logit_bias"));
  CHECK(run("caption --weights " + output + " " + pictures + "/00_iguana.png").status == 0);
  CHECK(run("evaluate --no-captioning --weights " + output + " " + list).status == 0);

  // Another loss leaves it unchanged, there and where that run resumes.
  const std::string softmax = folder / "softmax", more = " --data " + list + " --output " + softmax;
  const Result next = run("train --init-from " + output + more + " --steps 2 --batch-size 4");
  REQUIRE(next.status == 0);
  const Result resumed = run("train --resume --steps 3 --output " + softmax);
  CHECK(resumed.status == 0);
  CHECK(weights(softmax).read_floats("logit_bias") == weights(output).read_floats("logit_bias"));
  CHECK(run("soup " + output + " " + softmax + " --output " + folder / "soup").status == 0);

  // Weights without one get one.
  const std::string plain = folder / "plain";
  CHECK(run("train --init-from " + pictures +
            "/../model.safetensors --contrastive sigmoid --data " + list + " --output " + plain +
            " --steps 1 --batch-size 4")
            .status == 0);
  CHECK(weights(plain).contains("logit_bias"));
}

TEST_CASE("a run starts with the preprocessing of its initial weights") {
  const Folder folder;
  const std::string begin = "train --init-from " + models + "/drawings_coca --data " +
                            write_list(folder) + " --steps 1 --batch-size 4 --learning-rate 0 ";
  const auto preparation = [&](const std::string& output, const std::string& flags) {
    const Result result = run(begin + flags + "--output " + folder / output);
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    CHECK(contains(result.out, "training drawings_coca"));
    return nlohmann::json::parse(read_file(folder / output + "/open_clip_config.json"))
        .at("preprocess_cfg");
  };
  const auto same = preparation("same", "");
  CHECK(same.at("resize_mode") == "longest");
  CHECK(same.at("fill_color") == 255);
  CHECK(preparation("other", "--resize-mode squash ").at("resize_mode") == "squash");
  const std::string horse = models + "/drawings_coca/images/trained/horse.png";
  CHECK(
      run("caption --json --weights " + folder / "same " + horse).json()[0]["captions"][0]["ids"] ==
      run("caption --json " + horse).json()[0]["captions"][0]["ids"]);
}

TEST_CASE("train has tasks, each with its names in the log") {
  const Folder folder;
  const std::string list = write_list(folder);
  const auto train = [&](const std::string& task, const std::string& more = "") {
    const std::string output = folder / task;
    const Result result =
        run("train --json --task " + task + " " + arguments(list, output) + " --steps 2 " + more);
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    return std::pair(log_of(output).front(), result.json().front());
  };
  const auto [clip, clip_scores] = train("clip");
  CHECK(clip.contains("contrastive_loss"));
  CHECK_FALSE(clip.contains("captioning_loss"));
  CHECK(clip_scores.at("text_to_image").size() == 3);
  const auto [caption, caption_scores] = train("caption");
  CHECK(caption.contains("captioning_loss"));
  CHECK_FALSE(caption.contains("contrastive_loss"));
  CHECK_FALSE(caption_scores.contains("text_to_image"));
  const auto [classify, accuracy] = train(
      "classify", "--label-key caption --init-from " + models + "/stamps_coca/model.safetensors");
  CHECK(classify.contains("classification_loss"));
  CHECK(accuracy.at("accuracy").size() == 2);
  CHECK(read_file(folder / "classify/classes.txt").find("iguana\n") != std::string::npos);
  REQUIRE(run("train --resume --steps 3 --output " + folder / "classify").status == 0);

  Result wrong = run("train --task poetry " + arguments(list, folder / "poetry"));
  CHECK(wrong.status == 2);
  CHECK(contains(
      wrong.err,
      "--task poetry is unknown, expected coca, clip, caption, classify, video, vqa, entailment "
      "or pairs"));
  wrong = run("train --resume --task caption --steps 3 --output " + folder / "clip");
  CHECK(wrong.status == 2);
  CHECK(contains(wrong.err, "is of the task clip, this run has caption"));
  wrong = run("train --task classify " + arguments(list, folder / "none"));
  CHECK(wrong.status != 0);
  CHECK(contains(wrong.err, "no picture of the data has a label"));
}

}  // namespace train_test
