// The example train, as a person and as a scheduler runs it: killed, stopped, without room.

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "catch.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "run_program.hpp"

using namespace coca::testing;

namespace {

namespace fs = std::filesystem;

/// A list of the repository's pictures.
std::string write_list(const Folder& folder) {
  std::string list;
  for (const auto& entry : fs::directory_iterator(pictures))
    if (entry.path().extension() == ".png")
      list += nlohmann::json{{"image", entry.path().string()},
                             {"caption", entry.path().stem().string().substr(3)}}
                  .dump() +
              "\n";
  return folder.write("list.jsonl", list);
}

/// Few steps, and a checkpoint every third.
std::string arguments(const std::string& list, const std::string& output) {
  return "--model stamps_coca --data " + list + " --validation " + list + " --output " + output +
         " --steps 8 --batch-size 4 --validation-steps 4 --checkpoint-steps 3 --threads 1 "
         "--loader-threads 1 --picture-count 1 --ema-decay 0.9 --crop-scale 0.5 1 --flip 0.5";
}

/// A program that runs in parallel with the test.
class Process {
 public:
  explicit Process(const std::string& command_line) {
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::signal(SIGHUP, SIG_DFL);  // tests may run under nohup
    const int null = ::open("/dev/null", O_RDWR);
    for (int descriptor = 0; descriptor <= 2; ++descriptor) ::dup2(null, descriptor);
    const std::string command = "exec " + std::string(COCA_PROGRAMS) + "/" + command_line;
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    ::_exit(127);
  }
  ~Process() {
    if (pid_ > 0) end(SIGKILL);
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// Sends a signal and waits. @return the status, as Result::status
  int end(int signal) {
    ::kill(pid_, signal);
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_ = -1;
};

/// Waits until something holds, for two minutes at most.
template <class Condition>
bool wait_until(const Condition& condition) {
  for (int i = 0; i < 120000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

std::size_t lines_of(const std::string& path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// Whether a file is being written under a temporary name.
bool is_saving(const std::string& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (contains(entry.path().filename().string(), "checkpoint.safetensors.tmp-")) return true;
  return false;
}

/// The log without what a clock says.
std::vector<nlohmann::json> log_of(const std::string& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(read_file(folder + "/log.jsonl"));
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(nlohmann::json::parse(line));
    lines.back().erase("pictures_per_second");
    lines.back().erase("seconds_waited");
  }
  return lines;
}

/// Weights, moments and average of the checkpoint, bit for bit the same.
bool same_tensors(const std::string& a, const std::string& b) {
  const auto one = coca::open_checkpoint(a + "/checkpoint.safetensors");
  const auto other = coca::open_checkpoint(b + "/checkpoint.safetensors");
  if (one.names() != other.names() || one.size() < 100) return false;
  for (const std::string& name : one.names()) {
    const auto x = one.read_floats(name), y = other.read_floats(name);
    if (x.size() != y.size() || std::memcmp(x.data(), y.data(), x.size() * sizeof(float)) != 0)
      return false;
  }
  return true;
}

}  // namespace

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
  CHECK(contains(wrong.err, "--task poetry is unknown, expected coca, clip, caption, classify, vqa, entailment or "
                            "pairs"));
  wrong = run("train --resume --task caption --steps 3 --output " + folder / "clip");
  CHECK(wrong.status == 2);
  CHECK(contains(wrong.err, "is of the task clip, this run has caption"));
  wrong = run("train --task classify " + arguments(list, folder / "none"));
  CHECK(wrong.status != 0);
  CHECK(contains(wrong.err, "no picture of the data has a label"));
}

TEST_CASE("a trained classifier is a model like any other") {
  const Folder folder;
  const std::string list = write_list(folder), output = folder / "frozen";
  REQUIRE(run("train --task classify --head pooler --freeze visual --label-key caption " +
              arguments(list, output) + " --init-from " + models + "/stamps_coca/model.safetensors")
              .status == 0);
  const auto checkpoint = coca::open_checkpoint(output + "/open_clip_model.safetensors");
  const auto original = coca::open_checkpoint(models + "/stamps_coca/model.safetensors");
  std::size_t same = 0;
  for (const std::string& name : checkpoint.names())
    if (name.starts_with("visual.")) {
      CHECK(checkpoint.read_floats(name) == original.read_floats(name));
      ++same;
    }
  CHECK(same > 10);

  const Result classes = run("classify --json --weights " + output + " " + slug);
  REQUIRE(classes.status == 0);
  const auto row = classes.json().at(0);
  CHECK(row.at("labels").size() == 16);
  double sum = 0;
  for (const auto& label : row.at("labels")) sum += label.at("probability").get<double>();
  CHECK(std::abs(sum - 1) <= 1e-5);
  CHECK(run("classify --json --model " + output + " " + slug).out == classes.out);
  CHECK(run("embed --json --weights " + output + " " + slug).status == 0);

  check_refused(run("classify --weights " + output + " --labels a,b " + slug), 2,
                {output + " is a trained classifier, which has its own classes"});
  check_refused(run("embed --weights " + output + " --text cow"), 1,
                {output + " is a classifier of pictures: it reads and writes no texts"});
  check_refused(run("caption --weights " + output + " " + slug), 2, {"has no captioner"});
  check_refused(run("classify " + slug), 2, {"give labels with either"});

  // Its head goes on where the classes are the same; a model with a text tower takes only the
  // encoder.
  const std::string from = " --init-from " + output + " --output ";
  const Result finetuned = run("train --task classify --head pooler --label-key caption --data " +
                               list + from + (folder / "finetuned") +
                               " --steps 1 --batch-size 4 --threads 1");
  CAPTURE(finetuned.err);
  REQUIRE(finetuned.status == 0);
  CHECK_FALSE(contains(finetuned.err, "start at random"));
  const Result clip = run("train --task clip --data " + list + from + (folder / "clip") +
                          " --steps 1 --batch-size 4 --threads 1");
  REQUIRE(clip.status == 0);
  CHECK(contains(clip.err, "more: their values start at random"));
  const Result other = run("train --task classify --head pooler --label-key image --data " + list +
                           from + (folder / "other") +
                           " --steps 1 --batch-size 4 --threads 1");
  REQUIRE(other.status == 0);
  CHECK(contains(other.err, "has no head.attn_pool.query"));
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

TEST_CASE("a classifier is trained on tables, JSON and shards without captions") {
  const Folder folder;
  std::string table = "file_name;kind\n", rows;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(pictures)) {
    if (entry.path().extension() != ".png") continue;
    const std::string path = entry.path().string();
    const std::string kind = count++ % 2 == 0 ? "plant" : "animal";
    table += path + ";" + kind + "\n";
    rows += nlohmann::json{{"path", path}, {"kind", kind}}.dump() + "\n";
  }
  for (const std::string& list :
       {folder.write("list.csv", table), folder.write("list.jsonl", rows)}) {
    const std::string output = list + ".run";
    const Result result = run("train --task classify --label-key kind --picture-count 1 --data " +
                              list + " --validation " + list + " --output " + output +
                              " --model stamps_coca --steps 1 --batch-size 4 --threads 1");
    CAPTURE(result.err);
    REQUIRE(result.status == 0);
    CHECK(read_file(output + "/classes.txt") == "animal\nplant\n");
  }
  const Result captions = run("train --task coca --model stamps_coca --data " +
                              (folder / "list.csv") + " --output " + (folder / "captions"));
  CHECK(captions.status == 1);
  CHECK(contains(captions.err, "no column of the caption"));
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
