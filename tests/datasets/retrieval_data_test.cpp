#include "coca/data/retrieval_data.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "small_datasets.hpp"
#include "tar_bytes.hpp"

using namespace coca;

namespace retrieval_data_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::tar_of;
using coca_test::TemporaryFolder;
using Texts = std::vector<std::string>;

namespace {

const std::string formats = COCA_TEST_DATA "/evaluation/formats/";

}  // namespace

TEST_CASE("Karpathy's files are read by split, with the first captions or all") {
  const RetrievalData five = read_retrieval_data(
      formats + "dataset_coco.json", {.captions = 5, .pairs = {.image_folder = "/coco"}});
  REQUIRE(five.pictures.size() == 2);
  CHECK(five.pictures[0].captions.size() == 5);
  CHECK(five.pictures[0].caption_ids.size() == 5);
  CHECK(five.pictures[0].file_name == "/coco/val2014/COCO_val2014_000000391895.jpg");
  CHECK(contains(message_of([&] { five.dataset.read(five.records[0]); }),
                 "/coco/val2014/COCO_val2014_000000391895.jpg"));
  CHECK(read_retrieval_data(formats + "dataset_coco.json").pictures[0].captions.size() == 6);
  CHECK(read_retrieval_data(formats + "dataset_flickr30k.json", {.splits = {"val"}})
            .pictures[0]
            .file_name == formats + "1018148011.jpg");
}

TEST_CASE("Flickr's text files are told from tables by their name and lines") {
  const RetrievalData data = read_retrieval_data(formats + "flickr30k_test_karpathy.txt");
  REQUIRE(data.pictures.size() == 2);
  CHECK(data.pictures[0].captions[1] == "\"A man, in a hat\"");
  const TemporaryFolder folder;
  const std::string csv = folder.write("x.csv", "image,caption\na.jpg,\"a man, in a hat\"\n");
  CHECK(read_retrieval_data(csv).pictures[0].captions == Texts{"a man, in a hat"});
}

TEST_CASE("COCO's annotations keep the ids of captions; pictures without any are counted") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("captions.json",
                   R"({"images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
          "annotations": [{"id": 77, "image_id": 1, "caption": "x"},
                          {"image_id": 1, "caption": "y"}]})");
  const RetrievalData data = read_retrieval_data(path);
  REQUIRE(data.pictures.size() == 1);
  CHECK(data.uncaptioned == 1);
  CHECK(data.pictures[0].id == "1");
  CHECK(data.pictures[0].caption_ids == Texts{"77", ""});
  const std::string nameless = folder.write(
      "n.json", R"({"images": [{"id": 1}], "annotations": [{"image_id": 1, "caption": "x"}]})");
  CHECK(contains(message_of([&] { read_retrieval_data(nameless); }),
                 "the picture 1 has no \"file_name\""));
}

TEST_CASE("Tables and JSON lines have a caption in each row") {
  const TemporaryFolder folder;
  const std::string tsv =
      folder.write("x.tsv", "filepath\ttitle\na.png\tone\na.png\ttwo\nb.png\tx\n");
  const RetrievalData data = read_retrieval_data(tsv);
  REQUIRE(data.pictures.size() == 2);
  CHECK(data.pictures[0].captions == Texts{"one", "two"});
  CHECK(data.pictures[0].caption_ids == Texts{"", ""});
  const std::string lines =
      folder.write("x.jsonl", "{\"image\": \"a.png\", \"captions\": [\"one\", \"two\"]}\nbroken\n");
  const RetrievalData json = read_retrieval_data(lines, {.captions = 1});
  CHECK(json.pictures[0].captions == Texts{"one"});
  CHECK(json.broken.size() == 1);
}

TEST_CASE("CLIP_benchmark's retrieval shards have a caption per line") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path("test"));
  folder.write("dataset_type.txt", "retrieval");
  folder.write("test/nshards.txt", "2");
  folder.write("test/0.tar", tar_of({{"s0.jpg", "x"}, {"s0.txt", "one\ntwo"}}));
  folder.write("test/1.tar", tar_of({{"s1.jpg", "x"}, {"s1.txt", "three"}}));
  const RetrievalData data = read_retrieval_data(folder.path(""));
  REQUIRE(data.pictures.size() == 2);
  CHECK(data.pictures[0].captions == Texts{"one", "two"});
  CHECK(data.dataset.read(data.records[1]) == std::vector<std::uint8_t>{'x'});
  folder.write("dataset_type.txt", "classification");
  CHECK(contains(message_of([&] { read_retrieval_data(folder.path("")); }),
                 "does not say retrieval"));
}

TEST_CASE("Data without captions is refused") {
  const TemporaryFolder folder;
  const std::string path =
      folder.write("c.json", R"({"images": [{"id": 1, "file_name": "a.jpg"}], "annotations": []})");
  CHECK(message_of([&] { read_retrieval_data(path); }) == path + ": no picture has a caption");
  CHECK_FALSE(message_of([] { read_retrieval_data("/no/such/file.json"); }) == "no error");
}

}  // namespace retrieval_data_test
