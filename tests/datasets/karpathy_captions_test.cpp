#include "coca/data/karpathy_captions.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace karpathy_captions_test {
using coca_test::contains;
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

std::vector<AnnotatedPicture> read(const std::string& name, const Texts& splits) {
  const AnnotationFile file(COCA_TEST_DATA "/evaluation/formats/" + name);
  return read_karpathy_captions(file.text(), splits);
}

std::string refusal(const std::string& text) {
  return message_of([&] { read_karpathy_captions({text, "k.json"}, {}); });
}

}  // namespace

TEST_CASE("Karpathy's split of COCO has its folders, captions and ids") {
  const auto pictures = read("dataset_coco.json", {"test"});
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].file_name == "val2014/COCO_val2014_000000391895.jpg");
  CHECK(pictures[0].id == "391895");
  REQUIRE(pictures[0].captions.size() == 6);
  CHECK(pictures[0].captions[0] == "Caption 0, number 0.");
  CHECK(pictures[0].caption_ids == Texts{"0", "1", "2", "3", "4", "5"});
  CHECK(pictures[1].captions.size() == 5);
  CHECK(read("dataset_coco.json", {"train", "restval"}).size() == 2);
  CHECK(read("dataset_coco.json", {}).size() == 5);
}

TEST_CASE("Karpathy's split of Flickr30K has no folders") {
  const auto pictures = read("dataset_flickr30k.json", {"test"});
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].file_name == "1007129816.jpg");
  CHECK(pictures[0].id == "1");  // imgid
}

TEST_CASE("Files that are not Karpathy's are refused") {
  CHECK(contains(message_of([] { read("dataset_coco.json", {"tset"}); }),
                 "has no pictures of the split \"tset\"; its splits are"));
  CHECK(contains(refusal(R"({"images": [{"filename": "a.jpg", "split": "test"}]})"),
                 "no key \"sentences\""));
  CHECK(contains(refusal(R"({"images": [{"filename": "", "split": "test", "sentences": []}]})"),
                 "\"filename\" is empty"));
  CHECK(contains(
      refusal(R"({"images": [{"filename": "a", "split": "test", "sentences": [{"raw": 1}]}]})"),
      "\"raw\" is not a text"));
  CHECK(contains(refusal(R"({"images": [{"filename": "a", "split": "test", "sentences": ["x"]}]})"),
                 "a sentence has no \"raw\""));
  CHECK(contains(refusal(R"({"images": [{"filename": "a", "split": "test", "sentences":
      [{"raw": "x", "sentid": 1.5}]}]})"),
                 "\"sentid\" is not a text"));
}

}  // namespace karpathy_captions_test
