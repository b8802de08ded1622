#include "coca/data/sentence_datasets.hpp"

#include "catch.hpp"
#include "coca/image/write_png.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace sentence_datasets_test {

namespace {

const std::string sentence_files = COCA_TEST_DATA "/evaluation/formats/";

}  // namespace

TEST_CASE("SNLI-VE's pairs are records with a label", "[data]") {
  const EntailmentDataset data(sentence_files + "snli_ve_dev.jsonl", "pictures");
  REQUIRE(data.size() == 4);
  const Record record = data.record(1);
  CHECK(record.fields.at("sentence") == "The sisters are hugging goodbye.");
  CHECK(record.name == "4705552913.jpg");
  CHECK(record.label == data.record(1).label);
  CHECK(data.record(0).label == 2);
  CHECK(data.notes() ==
        std::vector<std::string>{sentence_files + "snli_ve_dev.jsonl: 1 pairs have the label \"-\" "
                                                  "and are left out"});
  CHECK(coca_test::message_of([&] { data.read(0); }).starts_with("pictures/4705552913.jpg"));
  const coca_test::TemporaryFolder folder;
  const std::string open = folder.write(
      "open.jsonl", "{\"pairID\": \"1.jpg#0\", \"sentence2\": \"a\", \"gold_label\": \"-\"}");
  CHECK(coca_test::message_of([&] { EntailmentDataset{open}; }) ==
        open + ": has no pair with a label");
}

TEST_CASE("NLVR2's pairs are records with two pictures", "[data]") {
  const coca_test::TemporaryFolder folder;
  const std::string list = folder.write(
      "dev.json",
      "{\"identifier\": \"dev-1-0-0\", \"sentence\": \"One is on the left.\", \"label\": "
      "\"True\"}\n{\"identifier\": \"dev-1-1-0\", \"sentence\": \"s\", \"label\": \"False\"}\n");
  write_png(folder.path("dev-1-0-img0.png"), Image(2, 3));
  write_png(folder.path("dev-1-0-img1.png"), Image(4, 5));
  const PicturePairDataset data(list);
  REQUIRE(data.size() == 2);
  CHECK(data.record(0).label == 1);
  CHECK(data.record(1).label == 0);
  CHECK(data.record(0).fields.at("sentence_id") == "dev-1-0");
  CHECK(data.record(0).fields.at(may_flip_field) == "false");
  CHECK(data.record(1).fields.at(may_flip_field) == "true");
  CHECK(data.read(0) != data.read(0, 1));
  CHECK(coca_test::message_of([&] { data.read(0, 2); }) ==
        "dev-1-0-0: has two pictures, number 3 was requested");
  CHECK(
      coca_test::message_of([&] { data.read(1, 1); }).starts_with(folder.path("dev-1-1-img1.png")));
  const std::string empty = folder.write("empty.json", "");
  CHECK_THROWS_AS(PicturePairDataset{empty}, FileError);
}

}  // namespace sentence_datasets_test
