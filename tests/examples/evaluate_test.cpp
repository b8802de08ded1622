// The example evaluate.

#include <cmath>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;
using nlohmann::json;

namespace {

namespace fs = std::filesystem;

const json& captions_of_reference() {
  static const json reference =
      json::parse(read_file(std::string(COCA_TEST_DATA) + "/stamps_coca/captions.json"));
  return reference["cases"];
}

std::string picture(std::size_t i) {
  return pictures + "/" + captions_of_reference()[i]["image"].get<std::string>();
}

// The model's caption of a picture.
std::string caption_of(std::size_t i) {
  const json line = run_stamps("caption --json " + picture(i)).json()[0];
  return line["captions"][0]["text"];
}

// Four pictures with the model's own captions, but the last; two kinds, three labels.
const json& records() {
  static const json records = [] {
    json list = json::array();
    for (std::size_t i = 0; i < 4; ++i)
      list.push_back({{"image", picture(i)},
                      {"captions", {i < 3 ? caption_of(i) : "something else", "another caption"}},
                      {"kind", i % 2 == 0 ? "even" : "odd"},
                      {"label", i < 3 ? caption_of(i) : caption_of(0)}});
    return list;
  }();
  return records;
}

std::string lines_of(const json& list) {
  std::string lines;
  for (const json& record : list) lines += record.dump() + "\n";
  return lines;
}

// The object that evaluate prints with these arguments.
json scores_of(const std::string& arguments) {
  const Result result = run_stamps("evaluate --json " + arguments);
  CAPTURE(result.err);
  REQUIRE(result.status == 0);
  REQUIRE(result.json().size() == 1);
  return result.json()[0];
}

std::string labels_of(std::size_t count) {
  std::string labels;
  for (std::size_t i = 0; i < count; ++i) labels += caption_of(i) + "\n";
  return labels;
}

// A field of a table.
std::string quoted(const std::string& text) {
  std::string field = "\"";
  for (const char c : text) field += c == '"' ? "\"\"" : std::string(1, c);
  return field + "\"";
}

}  // namespace

TEST_CASE("evaluate prints scores, of all and of groups") {
  const Folder folder;
  const std::string data = folder.write("data.jsonl", lines_of(records()));
  const std::string labels = folder.write("labels.txt", labels_of(3));
  const std::string arguments = data + " --group kind --protocol concepts --labels-file " + labels;
  const json scores = scores_of(arguments);
  CHECK(scores["model"] == "stamps_coca");
  CHECK(scores["data"] == json({data}));
  CHECK(scores["pictures"] == 4);
  CHECK(scores["captions"] == 4);
  CHECK(scores["skipped"] == 0);
  CHECK(scores["beams"] == 6);
  CHECK(scores["captioning"]["exact_match"] == 0.75);
  CHECK(scores["image_to_text"]["r5"] == 1.0);
  CHECK(scores["text_to_image"]["r5"] == 1.0);
  CHECK(scores["zero_shot"]["top_1"] == 0.75);
  CHECK(scores["zero_shot"]["top_5"] == 1.0);
  CHECK(scores["groups"].size() == 2);
  CHECK(scores["groups"]["even"]["captioning"]["exact_match"] == 1.0);
  CHECK(scores["groups"]["odd"]["captioning"]["exact_match"] == 0.5);
  CHECK(scores["groups"]["odd"]["zero_shot"]["top_1"] == 0.5);
  CHECK(scores["groups"]["odd"]["pictures"] == 2);

  const Result table = run_stamps("evaluate " + arguments + " --beams 1");
  REQUIRE(table.status == 0);
  CHECK(contains(table.out, "image to text"));
  CHECK(contains(table.out, "\neven"));
  CHECK(contains(table.out, "\nall "));
  CHECK(contains(table.out, "1 beam."));
  // Aligned: the titles, the groups and all of them end in the same column.
  std::istringstream stream(table.out);
  std::string blocks, titles, row;
  std::getline(stream, blocks);
  std::getline(stream, titles);
  for (int i = 0; i < 3; ++i) {
    std::getline(stream, row);
    CHECK(row.size() == titles.size());
  }
  CHECK(row.starts_with("all"));
  CHECK(titles.ends_with("top-5"));
}

TEST_CASE("evaluate prints confidence intervals of recall") {
  const Folder folder;
  const std::string data = folder.write("data.jsonl", lines_of(records()));
  const std::string arguments = data + " --no-captioning --group kind --interval kind";
  const json scores = scores_of(arguments);
  CHECK(scores["image_to_text_interval"]["r5"] == json({1.0, 1.0}));
  CHECK(scores["text_to_image_interval"]["r1"].size() == 2);
  CHECK(scores["groups"]["odd"]["image_to_text_interval"].size() == 3);
  CHECK_FALSE(scores_of(data + " --no-captioning").contains("image_to_text_interval"));
  const Result table = run_stamps("evaluate " + arguments);
  CHECK(contains(table.out, "R@5, 95 %"));
  CHECK(contains(table.out, "100.0-100.0"));
  CHECK(contains(table.out, "bootstrap over \"kind\""));
  check_refused(run_stamps("evaluate " + data + " --interval sort"), 1, {"no key \"sort\""});
}

TEST_CASE("evaluate measures what validation does, and what embed says") {
  const Folder folder;
  json list = json::array();
  for (std::size_t i = 0; i < 16; ++i)
    list.push_back({{"image", picture(i)}, {"caption", caption_of(i % 12)}});
  const std::string data = folder.write("data.jsonl", lines_of(list));
  const json scores = scores_of("--protocol concepts --no-captioning " + data);
  CHECK(scores["captions"] == 12);
  CHECK(!scores.contains("captioning"));
  const Result trained =
      run("train --data " + data + " --validation " + data + " --output " + (folder / "run") +
          " --init-from " + models +
          "/stamps_coca/model.safetensors --model stamps_coca --steps 1 "
          "--batch-size 4 --learning-rate 0 --picture-count 0 --threads 1 --json");
  CAPTURE(trained.err);
  REQUIRE(trained.status == 0);
  const json validation = trained.json()[0];
  for (const char* way : {"image_to_text", "text_to_image"}) {
    CAPTURE(validation.dump(), scores.dump());
    CHECK(std::abs(validation[way][0].get<double>() - scores[way]["r1"].get<double>()) <= 1e-6);
    CHECK(std::abs(validation[way][1].get<double>() - scores[way]["r5"].get<double>()) <= 1e-6);
    CHECK(std::abs(validation[way][2].get<double>() - scores[way]["r10"].get<double>()) <= 1e-6);
  }
}

TEST_CASE("evaluate counts all captions of a picture") {
  // Four pictures with two captions, of which the model finds one: as a list, and as a table with a
  // caption in each row.
  const Folder folder;
  json list = json::array();
  std::string table = "image;text\n";
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string right = caption_of(i), wrong = caption_of((i + 1) % 4);
    list.push_back({{"image", picture(i)}, {"captions", {wrong, right}}});
    for (const std::string& caption : {wrong, right})
      table += picture(i) + ";" + quoted(caption) + "\n";
  }
  const std::string data = folder.write("data.jsonl", lines_of(list));
  const json scores = scores_of("--no-captioning " + data);
  CHECK(scores["protocol"] == "captions");
  CHECK(scores["pictures"] == 4);
  CHECK(scores["captions"] == 8);
  // A right caption is also a wrong one of the previous picture, so each text finds its picture at
  // most where it is right. By the embeddings "the letter l ." is nearer to the fourth picture than
  // to its own, the other three are nearest to theirs.
  CHECK(scores["text_to_image"]["r1"] == 0.375);
  CHECK(scores["image_to_text"]["r5"] == 1.0);
  CHECK(scores_of("--no-captioning " + folder.write("data.csv", table))["text_to_image"] ==
        scores["text_to_image"]);
  CHECK(scores_of("--no-captioning " + (folder / "data.csv"))["pictures"] == 4);
  const json concepts = scores_of("--protocol concepts --no-captioning " + data);
  CHECK(concepts["captions"] == 4);
  CHECK(concepts["text_to_image"]["r1"] == 0.0);
  CHECK(run_stamps("evaluate " + data + " --protocol other").status == 2);
}

TEST_CASE("evaluate reads names that are not UTF-8 as the programs write them") {
  const Folder folder;
  fs::copy_file(picture(0), folder / "caf\xe9.png");
  const std::string line = R"({"image": "caf\udce9.png", "caption": "x"})";
  const Result result =
      run_stamps("evaluate --no-captioning --json " + folder.write("data.jsonl", line + "\n"));
  CAPTURE(result.err);
  CHECK(result.status == 0);
}

TEST_CASE("evaluate writes captions for other programs") {
  const Folder folder;
  const std::string data = folder.write("data.jsonl", lines_of(records()));
  const std::string file = folder.write("captions.jsonl", "what was there before");
  REQUIRE(run_stamps("evaluate " + data + " --captions " + file).status == 0);
  std::istringstream stream(read_file(file));
  std::size_t count = 0;
  for (std::string line; std::getline(stream, line); ++count) {
    const json entry = json::parse(line);
    CHECK(entry["image"] == picture(count));
    CHECK(entry["references"] == records()[count]["captions"]);
    CHECK(entry["caption"] == caption_of(count));
  }
  CHECK(count == 4);
  for (const auto& entry : fs::directory_iterator(folder.path()))
    CHECK(!contains(entry.path().string(), ".tmp"));
  check_refused(run_stamps("evaluate " + data + " --captions " + data + "/no"), 1, {data + "/no"});
  CHECK(run_stamps("evaluate " + data + " --captions /dev/full").status == 1);
}

TEST_CASE("evaluate reads tables, shards and class folders") {
  const Folder folder;
  for (const char* name : {"iguana", "dragon_fly"})
    fs::create_directories(folder / ("c/" + std::string(name)));
  fs::copy(picture(0), folder / "c/iguana/1.png");
  fs::copy(picture(4), folder / "c/dragon_fly/1.png");
  const std::string labels =
      " --no-captioning --labels-file " + folder.write("labels.txt", "dragon fly\niguana\nbull\n");
  const json classes = scores_of((folder / "c") + labels + " --group label");
  CHECK(classes["zero_shot"]["top_1"] == 1.0);
  CHECK(classes["groups"].contains("dragon fly"));

  const std::string table =
      folder.write("table.csv", "image,text,label\n" + picture(0) + ",an iguana,iguana\n" +
                                    picture(13) + ",a bull,iguana\n");
  const json both = scores_of(table + " " + (folder / "c") + labels);
  CHECK(both["pictures"] == 4);
  CHECK(both["zero_shot"]["top_1"] == 0.75);
  const json by_caption = scores_of(table + " --no-captioning --label-key caption --labels-file " +
                                    folder.write("captions.txt", "a bull\nan iguana\n"));
  CHECK(by_caption["zero_shot"]["top_1"] == 1.0);

  const std::string bare = folder.write("bare.csv", "image,label\n" + picture(0) + ",iguana\n");
  const json labels_only = scores_of(bare + labels);
  CHECK(labels_only["zero_shot"]["top_1"] == 1.0);
  CHECK_FALSE(labels_only.contains("image_to_text"));
  check_refused(run_stamps("evaluate " + bare), 1, {bare, "no column of the caption"});

  const std::string shard = std::string(COCA_TEST_DATA) + "/datasets/shard-000.tar";
  CHECK(scores_of(shard)["pictures"].get<int>() > 0);
  check_refused(run_stamps("evaluate " + shard + " --group source"), 1,
                {shard, "has no \"source\""});
}

TEST_CASE("evaluate recognises data by its content, and reports how it was read") {
  const std::string kinds = std::string(COCA_TEST_DATA) + "/datasets/kinds/";
  const auto pictures_of = [&](const std::string& arguments) {
    return scores_of("--no-captioning " + arguments)["pictures"].get<int>();
  };
  CHECK(pictures_of(kinds + "coco_captions.json") == 6);
  CHECK(pictures_of(kinds + "semicolons.csv") == 6);
  CHECK(pictures_of(kinds + "semicolons.csv --separator ';'") == 6);
  CHECK(pictures_of(kinds + "nan_elsewhere.jsonl") == 6);
  CHECK(pictures_of(kinds + "shard-000.tar.gz") == 3);
  const std::string evaluate = "evaluate --json --no-captioning " + kinds;
  const Result masks = run_stamps(evaluate + "jpg_and_png_mask.tar");
  CHECK(masks.status == 0);
  CHECK(masks.json()[0]["pictures"] == 6);
  CHECK(contains(masks.err, "house.png and 5 more members are not read"));
  const Result folder = run_stamps(evaluate + "sidecar_classes");
  CHECK(folder.status == 0);
  CHECK(folder.json()[0]["captions"] == 6);
  CHECK(contains(folder.err, "6 of its 6 pictures have a text next to them: read as captions"));
  const Result classes =
      run_stamps(evaluate + "sidecar_classes --folders classes --protocol concepts");
  CHECK(classes.json()[0]["captions"] == 1);
  CHECK(classes.err.empty());

  const Result bad = run_stamps(evaluate + "null_caption.jsonl");
  CHECK(bad.status == 1);
  CHECK(contains(bad.err,
                 "null_caption.jsonl: line 3: the caption is neither a text nor a list of texts"));
  CHECK(bad.json()[0]["pictures"] == 5);
  CHECK(bad.json()[0]["skipped"] == 1);

  check_refused(run_stamps(evaluate + "semicolons.csv --separator ,"), 1,
                {"no column of the picture"});
  check_refused(run_stamps(evaluate + "semicolons.csv --separator ::"), 2,
                {"the separator is \"::\", expected one character"});
  check_refused(run_stamps(evaluate + "karpathy.json --split dev"), 1,
                {"has no pictures of the split \"dev\"; its splits are"});
  const Folder other;
  for (const char* name : {"x.csv", "x.tar", "x.jsonl"})
    check_refused(run_stamps("evaluate " + other.write(name,
                                                       "version https://git-lfs.github.com/"
                                                       "spec/v1\noid sha256:4d7a\n")),
                  1, {name, "is a pointer of Git LFS"});
}

TEST_CASE("evaluate reports broken pictures and continues") {
  const Folder folder;
  json list = records();
  list[1]["image"] = folder.write("broken.png", "nothing");
  list.push_back({{"image", "missing.png"}, {"captions", {"x"}}, {"kind", "odd"}});
  const std::string data = folder.write("data.jsonl", lines_of(list));
  const Result result = run_stamps("evaluate --json " + data);
  CHECK(result.status == 1);
  CHECK(contains(result.err, "broken.png"));
  CHECK(contains(result.err, folder / "missing.png"));
  REQUIRE(result.json().size() == 1);
  CHECK(result.json()[0]["pictures"] == 3);
  CHECK(result.json()[0]["skipped"] == 2);
  CHECK(contains(run("evaluate --no-captioning " + data).out, "2 pictures were skipped."));

  const std::string none = folder.write("none.jsonl", lines_of(json::array({list[4]})));
  check_refused(run_stamps("evaluate " + none), 1,
                {"missing.png", "none of the 1 picture can be read"});
}

TEST_CASE("evaluate refuses what it cannot evaluate") {
  const Folder folder;
  const std::string data = folder.write("data.jsonl", lines_of(records()));
  const std::string labels = folder.write("labels.txt", labels_of(2));
  check_refused(run_stamps("evaluate " + (folder / "no.jsonl")), 1, {"no.jsonl"});
  check_refused(run_stamps("evaluate " + folder.write("empty.jsonl", "")), 1,
                {"empty.jsonl: is empty"});
  check_refused(run_stamps("evaluate " + folder.write("head.csv", "image,text\n")), 1,
                {"head.csv: lists no pictures"});
  check_refused(run_stamps("evaluate " + data + " --group sort"), 1,
                {"data.jsonl: line 1: no key \"sort\"", "\"kind\""});
  check_refused(run_stamps("evaluate " + data + " --labels-file " + labels), 1,
                {picture(2), "its label \"" + caption_of(2) + "\" is not in " + labels});
  check_refused(run_stamps("evaluate " + data + " --label-key captions --labels-file " + labels), 1,
                {"\"captions\" is neither a text nor a number"});
  const std::string twice = folder.write("twice.txt", "a\nb\na\n");
  check_refused(run_stamps("evaluate " + data + " --labels-file " + twice), 1,
                {"twice.txt: the label \"a\" occurs twice"});
  json bare =
      json::array({{{"image", picture(0)}, {"captions", json::array()}, {"label", caption_of(0)}}});
  const std::string uncaptioned = folder.write("bare.jsonl", lines_of(bare));
  check_refused(run_stamps("evaluate " + uncaptioned), 1, {"nothing to evaluate"});
  check_refused(run_stamps("evaluate " + uncaptioned + " --interval label --labels-file " + labels),
                1, {"--interval is about recall"});
  const json judged = scores_of(uncaptioned + " --labels-file " + labels);
  CHECK(judged["zero_shot"]["top_1"] == 1.0);
  CHECK(!judged.contains("image_to_text"));
  check_refused(
      run_stamps("evaluate " + uncaptioned + " --label-key caption --labels-file " + labels), 1,
      {"has no caption to use as its label"});
}

TEST_CASE("evaluate with an invalid command line has status 2") {
  const Folder folder;
  const std::string data = folder.write("data.jsonl", lines_of(records()));
  CHECK(run("evaluate").status == 2);
  check_refused(run_stamps("evaluate " + data + " --label-key kind"), 2,
                {"--label-key needs --labels-file"});
  check_refused(run_stamps("evaluate " + data + " --templates simple"), 2,
                {"--templates needs --labels-file"});
  check_refused(run_stamps("evaluate " + data + " --captions x --no-captioning"), 2,
                {"exclude each other"});
  check_refused(run_stamps("evaluate " + data + " --beams 0"), 2, {"beams"});
  check_refused(run_stamps("evaluate " + data + " --min-length 99"), 2, {"min_length 99"});
  const Result help = run("evaluate --help");
  CHECK(help.status == 0);
  CHECK(contains(help.out, "pictures and captions are searched among"));
}
