#include "coca/data/caption_document.hpp"

#include "catch.hpp"
#include "small_datasets.hpp"

using coca_test::contains;
using coca_test::datasets_folder;
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

struct Reading {
  std::vector<coca::CaptionEntry> entries;
  Texts notes;
};

Reading read(const std::string& text, const coca::CaptionFileOptions& options = {}) {
  coca::CaptionList list("x.json");
  coca::CaptionDocumentReader reader(options, list);
  reader.read(coca::find_caption_document(text).value());
  return {list.finish(), reader.notes()};
}

Reading read_karpathy(const Texts& splits) {
  return read(coca_test::read_all(datasets_folder + "kinds/karpathy.json"), {.splits = splits});
}

Texts pictures_of(const Reading& reading) {
  Texts names;
  for (const coca::CaptionEntry& entry : reading.entries)
    names.push_back(entry.problem.empty() ? entry.picture : "!" + entry.problem);
  return names;
}

}  // namespace

TEST_CASE("COCO's captions are those of their picture, wherever they stand") {
  const Reading reading = read(R"({"info": {"year": 2017}, "annotations": [
    {"id": 1, "image_id": 7, "caption": "one"}, {"id": 2, "image_id": "x", "caption": "two"},
    {"id": 3, "image_id": 7, "caption": "three"}],
    "images": [{"id": 7, "file_name": "a.jpg", "license": 3}, {"id": "x", "file_name": "b.jpg", "license": "no"},
    {"id": 9, "file_name": "c.jpg", "license": 1}]})",
                               {.field_keys = {"license"}});
  CHECK(pictures_of(reading) == Texts{"a.jpg", "b.jpg"});
  CHECK(reading.entries[0].captions == Texts{"one", "three"});
  CHECK(reading.entries[1].captions == Texts{"two"});
  CHECK(reading.entries[0].fields.at("license") == "3");
  CHECK(reading.notes == Texts{"1 of its pictures have no caption and are left out"});
}

TEST_CASE("Pictures and captions that cannot be read are bad rows") {
  const Reading reading = read(R"({"images": [{"id": 7, "file_name": "a.jpg"},
    {"id": 7, "file_name": "b.jpg"}, {"id": 8}], "annotations": [
    {"image_id": 7, "caption": null}, {"image_id": 5, "caption": "x"}, {"caption": "x"},
    {"image_id": 7, "caption": "good", "score": NaN}, {"image_id": 7, "capt)");
  const Texts rows = pictures_of(reading);
  REQUIRE(rows.size() == 7);
  CHECK(rows[0] == "!line 2, column 5: an earlier picture has the same id 7");
  CHECK(contains(rows[1], "!line 2, column 38: no picture: expected the key \"file_name\""));
  CHECK(contains(rows[2], "!line 3, column 5: the caption is neither"));
  CHECK(rows[3] == "!line 3, column 39: no picture has the id 5");
  CHECK(contains(rows[4], "no key \"image_id\", the keys are \"caption\""));
  CHECK(contains(rows[5], "syntax error"));
  CHECK(reading.entries[6].picture == "a.jpg");
  CHECK(reading.entries[6].captions == Texts{"good"});
}

TEST_CASE("The requested ones of Karpathy's splits are read") {
  CHECK(pictures_of(read_karpathy({})) == Texts{"val2014/train.jpg", "val2014/restval.jpg",
                                                "val2014/val.jpg", "val2014/test.jpg",
                                                "val2014/more.jpg"});
  const Reading training = read_karpathy({"train", "restval"});
  CHECK(pictures_of(training) ==
        Texts{"val2014/train.jpg", "val2014/restval.jpg", "val2014/more.jpg"});
  CHECK(training.entries[1].captions == Texts{"A restval 0.", "A restval 1."});
  CHECK(training.notes ==
        Texts{"has the splits \"restval\", \"test\", \"train\" and \"val\", of which "
              "\"train\" and \"restval\" are read"});
  CHECK(
      read_karpathy({}).notes ==
      Texts{"has the splits \"restval\", \"test\", \"train\" and \"val\", of which all are read"});
  CHECK(message_of([] { read_karpathy({"dev"}); }) ==
        "x.json: has no pictures of the split \"dev\"; its splits are \"restval\", \"test\", "
        "\"train\" and "
        "\"val\"");
}

TEST_CASE("Flickr30K's form has no folders; a sentence that is none leaves the others") {
  const Reading reading = read(R"({"images": [{"filename": "1.jpg", "imgid": 0, "split": "test",
    "sentences": [{"raw": "one"}, {"raw": null}, {"tokens": []}, "x", {"raw": "\ud800"}, {"raw": "two"}]}]})");
  CHECK(reading.entries.size() == 5);
  CHECK(reading.entries[0].problem == "line 1, column 13: a sentence of the picture has no text");
  CHECK(reading.entries[4].picture == "1.jpg");
  CHECK(reading.entries[4].captions == Texts{"one", "two"});
}

TEST_CASE("Annotations of pictures of other splits are not an error") {
  const Reading reading = read(R"({"images": [{"id": 1, "file_name": "a", "split": "train"},
    {"id": 2, "file_name": "b", "split": "val"}], "annotations":
    [{"image_id": 1, "caption": "x"}, {"image_id": 2, "caption": "y"}]})",
                               {.splits = {"val"}});
  CHECK(pictures_of(reading) == Texts{"b"});
}

TEST_CASE("Pictures may have their captions next to their name") {
  CHECK(read(R"({"images": [{"file_name": "a", "captions": ["x", "y"]}]})").entries[0].captions ==
        Texts{"x", "y"});
}

TEST_CASE("Other objects are not caption documents") {
  for (const char* text : {R"({"image": "a", "caption": "b"})", R"({"images": []})",
                           R"({"images": ["a", "b"]})", R"({"images": {"a": 1}})",
                           R"([{"images": [{}]}])", R"({"images": [{}]} {"images": [{}]})", ""})
    CHECK_FALSE(coca::find_caption_document(text).has_value());
  CHECK(coca::find_caption_document(R"( {"images": [{}]} )").has_value());
}
