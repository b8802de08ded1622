// The example train: its options, and those that it refuses.

#include "catch.hpp"
#include "train_run.hpp"

using namespace coca::testing;

namespace train_options_test {

using namespace train_run;

TEST_CASE("mistakes in the command line of train are reported at once") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  const auto refused = [&](const std::string& options, int status = 2) {
    const Result result = run("train " + options);
    CHECK(result.status == status);
    CHECK_FALSE(fs::exists(output));
    return result.err;
  };
  CHECK(contains(refused("--data " + list), "--output is required"));
  CHECK(contains(refused("--output " + output), "--data is required"));
  CHECK(contains(refused("--resume --output " + output), output + " contains no run to resume"));
  CHECK(contains(refused(arguments(list, output) + " --batch-size 0"), "batch_size is 0"));
  CHECK(contains(refused("--model nothing --data " + list + " --output " + output),
                 "there is no model nothing"));
  CHECK(contains(refused(arguments(list, output) + " --batch-size 17"), "17"));
  CHECK(contains(refused(arguments(list, output) + " --learning-rate nan"), "nan"));
  for (const std::string number : {"-1", "1.5", "99999999999999999999"})
    for (const std::string flag : {" --steps ", " --batch-size ", " --seed ", " --threads "})
      CHECK(contains(refused(arguments(list, output) + flag + number), number));
  nlohmann::json other = nlohmann::json::parse(read_file(models + "/stamps_coca/config.json"));
  other["vision_cfg"]["layers"] = 5;
  folder.write("open_clip_config.json", nlohmann::json{{"model_cfg", other}}.dump());
  fs::create_symlink(models + "/stamps_coca/model.safetensors",
                     folder / "open_clip_model.safetensors");
  CHECK(contains(
      refused("--init-from " + folder.path() + " --data " + list + " --output " + output, 1),
      "the weights do not fit this model; missing tensors: 24"));
  CHECK(
      contains(refused("--task coca --model ViT-S-32-alt --data " + list + " --output " + output),
               "--task coca cannot train ViT-S-32-alt, which has no caption decoder; expected clip "
               "or classify"));
  const std::string config = folder.write("train.json", R"({"batch_sise": 4})");
  CHECK(contains(refused("--config " + config, 1),
                 config + ": \"batch_sise\" is not a training option"));
  const std::string words = folder.write("bpe_simple_vocab_own.txt", "header\na b\n");
  CHECK(contains(refused(arguments(list, output) + " --tokenizer " + words),
                 "the tokenizer has 515 words, the model's vocab_size is 49408"));
}

TEST_CASE("options come from a file, flags override it, and the run records the result") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  const std::string config = folder.write(
      "train.json",
      nlohmann::json{
          {"data", list}, {"steps", 9}, {"batch_size", 5}, {"output", output}, {"augment", false}}
          .dump());
  REQUIRE(run("train --config " + config + " --image-key= --steps 1 --threads 1").status == 0);
  const auto options = nlohmann::json::parse(read_file(output + "/options.json"));
  CHECK(options.at("steps") == 1);
  CHECK(options.at("batch_size") == 5);
  CHECK(options.at("augment") == false);
  // Of the included model, as is the vocabulary.
  CHECK(options.at("model") == "drawings_coca");
  CHECK(fs::exists(output + "/bpe_simple_vocab.txt.gz"));
}

TEST_CASE("a custom configuration file is trained, resumed and opened") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  nlohmann::json config = nlohmann::json::parse(read_file(models + "/stamps_coca/config.json"));
  config["vision_cfg"]["layers"] = 1;
  config["text_cfg"]["layers"] = config["multimodal_cfg"]["layers"] = 1;
  const std::string file = folder.write("own.json", config.dump());
  const std::string train = "train --batch-size 4 --threads 1 --output " + output;
  REQUIRE(run(train + " --model " + file + " --steps 1 --data " + list).status == 0);
  const auto options = nlohmann::json::parse(read_file(output + "/options.json"));
  CHECK(options.at("model") == file);
  CHECK(run(train + " --resume --steps 2").status == 0);
  CHECK(run("caption --max-length 8 --weights " + output + " " + slug).status == 0);
}

TEST_CASE("options of train that change nothing are refused") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "run";
  const std::string begin =
      "train --model stamps_coca --batch-size 4 --threads 1 --data " + list + " --output ";
  const auto refused = [&](const std::string& options, const std::string& sentence) {
    CAPTURE(options);
    check_refused(run(begin + output + options), 2, {"train: " + sentence + "\n"});
    CHECK_FALSE(fs::exists(output));
  };
  refused(" --task caption --contrastive sigmoid",
          "--contrastive changes nothing in the task caption, only in coca and clip");
  refused(" --keep-best", "--keep-best changes nothing without --validation");
  refused(" --data-changed", "--data-changed changes nothing without --resume");
  refused(" --steps 2 --epochs 1",
          "--epochs changes nothing, because the run has a number of steps, 2: give --steps "
          "instead, or --steps 0 to count epochs");
  const std::string config = folder.write("train.json", R"({"keep_best": true})");
  refused(" --config " + config, config + ": --keep-best changes nothing without --validation");

  // A file may be for several runs, of which flags change one.
  const std::string both = folder.write(
      "both.json", R"({"contrastive": "sigmoid", "affine": 0.5, "affine_degrees": 5})");
  const Result one = run(begin + output + " --steps 1 --task caption --affine 0 --config " + both);
  CAPTURE(one.err);
  REQUIRE(one.status == 0);

  // When a run is resumed, what counts is what it has.
  const std::string resume = "train --resume --output " + output;
  check_refused(run(resume + " --epochs 3"), 2, {"--epochs changes nothing", "number of steps, 1"});
  check_refused(run(resume + " --steps 0 --epochs 3 --mixup 0.8"), 2,
                {"--mixup changes nothing in the task caption, only in classify"});
  REQUIRE(run(resume + " --steps 3").status == 0);
  check_refused(run(resume + " --steps 2"), 2,
                {"is of step 3, but the run is to have 2 steps; give more steps or epochs"});
  CHECK(run(resume + " --steps 0 --epochs 1").status == 0);
}

}  // namespace train_options_test
