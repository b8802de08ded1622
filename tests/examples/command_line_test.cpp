#include <algorithm>

#include "catch.hpp"
#include "run_program.hpp"

using namespace coca::testing;

TEST_CASE("whole numbers do not wrap, and are not cut") {
  for (const std::string flag :
       {"--beams", "--num-captions", "--max-length", "--min-length", "--groups", "--top-k",
        "--no-repeat-ngram", "--batch", "--threads", "--seed"}) {
    const std::string caption = "caption " + slug + " " + flag;
    const Result negative = run(caption + " -1");
    check_refused(negative, 2, {"caption: " + flag + ": expected at least ", ", got -1;"});
    CHECK(!contains(negative.err, "18446744073709551615"));
    check_refused(run(caption + " 99999999999999999999"), 2,
                  {"caption: " + flag + ": expected at most ", ", got 99999999999999999999;"});
    for (const std::string nonsense : {"abc", "1.5", "0x10", "+3", "1e3", "-", "7-"})
      check_refused(run(caption + " " + nonsense), 2,
                    {"caption: " + flag + ": expected a whole number, got " + nonsense + ";"});
    check_refused(run(caption + " ''"), 2,
                  {"caption: " + flag + ": expected a whole number, got nothing;"});
  }
  check_refused(run("caption " + slug + " --beams 0"), 2, {"--beams: expected at least 1, got 0"});
  check_refused(run("caption " + slug + " --batch 1025"), 2,
                {"--batch: expected at most 1024, got 1025"});
  for (const std::string& program : {"classify " + slug + " --labels a,b", "search " + pictures}) {
    const Result none = run(program + " --top 0");
    check_refused(none, 2, {"--top: expected at least 1, got 0;"});
    CHECK(none.err.size() < 100);
    check_refused(run(program + " --top -1"), 2, {"--top: expected at least 1, got -1;"});
    check_refused(run(program + " --top 99999999999999999999"), 2, {"--top: expected at most "});
  }
  // CLI11 reads octal digits after a zero.
  check_refused(run("caption --seed 010 " + slug), 2, {"without leading zeros, got 010"});
  CHECK(run("caption --seed 18446744073709551615 --min-length 0 " + slug).status == 0);
}

TEST_CASE("numbers that a float does not hold") {
  const std::string caption = "caption --sample " + slug + " ";
  check_refused(run(caption + "--temperature 1e300"), 2, {"--temperature: expected at most "});
  check_refused(run(caption + "--temperature 1e-300"), 2, {"--temperature: expected at least "});
  check_refused(run(caption + "--temperature inf"), 2,
                {"--temperature: expected a number, got inf"});
  check_refused(run(caption + "--top-p nan"), 2, {"--top-p: expected a number, got nan"});
  check_refused(run(caption + "--length-penalty -1e39"), 2,
                {"--length-penalty: expected at least"});
  check_refused(run(caption + "--repetition-penalty ''"), 2, {"expected a number, got nothing"});
  check_refused(run(caption + "--diversity-penalty -1"), 2, {"expected at least 0, got -1"});
}

TEST_CASE("--version prints what a bug report should include") {
  for (const std::string program : {"caption", "train", "soup"}) {
    const Result result = run(program + " --version");
    CHECK(result.status == 0);
    CHECK(result.err.empty());
    CHECK(result.out.starts_with(program + " of coca " COCA_CMAKE_VERSION "\ncompiler: "));
    for (const std::string line : {"\nlibraries: ", "\ninstruction set: "})
      CHECK(contains(result.out, line));
  }
}

TEST_CASE("flags that exclude each other are reported") {
  const auto refused = [](const std::string& flags, const std::vector<std::string>& words) {
    const Result result = run_stamps("caption " + slug + " " + flags);
    check_refused(result, 2, words);
    CHECK(!contains(result.err, "beam_groups"));
  };
  const std::string release = "--search openclip-3.3";
  refused(release + " --sample", {release + " cannot be combined with --sample"});
  refused(release + " --beams 4", {release + " cannot be combined with --beams 4", "three groups"});
  refused(release + " --beams 1", {release + " cannot be combined with --beams 1", "two beams"});
  refused(release + " --beams 4 --groups 3", {"--beams 4 cannot be divided into --groups 3"});
  refused("--groups 4", {"--beams 6 (the default) cannot be divided into --groups 4"});
  refused("--sample --groups 2", {"--sample cannot be combined with --groups 2"});
  refused("--num-captions 7", {"--num-captions 7 needs", "--beams 6 (the default)"});
  refused("--num-captions 3 --beams 1", {"--num-captions 3 cannot be combined with --beams 1"});
  refused("--max-length 4", {"--min-length 5 (the default) is more than --max-length 4"});
  refused("--min-length 24", {"--min-length 24 is more than --max-length 23 (the default)"});
  CHECK(run("caption " + slug + " " + release + " --beams 4 --groups 2").status == 0);
}

TEST_CASE("flags without effect are reported, and do no harm") {
  const auto told = [](const std::string& flags) {
    const Result result = run("caption " + slug + " " + flags);
    CHECK(result.status == 0);
    return result.err;
  };
  CHECK(contains(told("--top-k 5 --top-p 0.5"), "--top-k changes nothing without --sample"));
  CHECK(contains(told("--top-p 0.5"), "--top-p changes nothing without --sample"));
  CHECK(contains(told("--temperature 2"), "--temperature changes nothing without --sample"));
  CHECK(contains(told("--diversity-penalty 1"), "--diversity-penalty changes nothing without"));
  CHECK_FALSE(contains(told("--sample --top-k 5 --temperature 2"), "changes nothing"));
  CHECK_FALSE(contains(told("--groups 3 --diversity-penalty 1"), "changes nothing"));
  CHECK_FALSE(contains(told("--search openclip-3.3 --diversity-penalty 1"), "changes nothing"));
}

TEST_CASE("a value that is empty is not the next flag") {
  const Result empty = run("embed --model stamps_coca --text= --json");
  REQUIRE(empty.status == 0);
  REQUIRE(empty.json().size() == 1);
  CHECK(empty.json()[0]["text"] == "");
  CHECK(empty.json()[0]["tokens"] == nlohmann::json({49406, 49407}));
  CHECK(run("embed --model stamps_coca --text '' --json").out == empty.out);
  CHECK(run_stamps("embed --json --text=").out == empty.out);
  CHECK(run_stamps("embed --json= --text=").out == empty.out);  // a flag has no value
  const Result file = run("embed --text a -- --text=");         // after "--" there are no flags
  CHECK(file.status == 1);
  CHECK(contains(file.err, "--text=: cannot be opened"));
  for (const std::string flag : {"--model", "--weights", "--tokenizer"})
    for (const std::string value : {" ''", "="})
      check_refused(run("caption " + slug + " " + flag + value), 2,
                    {flag + ": expected a name, got nothing"});
  check_refused(run("caption " + slug + " --attention= --json"), 2, {"--attention", "nothing"});
  check_refused(run("caption ''"), 2, {"pictures: expected a name, got nothing"});
  check_refused(run("classify " + slug + " --labels-file ''"), 2, {"--labels-file", "nothing"});
  check_refused(run("embed --texts-file ''"), 2, {"--texts-file", "nothing"});
  check_refused(run("embed --text a --npy ''"), 2, {"--npy", "nothing"});
}

TEST_CASE("texts of the command line are UTF-8") {
  const std::string latin = " \"$(printf 'caf\\351')\"";
  check_refused(run("embed --text" + latin), 2, {"--text: expected UTF-8 text, but byte 4 is not"});
  check_refused(run("caption " + slug + " --prompt" + latin), 2, {"--prompt: ", "byte 4"});
  check_refused(run("classify " + slug + " --labels" + latin), 2, {"--labels: ", "byte 4"});
  check_refused(run("classify " + slug + " --labels a --templates" + latin), 2,
                {"--templates: ", "byte 4"});
  check_refused(run("search " + pictures + latin), 2, {"query: ", "byte 4"});
  const Folder folder;
  const std::string texts = folder.write("latin.txt", "a cat\ncaf\xe9\n");
  check_refused(run("embed --texts-file " + texts), 1, {texts + ": line 2 is not UTF-8 text"});
  check_refused(run("classify " + slug + " --labels-file " + texts), 1,
                {texts + ": line 2 is not UTF-8 text"});
  CHECK(run("embed --json --text 'caf\xc3\xa9'").json()[0]["text"] == "caf\xc3\xa9");
}

TEST_CASE("a template is a text with {}, a name or a file") {
  const std::string classify = "classify " + slug + " --labels a,b --templates ";
  check_refused(run(classify + "''"), 2, {"--templates: expected a name, got nothing"});
  for (const std::string choice : {"a photo", "image-net"})
    check_refused(run(classify + "'" + choice + "'"), 2,
                  {"--templates \"" + choice + "\" is neither a text with {}"});
  check_refused(run(classify + pictures), 1, {pictures, "directory"});
  const Folder folder;
  check_refused(run(classify + folder.write("none.txt", "a photo\n")), 1,
                {"none.txt", "\"a photo\" has no {}"});
  CHECK(run(classify + folder.write("one.txt", "a photo of {}\n")).status == 0);
}

TEST_CASE("a caption does not continue after its end") {
  const std::string caption = "caption " + slug + " --prompt ";
  check_refused(run(caption + "'a <end_of_text> slug'"), 2,
                {"--prompt contains <end_of_text>, which"});
  check_refused(run(caption + "'<START_OF_TEXT>a brown'"), 2,
                {"--prompt contains <start_of_text>, which", "leave it out"});
  CHECK(run(caption + "'<end of text>'").status == 0);  // words
}

TEST_CASE("of many failures ten are reported, and the others counted") {
  std::string missing;
  for (int i = 0; i < 25; ++i) missing += " no" + std::to_string(i) + ".png";
  const Result result = run_stamps("caption --beams 1 " + slug + missing);
  CHECK(result.status == 1);
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 11);
  CHECK(contains(result.err, "caption: no9.png: "));
  CHECK(!contains(result.err, "no10.png"));
  CHECK(contains(result.err, "caption: and 15 more failures\n"));
  CHECK(contains(result.out, slug));
}

TEST_CASE("threads of the programs do not spin for long, whatever policy the environment has") {
  const std::string show = "OMP_DISPLAY_ENV=VERBOSE env -u GOMP_SPINCOUNT OMP_WAIT_POLICY=";
  const std::string embed = "embed --text a --json --model stamps_coca";
  const Result active = run(embed, show + "active");
  REQUIRE(active.status == 0);
  if (!contains(active.err, "GOMP_SPINCOUNT")) return;  // another OpenMP, or none
  CHECK(contains(active.err, "GOMP_SPINCOUNT = '1000'"));
  CHECK(!contains(run(embed, show + "passive").err, "GOMP_SPINCOUNT = '1000'"));
}
