// The example train: classifiers.

#include "catch.hpp"
#include "train_run.hpp"

using namespace coca::testing;

namespace train_classifier_test {

using namespace train_run;

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

  // A soup used to lose the names of the classes.
  const std::string soup = folder / "soup";
  REQUIRE(run("soup " + output + " " + output + " --output " + soup).status == 0);
  CHECK(read_file(soup + "/classes.txt") == read_file(output + "/classes.txt"));
  CHECK(run("classify --json --weights " + soup + " " + slug)
            .json()
            .at(0)
            .at("labels")[0]
            .at("label") == row.at("labels")[0].at("label"));

  check_refused(run("classify --weights " + output + " --labels a,b " + slug), 2,
                {output + " is a trained classifier, which has its own classes"});
  check_refused(run("embed --weights " + output + " --text cow"), 1,
                {output + " is a classifier of pictures: it reads and writes no texts"});
  check_refused(run("caption --weights " + output + " " + slug), 2, {"has no captioner"});
  check_refused(run("classify " + slug), 2, {"give labels with either"});

  // Its head is kept where the classes are the same; a model with a text tower takes only the
  // encoder.
  const std::string from = " --init-from " + output + " --output ";
  const Result finetuned =
      run("train --task classify --head pooler --label-key caption --data " + list + from +
          (folder / "finetuned") + " --steps 1 --batch-size 4 --threads 1");
  CAPTURE(finetuned.err);
  REQUIRE(finetuned.status == 0);
  CHECK_FALSE(contains(finetuned.err, "start at random"));
  const Result clip = run("train --task clip --data " + list + from + (folder / "clip") +
                          " --steps 1 --batch-size 4 --threads 1");
  REQUIRE(clip.status == 0);
  CHECK(contains(clip.err, "more: their values start at random"));
  const Result other = run("train --task classify --head pooler --label-key image --data " + list +
                           from + (folder / "other") + " --steps 1 --batch-size 4 --threads 1");
  REQUIRE(other.status == 0);
  CHECK(contains(other.err, "has no head.attn_pool.query"));
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

}  // namespace train_classifier_test
