#include <cmath>
#include <coca/io/npy.hpp>
#include <coca/io/safetensors.hpp>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;
using nlohmann::json;

namespace {

const std::string data = COCA_TEST_DATA;

// The sixteen pictures in the order of the reference files.
std::string all_pictures() {
  const json reference = json::parse(read_file(data + "/stamps_coca/captions.json"));
  std::string names;
  for (const json& entry : reference["cases"])
    names += " " + pictures + "/" + entry["image"].get<std::string>();
  return names;
}

// The reference pads the shorter of several captions with end tokens; we print ids without padding.
json without_padding(json ids) {
  while (ids.size() > 1 && ids[ids.size() - 2] == 49407) ids.erase(ids.size() - 1);
  return ids;
}

// Compares what the program printed with one setting of a reference file.
void check_captions(const std::string& options, const std::string& file,
                    const std::string& setting) {
  const json reference = json::parse(read_file(data + "/stamps_coca/" + file));
  const Result result = run_stamps("caption --json " + options + all_pictures());
  REQUIRE(result.status == 0);
  const auto lines = result.json();
  REQUIRE(lines.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) {
    const json& expected = reference["cases"][i][setting];
    const json& captions = lines[i]["captions"];
    CAPTURE(lines[i].dump(), expected.dump());
    const bool nested = expected["ids"][0].is_array();
    const json ids = nested ? expected["ids"] : json::array({expected["ids"]});
    REQUIRE(captions.size() == ids.size());
    for (std::size_t c = 0; c < ids.size(); ++c) {
      CHECK(captions[c]["ids"] == without_padding(ids[c]));
      const json text = nested ? expected["text"][c] : expected["text"];
      CHECK(captions[c]["text"] == text);
      if (expected.contains("scores") && expected["scores"].is_array()) {
        const double difference =
            captions[c]["score"].get<double>() - expected["scores"][c].get<double>();
        CHECK(std::abs(difference) <= 1e-3);
      }
    }
  }
}

}  // namespace

TEST_CASE("caption prints what OpenCLIP prints") {
  check_captions("--beams 6 --max-length 20 --min-length 5", "captions.json", "beam6");
  check_captions("--beams 6 --max-length 16 --min-length 9", "captions.json", "beam6_min9");
  check_captions("--beams 3 --num-captions 3 --max-length 20 --min-length 0", "captions.json",
                 "beam3_all");
  check_captions("--beams 4 --max-length 20 --min-length 0 --length-penalty 2", "captions.json",
                 "beam4_lp2");
  check_captions(
      "--beams 4 --max-length 20 --min-length 0 --length-penalty 0 --early-stopping true",
      "captions.json", "beam4_lp0_early");
  check_captions("--beams 4 --max-length 20 --min-length 0 --repetition-penalty 1.5",
                 "captions.json", "beam4_rep1.5");
  check_captions("--beams 4 --max-length 20 --min-length 0 --no-repeat-ngram 2", "captions.json",
                 "beam4_ngram2");
  check_captions("--beams 1 --max-length 20 --min-length 0", "captions.json", "greedy");
  check_captions("--beams 1 --max-length 20 --min-length 0 --repetition-penalty 1.3",
                 "captions.json", "greedy_rep1.3");
}

TEST_CASE("caption prints what OpenCLIP 3.3.0 prints") {
  const std::string release = "--search openclip-3.3 --max-length 20 ";
  check_captions(release, "captions_3_3_0.json", "default");
  check_captions(release + "--groups 1", "captions_3_3_0.json", "six_beams_one_group");
  check_captions(release + "--beams 4 --groups 2 --min-length 9", "captions_3_3_0.json",
                 "four_beams_two_groups_min9");
}

TEST_CASE("caption samples, prompts and batches") {
  const std::string cow = " " + pictures + "/15_cow_white.png";
  const Result first =
      run_stamps("caption --json --sample --top-k 50 --seed 3 --num-captions 4" + cow);
  REQUIRE(first.status == 0);
  REQUIRE(first.json()[0]["captions"].size() == 4);
  CHECK(run_stamps("caption --json --sample --top-k 50 --seed 3 --num-captions 4" + cow).out ==
        first.out);
  CHECK(run_stamps("caption --json --sample --top-k 50 --seed 4 --num-captions 4" + cow).out !=
        first.out);
  const std::string text =
      run_stamps("caption --json --prompt 'a brown'" + cow).json()[0]["captions"][0]["text"];
  CHECK(text.starts_with("a brown "));
  CHECK(run_stamps("caption --batch 1" + all_pictures()).out ==
        run_stamps("caption --batch 16" + all_pictures()).out);
  CHECK(run_stamps("caption --threads 1" + cow).out == run_stamps("caption --threads 2" + cow).out);
  CHECK(run_stamps("caption --precision bf16" + cow).status == 0);
}

TEST_CASE("caption shows where it attended") {
  const Folder folder;
  const Result result = run_stamps("caption --json --attention " + folder.path() + "/maps " + slug);
  REQUIRE(result.status == 0);
  const auto files = result.json()[0]["attention"];
  REQUIRE(files.size() >= 3);
  for (const auto& file : files) CHECK(read_file(file.get<std::string>()).starts_with("\x89PNG"));
}

TEST_CASE("classify ranks labels") {
  const Result result =
      run_stamps("classify --json --labels 'the letter s,a brown slug,a party horn' " + pictures +
                 "/08_Brown_slug.png " + pictures + "/10_s_outline.png");
  REQUIRE(result.status == 0);
  const auto lines = result.json();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0]["labels"][0]["label"] == "a brown slug");
  CHECK(lines[1]["labels"][0]["label"] == "the letter s");
  double total = 0;
  for (const auto& label : lines[0]["labels"]) total += label["probability"].get<double>();
  CHECK(std::abs(total - 1) <= 1e-5);

  const Folder folder;
  const std::string labels = folder.write("labels.txt", "the letter s\na brown slug\n");
  for (const std::string templates : {"imagenet", "simple", "'a drawing of {}'"}) {
    const Result from_file = run_stamps("classify --templates " + templates + " --labels-file " +
                                        labels + " " + pictures + "/10_s_outline.png");
    CHECK(from_file.status == 0);
    CHECK(contains(from_file.out, "the letter s"));
  }
}

TEST_CASE("embed gives the reference's embeddings") {
  const Folder folder;
  const std::string npy = folder / "embeddings.npy";
  const Result result = run_stamps("embed --json --npy " + npy + all_pictures());
  REQUIRE(result.status == 0);
  const auto expected = coca::read_safetensors(data + "/stamps_coca/forward.safetensors")
                            .read_floats("image_features");
  const auto lines = result.json();
  const coca::NpyArray array = coca::read_npy(npy);
  REQUIRE(lines.size() == 16);
  REQUIRE(array.values.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double difference = lines[i / 64]["embedding"][i % 64].get<double>() - expected[i];
    REQUIRE(std::abs(difference) <= 1e-4);
    REQUIRE(std::abs(array.values[i] - expected[i]) <= 1e-4f);
  }

  const auto text = run_stamps("embed --json --text 'a photo of a cat'").json();
  REQUIRE(text.size() == 1);
  CHECK(text[0]["text"] == "a photo of a cat");
  CHECK(text[0]["tokens"] == json({49406, 320, 1125, 539, 320, 2368, 49407}));
  CHECK(text[0]["embedding"].size() == 64);
  const std::string lines_of_text = folder.write("texts.txt", "a cat\na dog\n");
  CHECK(run_stamps("embed --json --texts-file " + lines_of_text).json().size() == 2);
}

TEST_CASE("search indexes once and follows changes") {
  const Folder folder;
  std::filesystem::copy(pictures, folder / "album");
  const std::string album = folder / "album";
  const Result first =
      run_stamps("search --json " + album + " 'the letter s' --sheet " + (folder / "s.png"));
  REQUIRE(first.status == 0);
  CHECK(contains(first.json()[0].dump(), "s_outline"));
  CHECK(read_file(folder / "s.png").starts_with("\x89PNG"));
  std::filesystem::remove(album + "/10_s_outline.png");
  const Result second = run_stamps("search --json " + album + " 'the letter s'");
  REQUIRE(second.status == 0);
  CHECK(!contains(second.out, "10_s_outline"));
  std::filesystem::copy(pictures + "/10_s_outline.png", album + "/again.png");
  const Result third =
      run_stamps("search --json " + album + " --image " + pictures + "/10_s_outline.png");
  REQUIRE(third.status == 0);
  CHECK(contains(third.json()[0].dump(), "again.png"));
}

TEST_CASE("the programs that show the library run") {
  CHECK(run("minimal " + models + "/stamps_coca/model.safetensors " + slug).status == 0);
  CHECK(run("custom_encoder " + slug).status == 0);
}

TEST_CASE("the programs that show the library print their usage") {
  for (const std::string program : {"minimal", "custom_encoder"}) {
    const Result help = run(program + " --help");
    CHECK(help.status == 0);
    CHECK(contains(help.out, "usage: " + program));
    CHECK(contains(help.out, "photo.jpg"));
    CHECK(help.err.empty());
    for (const std::string wrong : {"", " a b c", " --help --help --help"})
      check_refused(run(program + wrong), 2, {"usage: " + program});
  }
  check_refused(run("custom_encoder no.png"), 1, {"no.png"});
  check_refused(run("minimal no.safetensors no.png"), 1, {"no.safetensors"});
}

TEST_CASE("the programs that show the library notice a full disk") {
  const auto fails = [](const std::string& command, const std::string& to) {
    const std::string line = std::string(COCA_PROGRAMS) + "/" + command + to + " 2>/dev/null";
    CAPTURE(line);
    const int status = WEXITSTATUS(std::system(line.c_str()));
    CHECK(status != 0);
    CHECK(status <= 2);
  };
  for (const std::string to : {" >/dev/full", " >&-"}) {
    fails("minimal " + models + "/stamps_coca/model.safetensors " + slug, to);
    fails("custom_encoder " + slug, to);
    fails("minimal --help", to);
    fails("custom_encoder --help", to);
  }
}
