#include "coca/data/caption_json.hpp"

#include "catch.hpp"
#include "coca/data/caption_file.hpp"
#include "small_datasets.hpp"

using coca_test::contains;
using coca_test::datasets_folder;
using Texts = std::vector<std::string>;

namespace {

std::vector<coca::CaptionEntry> entries_of(const std::string& text,
                                           const coca::CaptionFileOptions& options = {}) {
  coca::CaptionList list("x.json");
  coca::read_caption_rows(text, options, list);
  return list.finish();
}

/// The pictures of a text, and "!" with what is wrong with rows that cannot be read.
Texts rows_of(const std::string& text) {
  Texts rows;
  for (const coca::CaptionEntry& entry : entries_of(text))
    rows.push_back(entry.problem.empty() ? entry.picture : "!" + entry.problem);
  return rows;
}

std::string row(const std::string& name) { return R"({"image": ")" + name + R"(", "text": "x"})"; }

}  // namespace

// The rows are those that Python's json.loads reads and that have a caption.
TEST_CASE("What Python's json writes is read, as lines, as an array, and over several lines") {
  const coca::CaptionFile lines(datasets_folder + "kinds/python.jsonl");
  REQUIRE(lines.size() == 9);
  Texts good;
  for (const std::size_t i : {0, 1, 3, 6, 7}) {
    good.push_back(lines.record(i).name);
    for (const char* name : {"array.json", "pretty.json"}) {
      const coca::CaptionFile all(datasets_folder + "kinds/" + name);
      REQUIRE(all.size() == 5);
      const coca::Record record = all.record(good.size() - 1);
      CHECK(record.name == lines.record(i).name);
      CHECK(record.captions == lines.record(i).captions);
    }
  }
  CHECK(good == Texts{"a.png", "b.png", "d.png", "g.png", "h.png"});
  CHECK(lines.record(3).captions == Texts{"whole \U0001F600 pair"});
  const auto problem = [&](std::size_t i) {
    return coca_test::message_of([&] { lines.record(i); });
  };
  CHECK(contains(problem(2), "line 3: the caption holds half of a surrogate pair"));
  CHECK(contains(problem(4), "line 5: the caption is neither a text nor a list of texts"));
  CHECK(contains(problem(5), "line 6: the caption is neither a text nor a list of texts"));
  CHECK(contains(problem(8), "line 9, column 34: syntax error"));
}

TEST_CASE("Rows come one per line, as an array, or one after the other") {
  const Texts both{"a", "b"};
  CHECK(rows_of(row("a") + "\n\n " + row("b")) == both);
  CHECK(rows_of("\n[" + row("a") + "\n,\n" + row("b") + "]\n") == both);
  CHECK(
      rows_of("{\n\"image\": \"a\",\n\"text\": \"x\"\n}\n{\n\"image\": \"b\", \"text\": \"x\"}") ==
      both);
  CHECK(rows_of(row("a") + "\r\n" + row("b") + "\r\n") == both);
  CHECK(rows_of("{ \"image\": \"a\",\n\"text\": \"x\" } {\"image\": \"b\",\n\"text\": \"x\" }") ==
        both);
}

TEST_CASE("If lines are cut the next ones are read") {
  CHECK(rows_of("{\"image\": \"a\", \"te\n" + row("b") + "\n" + row("c")).size() == 3);
  CHECK(rows_of("{\"image\": \"a\", \"te\n" + row("b") + "\n" + row("c"))[2] == "c");
  CHECK(rows_of(row("a") + "\n{\"image\": \n" + row("c"))[2] == "c");
  const Texts array = rows_of("[" + row("a") + ",\n" + row("b") + ", {\"image\": \"c");
  REQUIRE(array.size() == 3);
  CHECK(contains(array[2], "!line 2, column "));
  CHECK(rows_of("[" + row("a") + ",").size() == 2);
  CHECK(rows_of("[" + row("a") + "] 5").size() == 2);
  CHECK(rows_of("[5, " + row("a") + "]")[0] == "!line 1, column 2: expected a JSON object");
}

TEST_CASE("Keys that are read occur once") {
  CHECK(rows_of(R"({"image": "a", "text": "x", "more": 1, "more": 2})") == Texts{"a"});
  CHECK(rows_of(row("a") + "\n" + R"({"image": "a", "text": "x", "text": "y"})")[1] ==
        "!line 2: the key \"text\" occurs twice");
}
