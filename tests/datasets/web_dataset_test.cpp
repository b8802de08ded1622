#include "coca/data/web_dataset.hpp"

#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "coca/data/loader.hpp"
#include "small_datasets.hpp"
#include "tar_bytes.hpp"

using coca::WebDataset;
using coca_test::contains;
using coca_test::datasets_folder;
using coca_test::message_of;
using coca_test::tar_of;
using coca_test::TemporaryFolder;
using Texts = std::vector<std::string>;

namespace {

/// The first record of a shard of these members, or what it is refused with, without the path.
std::string refusal(const std::vector<std::pair<std::string, std::string>>& members) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.tar", tar_of(members));
  const std::string message = message_of([&] {
    WebDataset dataset(path);
    for (std::size_t i = 0; i < dataset.size(); ++i) dataset.record(i);
  });
  return message.starts_with(path) ? message.substr(path.size()) : message;
}

}  // namespace

TEST_CASE("Shards by Python and by GNU tar are one data set") {
  const WebDataset dataset(datasets_folder + "shard-{000..002}.tar");
  CHECK(dataset.shards() == 3);
  REQUIRE(dataset.size() == 7);
  CHECK(dataset.record(0).name == datasets_folder + "shard-000.tar/000000.jpg");
  CHECK(dataset.record(0).captions == Texts{"a red picture"});  // .txt before .json
  CHECK(dataset.record(1).captions == Texts{"green", "a green picture"});
  CHECK(dataset.record(2).captions.empty());
  CHECK(dataset.record(2).label == 7);
  CHECK_FALSE(dataset.record(1).label.has_value());
  CHECK(dataset.record(3).captions == Texts{"schw\u00e4rzlich"});
  CHECK(dataset.record(4).name == datasets_folder + "shard-001.tar/sub.dir/b.PNG");
  CHECK(dataset.record(4).captions == Texts{"dark"});
  CHECK(dataset.record(5).captions == Texts{"a gray picture"});
  CHECK(dataset.record(6).name == datasets_folder + "shard-002.tar/./yellow.png");
  const auto blue = coca::read_image(dataset.read(2), "blue");
  CHECK(blue.at(3, 3)[2] > 250);
  for (std::size_t i = 0; i < dataset.size(); ++i) {
    CHECK_FALSE(coca::read_image(dataset.read(i), "picture").empty());
  }
  CHECK(message_of([&] { dataset.read(7); }) == "record 7 was requested from a data set of 7");
}

TEST_CASE("Patterns are lists, in a vector or with colons") {
  const std::string first = datasets_folder + "shard-000.tar";
  const std::string rest = datasets_folder + "shard-{001,002}.tar";
  CHECK(WebDataset(std::vector<std::string>{first, rest}).size() == 7);
  CHECK(WebDataset(first + "::" + rest).size() == 7);
  CHECK(WebDataset(first).size() == 3);
}

TEST_CASE("Missing shards are reported") {
  const std::string pattern = datasets_folder + "none-{0..4}.tar";
  CHECK(message_of([&] { WebDataset dataset(pattern); }) ==
        pattern + ": none of its 5 shards exists");
  CHECK(message_of([&] { WebDataset dataset(datasets_folder + "shard-{000..003}.tar"); }) ==
        datasets_folder + "shard-003.tar: cannot be opened: No such file or directory");
  CHECK(message_of([] { WebDataset dataset(std::vector<std::string>{}); }) ==
        "\"\": no samples: expected members such as 0001.jpg and 0001.txt");
}

TEST_CASE("Errors in members name the member") {
  CHECK(refusal({{"a.png", "x"}, {"a.txt", " "}}) == "no error");
  CHECK(refusal({{"a.png", "x"}}) ==
        ": no samples: expected members such as 0001.jpg and 0001.txt");
  CHECK(refusal({{"a.png", "x"}, {"a.txt", "\xFF"}}) == "/a.txt: the text is not UTF-8");
  CHECK(contains(refusal({{"a.png", "x"}, {"a.json", "{"}}),
                 "/a.json: line 1, column 2: syntax error"));
  CHECK(refusal({{"a.png", "x"}, {"a.json", "{\"text\": \"b\"}"}}) ==
        "/a.json: expected a JSON object with the key \"caption\"");
  CHECK(refusal({{"a.png", "x"}, {"a.json", "{\"caption\": 3}"}}) ==
        "/a.json: \"caption\" is neither a text nor a list of texts");
  CHECK(refusal({{"a.png", "x"}, {"a.cls", "dog"}}) ==
        "/a.cls: expected the number of a class, got \"dog\"");
  CHECK(refusal({{"a.png", "x"}, {"a.cls", " 12\n"}}) == "no error");
  CHECK(contains(refusal({{"a.png", "x"}, {"a.json", "{\"caption\": \"a\", \"caption\": \"b\"}"}}),
                 "/a.json: the key \"caption\" occurs twice"));
  CHECK(refusal({{"a.png", "x"}, {"a.json", "{\"caption\": \"\\ud83d\"}"}}) ==
        "/a.json: \"caption\" holds half of a surrogate pair");
  CHECK(refusal({{"a.png", "x"}, {"a.json", "{\"caption\": NaN}"}}) ==
        "/a.json: \"caption\" is neither a text nor a list of texts");
  CHECK(refusal({{"a.png", "x"},
                 {"a.json", "{\"caption\": \"a\", \"similarity\": NaN, \"id\": 1, \"id\": 2}"}}) ==
        "no error");
}

// What webdataset 1.0 makes of these shards with OpenCLIP's "jpg;png;jpeg;webp"; it refuses members
// of one name, of which tar itself extracts the last.
TEST_CASE("One of several members is read, the others are counted") {
  const WebDataset masks(datasets_folder + "kinds/jpg_and_png_mask.tar");
  REQUIRE(masks.size() == 6);
  CHECK(masks.record(0).name == datasets_folder + "kinds/jpg_and_png_mask.tar/house.jpg");
  CHECK(coca::read_image(masks.read(0), "house").width() > 1);
  CHECK(masks.notes() ==
        Texts{datasets_folder +
              "kinds/jpg_and_png_mask.tar/house.png and 5 more members are not read: of several "
              "pictures of a sample the first of jpg, png, jpeg and webp counts, of members of one "
              "name the last"});
  CHECK(WebDataset(datasets_folder + "shard-000.tar").notes().empty());

  const TemporaryFolder folder;
  const auto read = [&](const std::vector<std::pair<std::string, std::string>>& members) {
    return WebDataset(folder.write("x.tar", tar_of(members)));
  };
  const auto bytes = [](const std::string& text) {
    return std::vector<std::uint8_t>(text.begin(), text.end());
  };
  const WebDataset order = read({{"a.webp", "4"},
                                 {"a.jpeg", "3"},
                                 {"a.txt", "x"},
                                 {"a.png", "2"},
                                 {"b.jpeg", "3"},
                                 {"b.webp", "4"},
                                 {"b.cls", "1"}});
  CHECK(order.record(0).name == folder.path("x.tar/a.png"));
  CHECK(order.read(0) == bytes("2"));
  CHECK(order.read(1) == bytes("3"));
  CHECK(contains(order.notes().at(0), "/x.tar/a.jpeg and 2 more members are not read"));

  const WebDataset twice = read({{"a.jpg", "1"},
                                 {"a.txt", "old"},
                                 {"b.jpg", "1"},
                                 {"b.txt", "b"},
                                 {"a.JPG", "2"},
                                 {"a.txt", "new"}});
  REQUIRE(twice.size() == 2);
  CHECK(twice.record(0).captions == Texts{"new"});
  CHECK(twice.read(0) == bytes("2"));
  CHECK(contains(twice.notes().at(0), "/x.tar/a.jpg and 1 more member are not read"));
  CHECK(contains(read({{"a.jpg", "1"}, {"a.png", "2"}, {"a.txt", "x"}}).notes().at(0),
                 "/x.tar/a.png is not read"));
  // Nothing is reported about a sample that is skipped.
  CHECK(read({{"a.jpg", "1"}, {"a.png", "2"}, {"b.jpg", "1"}, {"b.txt", "b"}}).notes().empty());
}

TEST_CASE("Compressed shards are shards") {
  const std::string pattern =
      datasets_folder + "kinds/shard-000.tar.{gz,zst}::" + datasets_folder + "shard-000.tar";
  const WebDataset dataset(pattern);
  REQUIRE(dataset.size() == 9);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(dataset.record(i).captions == dataset.record(6 + i).captions);
    CHECK(dataset.read(i) == dataset.read(6 + i));
    CHECK(dataset.read(3 + i) == dataset.read(6 + i));
  }
}

TEST_CASE("The key of captions can be chosen") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("x.tar", tar_of({{"a.json", "{\"say\": \"b\"}"}, {"a.png", "x"}}));
  CHECK(WebDataset(path, {.caption_key = "say"}).record(0).captions == Texts{"b"});
}

TEST_CASE("A loader shows shards, and skips what is broken in them") {
  const TemporaryFolder folder;
  const std::string broken = folder.write(
      "x.tar", tar_of({{"a.png", "no picture"}, {"a.txt", "a"}, {"b.jpg", ""}, {"b.txt", "\xFF"}}));
  coca::LoaderOptions options;
  options.order.batch_size = 7;
  options.sample.preprocess.width = options.sample.preprocess.height = 8;
  coca::Loader loader(WebDataset(datasets_folder + "shard-{000..002}.tar::" + broken), options);
  std::size_t shown = 0;
  for (int i = 0; i < 8; ++i) shown += loader.next().size();
  CHECK(shown == 56);
  REQUIRE(loader.skipped().size() == 2);
  std::string reasons = loader.skipped()[0].reason + "\n" + loader.skipped()[1].reason;
  CHECK(contains(reasons, broken + "/a.png: not a picture: expected a JPEG, PNG or WebP file"));
  CHECK(contains(reasons, broken + "/b.txt: the text is not UTF-8"));
}

TEST_CASE("Where a label is what counts, shards need no captions") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("x.tar", tar_of({{"1.png", "p"},
                                    {"1.cls", "3"},
                                    {"1.json", R"({"kind": "cat"})"},
                                    {"2.png", "p"},
                                    {"2.json", R"({"kind": "dog", "caption": "a dog"})"}}));
  const WebDataset labels(path, {.captions_required = false, .field_keys = {"kind"}});
  REQUIRE(labels.size() == 2);
  CHECK(labels.record(0).label == 3);
  CHECK(labels.record(0).captions.empty());
  CHECK(labels.record(0).fields.at("kind") == "cat");
  CHECK(labels.record(1).captions == Texts{"a dog"});
  CHECK(contains(message_of([&] { WebDataset(path).record(0); }),
                 "1.json: expected a JSON object with the key \"caption\""));
}

TEST_CASE("Fields are read from JSON as Python writes it, and an empty caption is none") {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "x.tar", tar_of({{"1.png", "p"},
                       {"1.json", R"({"kind": "cat", "caption": "", "similarity": NaN})"},
                       {"2.png", "p"},
                       {"2.json", R"({"kind": "cat", "kind": "dog", "caption": ["", "a dog"]})"}}));
  const WebDataset captions(path);
  CHECK(captions.record(0).captions.empty());
  CHECK(captions.record(1).captions == Texts{"a dog"});
  const WebDataset fields(path, {.field_keys = {"kind"}});
  CHECK(fields.record(0).fields.at("kind") == "cat");
  CHECK(contains(message_of([&] { fields.record(1); }), "the key \"kind\" occurs twice"));
}

TEST_CASE("Each line of a text may be a caption") {
  const TemporaryFolder folder;
  const std::string path = folder.write(
      "x.tar", tar_of({{"a.png", "x"}, {"a.txt", "one\r\n two \n\nthree"}, {"b.png", "x"}}));
  CHECK(WebDataset(path, {.caption_lines = true}).record(0).captions ==
        Texts{"one", "two", "three"});
  CHECK(WebDataset(path).record(0).captions == Texts{"one\r\n two \n\nthree"});
}

TEST_CASE("Arrays of labels are read on request only") {
  const TemporaryFolder folder;
  const std::string header = "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), }";
  std::string array("\x93NUMPY\x01\x00", 8);
  array += static_cast<char>(header.size());
  array += '\0';
  array += header + std::string("\0\1\0\2", 4);
  const std::string path = folder.write(
      "x.tar", tar_of({{"a.png", "x"}, {"a.npy", array}, {"b.png", "x"}, {"b.cls", "1"}}));
  const WebDataset labelled(path, {.label_arrays = true});
  REQUIRE(labelled.size() == 2);
  CHECK(labelled.record(0).fields.at("labels") == "1 3");
  CHECK(labelled.record(1).fields.empty());
  CHECK(WebDataset(path).size() == 1);
}
