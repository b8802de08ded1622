#include "coca/data/pair_files.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace {

const std::string pair_formats = COCA_TEST_DATA "/evaluation/formats/";

std::string nlvr2_refusal(const std::string& text) {
  return coca_test::message_of([&] { read_nlvr2({text, "dev.json"}); });
}

}  // namespace

TEST_CASE("SNLI-VE's pairs are read, whatever the Flickr id is called", "[data]") {
  const EntailmentPairs read =
      read_snli_ve(AnnotationFile(pair_formats + "snli_ve_dev.jsonl").text());
  REQUIRE(read.pairs.size() == 4);
  CHECK(read.undecided == 1);
  CHECK(read.pairs[0].image == "4705552913.jpg");
  CHECK(read.pairs[0].label == 2);
  CHECK(read.pairs[1].hypothesis == "The sisters are hugging goodbye.");
  CHECK(read.pairs[2].image == "4705552913.jpg");
  CHECK(read.pairs[2].label == 0);
  CHECK(read.pairs[3].image == "2407214681.jpg");
}

TEST_CASE("SNLI-VE's files that cannot be read are refused", "[data]") {
  const auto refusal = [](const std::string& text) {
    return coca_test::message_of([&] { read_snli_ve({text, "dev.jsonl"}); });
  };
  const std::string row = "{\"pairID\": \"1.jpg#0\", \"sentence2\": \"a\", \"gold_label\": ";
  CHECK(refusal(row + "\"yes\"}") ==
        "dev.jsonl: line 1: the gold_label is \"yes\", expected entailment, neutral, contradiction "
        "or -");
  CHECK(refusal(row + "\"neutral\"}\n" + row + "\"neutral\"}") ==
        "dev.jsonl: line 2: an earlier row has the same pairID 1.jpg#0");
  CHECK(refusal("{\"pairID\": \"x\", \"sentence2\": \"a\", \"gold_label\": \"-\"}") ==
        "dev.jsonl: line 1: no Flickr id, and the pairID \"x\" has no name of a .jpg");
  CHECK(refusal("[{}]") ==
        "dev.jsonl: expected JSON lines (pairs of SNLI-VE), each an object, found one list");
  CHECK(refusal("") == "dev.jsonl: expected JSON lines (pairs of SNLI-VE), each an object");
}

TEST_CASE("NLVR2's pairs are read, with the names of their pictures", "[data]") {
  const auto pairs = read_nlvr2(AnnotationFile(pair_formats + "nlvr2_dev.json").text());
  REQUIRE(pairs.size() == 6);
  CHECK(pairs[0].left == "dev-850-0-img0.png");
  CHECK(pairs[0].right == "dev-850-0-img1.png");
  CHECK(pairs[0].is_true);
  CHECK_FALSE(pairs[1].is_true);
  CHECK(pairs[0].sentence_id == pairs[1].sentence_id);
  CHECK(pairs[0].sentence_id != pairs[2].sentence_id);
  const auto training =
      read_nlvr2({"{\"identifier\": \"train-1-0-0\", \"sentence\": \"s\", \"label\": \"False\", "
                  "\"directory\": "
                  "17}",
                  "t"});
  CHECK(training[0].left == "17/train-1-0-img0.png");
}

TEST_CASE("NLVR2's files that cannot be read are refused", "[data]") {
  CHECK(nlvr2_refusal("{\"identifier\": \"dev-1\", \"sentence\": \"s\", \"label\": \"True\"}") ==
        "dev.json: line 1: the identifier is \"dev-1\", expected split-set-pair-sentence, such as "
        "dev-850-0-1");
  CHECK(nlvr2_refusal("{\"identifier\": \"d-1-0-0\", \"sentence\": \"s\", \"label\": \"maybe\"}") ==
        "dev.json: line 1: the label is neither \"True\" nor \"False\"");
  const auto refusal = [](const std::string& text) {
    return coca_test::message_of([&] { read_pair_predictions(text, "p.csv"); });
  };
  CHECK(refusal("d-1-0-0,True\r\nd-1-0-0,False\r\n") ==
        "p.csv: line 2: an earlier row has the same identifier d-1-0-0");
  CHECK(refusal("a,b,c\n") == "p.csv: line 1: expected identifier,True or identifier,False");
  CHECK(refusal("a,yes\n") == "p.csv: line 1: expected identifier,True or identifier,False");
}
