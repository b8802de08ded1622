#include "coca/data/caption_file.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "small_datasets.hpp"

using coca::CaptionFile;
using coca_test::datasets_folder;
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

CaptionFile parse(const std::string& text, const std::string& path = "x.csv",
                  const coca::CaptionFileOptions& options = {}) {
  return CaptionFile(std::string_view(text), path, options);
}

/// The error for a text, or else for its first row that cannot be read.
std::string refusal(const std::string& text, const std::string& path = "x.csv",
                    const coca::CaptionFileOptions& options = {}) {
  return message_of([&] {
    const CaptionFile file = parse(text, path, options);
    for (std::size_t i = 0; i < file.size(); ++i) file.record(i);
  });
}

/// The pictures of a file, "" for each row that cannot be read.
Texts pictures_of(const CaptionFile& file) {
  Texts names;
  for (std::size_t i = 0; i < file.size(); ++i) {
    names.emplace_back();
    message_of([&] { names.back() = file.record(i).name; });
  }
  return names;
}

}  // namespace

TEST_CASE("What Python's csv and json modules wrote is read") {
  const std::string name = GENERATE("captions.csv", "captions.tsv", "metadata.jsonl");
  CAPTURE(name);
  const CaptionFile file(datasets_folder + name, {.image_folder = datasets_folder + "pictures"});
  REQUIRE(file.size() == 6);
  CHECK(file.record(0).name == "red, square.png");
  CHECK(file.record(0).captions ==
        Texts{"a red square", "the \"square\", red\nand nothing else", "a third one"});
  CHECK(file.record(1).captions == Texts{"ein gr\u00fcnes Bild"});
  CHECK(file.record(3).captions == Texts{"yellow\tas the sun"});
  CHECK(file.record(4).captions == Texts{"  gray "});
  CHECK(file.record(5).captions == Texts{"\U0001F7E3 violet"});
  CHECK_FALSE(file.record(5).label.has_value());
  for (std::size_t i = 0; i < file.size(); ++i) {
    const auto image = coca::read_image(file.read(i), file.record(i).name);
    CHECK(image.width() == 20);
  }
  CHECK(message_of([&] { file.record(6); }) == "record 6 was requested from a data set of 6");
}

TEST_CASE("Pictures are next to the file, in the given folder, or at an absolute path") {
  const std::string text = "filepath,title\nsub/a.png,x\n/b.png,y\n";
  CHECK(parse(text, "/data/x.csv").image_path(0) == "/data/sub/a.png");
  CHECK(parse(text, "x.csv").image_path(0) == "sub/a.png");
  CHECK(parse(text, "x.csv", {.image_folder = "/pictures"}).image_path(0) == "/pictures/sub/a.png");
  CHECK(parse(text, "/data/x.csv").image_path(1) == "/b.png");
  CHECK(message_of([&] { parse(text, "/no/such/folder/x.csv").read(0); }) ==
        "/no/such/folder/sub/a.png: cannot be opened: No such file or directory");
}

TEST_CASE("Keys and separators can be chosen") {
  const CaptionFile file =
      parse("a;b;c\n1;2;3\n", "x.csv", {.image_key = "c", .caption_key = "a", .separator = ';'});
  CHECK(file.record(0).name == "3");
  CHECK(file.record(0).captions == Texts{"1"});
  const CaptionFile json = parse("{\"k\": \"p\", \"v\": [\"x\", \"y\"]}", "x.jsonl",
                                 {.image_key = "k", .caption_key = "v"});
  CHECK(json.record(0).captions == Texts{"x", "y"});
  CHECK(parse("\xEF\xBB\xBF"
              "image,text\na,b")
            .record(0)
            .name == "a");
  CHECK(parse("\xEF\xBB\xBF{\"image\": \"a\", \"text\": \"b\"}", "x.jsonl").size() == 1);
  CHECK(parse("image,text\n\na,b\n\n").size() == 1);
  CHECK(parse("\n{\"image\": \"a\", \"captions\": []}\n \n", "x.jsonl").record(0).captions.empty());
}

TEST_CASE("Other columns and keys become fields on request") {
  const coca::CaptionFileOptions wanted{.field_keys = {"source", "year"}};
  const CaptionFile table = parse(
      "source,image,text,year\nstamps,a,x,1840\nemoji,b,y,\nstamps,a,z,1840\n", "x.csv", wanted);
  REQUIRE(table.size() == 2);
  CHECK(table.record(0).captions == Texts{"x", "z"});
  CHECK(table.record(0).fields.size() == 2);
  CHECK(table.record(0).fields.at("source") == "stamps");
  CHECK(table.record(0).fields.at("year") == "1840");
  CHECK(table.record(1).fields.at("year").empty());
  const CaptionFile lines =
      parse(R"({"image": "a", "text": "x", "source": "stamps", "year": 1840, "more": []})",
            "x.jsonl", wanted);
  CHECK(lines.record(0).fields.at("source") == "stamps");
  CHECK(lines.record(0).fields.at("year") == "1840");
  CHECK(parse("image,text,source\na,x,y\n").record(0).fields.empty());
}

TEST_CASE("Fields that are missing, not text or contradictory are refused") {
  const coca::CaptionFileOptions wanted{.field_keys = {"source"}};
  CHECK(refusal("image,text\na,b\n", "x.csv", wanted) ==
        "x.csv: line 1: no column of the field: expected \"source\", the columns are \"image\", "
        "\"text\"");
  CHECK(refusal("image,text,source\na,b,c\na,b,d\n", "x.csv", wanted) ==
        "x.csv: line 3: \"source\" is \"d\", in an earlier row of the same picture it is \"c\"");
  CHECK(refusal("{\"image\": \"a\", \"text\": \"b\"}", "x.jsonl", wanted) ==
        "x.jsonl: line 1: no key \"source\", the keys are \"image\", \"text\"");
  CHECK(refusal("{\"image\": \"a\", \"text\": \"b\", \"source\": [\"c\"]}", "x.jsonl", wanted) ==
        "x.jsonl: line 1: \"source\" is neither a text nor a number");
}

TEST_CASE("Errors in a table name the line") {
  CHECK(refusal("a,b\n1,2\n") ==
        "x.csv: line 1: no column of the picture: expected \"filepath\", \"image\", "
        "\"file_name\", \"image_path\" or \"path\", the columns are \"a\", \"b\"");
  CHECK(refusal("image,b\n1,2\n") ==
        "x.csv: line 1: no column of the caption: expected \"title\", \"caption\", \"text\" or "
        "\"captions\", the columns are \"image\", \"b\"");
  CHECK(refusal("image,text\n1,2\n", "x.csv", {.image_key = "img"}) ==
        "x.csv: line 1: no column of the picture: expected \"img\", the columns are \"image\", "
        "\"text\"");
  CHECK(refusal("image,text\na,b\nc\n") == "x.csv: line 3: the row has 1 field, the header has 2");
  CHECK(refusal("image,text\na,\"b\nb\"\nc,d,e\n") ==
        "x.csv: line 4: the row has 3 fields, the header has 2");
  CHECK(refusal("image,text\n,b\n") == "x.csv: line 2: the name of the picture is empty");
  CHECK(refusal(std::string("image,text\na\0b,c\n", 17)) ==
        "x.csv: line 2: the name of the picture holds a null character");
  CHECK(refusal("image,text\na,b\nc,\xFF\n") == "x.csv: line 3: the text is not UTF-8");
  CHECK(refusal("image,text\n") == "x.csv: lists no pictures");
  CHECK(refusal("") == "x.csv: lists no pictures");
  CHECK(refusal("image,text\na,\"b\n") ==
        "x.csv: line 2: the quoted field that begins here never ends");
}

TEST_CASE("Errors in JSON lines name the line") {
  const std::string good = "{\"image\": \"a\", \"text\": \"b\"}\n";
  CHECK(
      refusal(good + "{\"image\" \"a\"}", "x.jsonl") ==
      "x.jsonl: line 2, column 12: syntax error while parsing object separator - unexpected string "
      "literal; expected ':'");
  CHECK(refusal(good + "[1]", "x.jsonl") == "x.jsonl: line 2: expected a JSON object");
  CHECK(refusal(good + "{\"image\": 1, \"text\": \"b\"}", "x.jsonl") ==
        "x.jsonl: line 2: the picture is not a text");
  CHECK(refusal("{\"image\": \"a\", \"text\": [\"b\", 1]}", "x.jsonl") ==
        "x.jsonl: line 1: the caption is neither a text nor a list of texts");
  CHECK(refusal("{\"text\": \"b\"}", "x.jsonl") ==
        "x.jsonl: line 1: no picture: expected the key \"filepath\", \"image\", \"file_name\", "
        "\"image_path\" or \"path\"");
  CHECK(refusal("{\"image\": \"a\"}", "x.jsonl", {.caption_key = "say"}) ==
        "x.jsonl: line 1: no caption: expected the key \"say\"");
  CHECK(refusal("{\"image\": \"a\", \"image\": \"b\", \"text\": \"b\"}", "x.jsonl") ==
        "x.jsonl: line 1: the key \"image\" occurs twice");
  CHECK(refusal("\n\n", "x.jsonl") == "x.jsonl: lists no pictures");
}

TEST_CASE("A file that cannot be read is refused") {
  const coca_test::TemporaryFolder folder;
  CHECK(message_of([&] { CaptionFile file(folder.path("no.csv")); }) ==
        folder.path("no.csv") + ": cannot be opened: No such file or directory");
  CHECK(message_of([&] { CaptionFile file(folder.write("empty.csv", "")); }) ==
        folder.path("empty.csv") + ": is empty");
}

TEST_CASE("Lists and objects are fields on request") {
  const coca::CaptionFileOptions wanted{.field_keys = {"answers", "year"},
                                        .structured_fields = true};
  const CaptionFile file =
      parse(R"({"image": "a", "text": "x", "answers": [{"answer": "yes"}, "no"], "year": 1840})",
            "x.jsonl", wanted);
  CHECK(file.record(0).fields.at("answers") == R"([{"answer":"yes"},"no"])");
  CHECK(file.record(0).fields.at("year") == "1840");
  CHECK(refusal(R"({"image": "a", "text": "x", "answers": null, "year": 1})", "x.jsonl", wanted) ==
        "x.jsonl: line 1: \"answers\" is neither a text nor a number");
}

TEST_CASE("A record may have several pictures") {
  const CaptionFile file = parse(
      "{\"image\": [\"left.png\", \"right.png\"], \"text\": \"two\"}\n"
      "{\"image\": [\"left.png\", \"other.png\"], \"text\": \"others\"}\n"
      "{\"image\": \"left.png\", \"text\": \"one\"}\n"
      "{\"image\": [\"left.png\", \"right.png\"], \"text\": \"two again\"}\n",
      "p/x.jsonl");
  REQUIRE(file.size() == 3);
  CHECK(file.record(0).captions == std::vector<std::string>{"two", "two again"});
  CHECK(file.record(2).captions == std::vector<std::string>{"one"});
  CHECK(file.image_path(0) == "p/left.png");
  CHECK(file.image_path(0, 1) == "p/right.png");
  CHECK(file.image_path(1, 1) == "p/other.png");
  CHECK(message_of([&] { file.image_path(2, 1); }) ==
        "p/x.jsonl: left.png has 1 picture, number 2 was requested");
  CHECK(refusal("{\"image\": [], \"text\": \"b\"}", "x.jsonl") ==
        "x.jsonl: line 1: the picture is not a text");
  CHECK(refusal("{\"image\": [\"a\", 3], \"text\": \"b\"}", "x.jsonl") ==
        "x.jsonl: line 1: the picture is not a text");
  CHECK(refusal("{\"image\": [\"a\", \"\"], \"text\": \"b\"}", "x.jsonl") ==
        "x.jsonl: line 1: the name of the picture is empty");
}

TEST_CASE("A row that cannot be read is a broken record in its place, the others are read") {
  const CaptionFile table =
      parse("image,text\na,x\nb\nc,\xFF\n,y\nd,z\na,more\nb,\"quoted\"\ne,\"cut\n");
  CHECK(pictures_of(table) == Texts{"a", "", "", "", "d", "b", ""});
  CHECK(table.record(0).captions == Texts{"x", "more"});
  CHECK(message_of([&] { table.record(1); }) ==
        "x.csv: line 3: the row has 1 field, the header has 2");
  CHECK(message_of([&] { table.read(2); }) == "x.csv: line 4: the text is not UTF-8");
  CHECK(message_of([&] { table.record(6); }) ==
        "x.csv: line 9: the quoted field that begins here never ends");
  const CaptionFile lines = parse(
      "{\"image\": \"a\", \"text\": \"x\"}\n{\"image\": \"b\", \"text\": null}\n"
      "{\"image\": \"c\", \"text\": 5}\n{\"image\": \"d\", \"text\": \"z\"}\n{\"image\": \"e\", "
      "\"te");
  CHECK(pictures_of(lines) == Texts{"a", "", "", "d", ""});
  CHECK(message_of([&] { lines.image_path(1); }) ==
        "x.csv: line 2: the caption is neither a text nor a list of texts");
}

TEST_CASE("Values that are not read may be anything") {
  const std::string folder = datasets_folder + "kinds/";
  CHECK(CaptionFile(folder + "nan_elsewhere.jsonl").size() == 6);
  CHECK(pictures_of(CaptionFile(folder + "nan_elsewhere.jsonl"))[2] == "img/hut.jpg");
  const CaptionFile null(folder + "null_caption.jsonl");
  CHECK(pictures_of(null) == Texts{"img/house.jpg", "img/barn.jpg", "", "img/villa.jpg",
                                   "img/shed.jpg", "img/tower.jpg"});
  CHECK(parse("image,text,other\na,b,\xFF\n").record(0).name == "a");
}

TEST_CASE("The content says what a file is, whatever its name") {
  CHECK(parse("{\"image\": \"a\", \"text\": \"b\"}", "x.csv").record(0).name == "a");
  CHECK(parse("[{\"image\": \"a\", \"text\": \"b\"}]", "x.txt").record(0).name == "a");
  CHECK(parse("image\ttext\na\tb\n", "x.json").record(0).captions == Texts{"b"});
  CHECK(parse("\xEF\xBB\xBF image;text\na;b\n", "x", {.image_key = " image"}).size() == 1);
  // A first line that is cut does not make JSON lines a table.
  CHECK(pictures_of(parse("mage\": \"a\"}\n{\"image\": \"b\", \"text\": \"c\"}", "x.jsonl")) ==
        Texts{"", "b"});
  const CaptionFile coco(datasets_folder + "kinds/coco_captions.json");
  REQUIRE(coco.size() == 6);
  CHECK(coco.record(2).captions ==
        Texts{"a hut, 0", "a hut, 1", "a hut, 2", "a hut, 3", "a hut, 4"});
  CHECK(coca::read_image(coco.read(2), "hut").width() > 0);
  CHECK(CaptionFile(datasets_folder + "kinds/semicolons.csv").record(5).captions ==
        Texts{"a tower"});
}

TEST_CASE("Compressed files are read as their content") {
  const std::string ending = GENERATE("gz", "bz2", "xz", "zst", "lz4");
  CAPTURE(ending);
  const CaptionFile plain(datasets_folder + "captions.csv");
  const CaptionFile packed(datasets_folder + "kinds/captions.csv." + ending);
  REQUIRE(packed.size() == plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i)
    CHECK(packed.record(i).captions == plain.record(i).captions);
}

TEST_CASE("A pointer of Git LFS is not a caption file") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.write(
      "x.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n");
  CHECK(message_of([&] { CaptionFile file(path); }) ==
        path + ": is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
}

TEST_CASE("Where a label is what counts, JSON needs no caption") {
  const coca::CaptionFileOptions labels{.captions_required = false, .field_keys = {"kind"}};
  const auto first = [&](const std::string& text) {
    return coca::CaptionFile(text, "x.json", labels).record(0);
  };
  for (const char* text :
       {R"({"image": "a.png", "kind": "cat"})", R"([{"image": "a.png", "kind": "cat"}])",
        R"({"images": [{"file_name": "a.png", "kind": "cat"}]})",
        R"({"images": [{"file_name": "a.png", "kind": "cat", "id": 3}], "annotations": []})"}) {
    CAPTURE(text);
    const coca::Record record = first(text);
    CHECK(record.name == "a.png");
    CHECK(record.captions.empty());
    CHECK(record.fields.at("kind") == "cat");
  }
  CHECK(first(R"({"image": "a.png", "kind": "cat", "text": "a cat"})").captions.size() == 1);
  CHECK(first(R"({"image": "a.png", "kind": "cat", "text": null})").captions.empty());
  const std::string sentences = R"({"images": [{"file_name": "a.png", "id": 3, "kind": "cat"}],)"
                                R"( "annotations": [{"image_id": 3, "caption": "a cat"}]})";
  CHECK(first(sentences).captions.size() == 1);
}
