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
  CHECK(refusal({{"a.png", "x"}, {"b.png", "x"}, {"b.txt", "b"}, {"a.jpg", "y"}}) ==
        ": two members are the same part of one sample, the second is \"a.jpg\"");
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
