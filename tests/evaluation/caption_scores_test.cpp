#include "coca/evaluation/caption_scores.hpp"

#include "catch.hpp"
#include "comparison.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace {

const std::string caption_fixtures = COCA_TEST_DATA "/evaluation/captions_";

JudgedPictures fixture_captions() {
  return join_captions(
      read_coco_captions(AnnotationFile(caption_fixtures + "annotations.json").text()),
      read_caption_results(AnnotationFile(caption_fixtures + "results.json").text()));
}

std::string caption_score_difference(const CaptionScores& scores, const Json& expected) {
  std::vector<double> actual(scores.bleu.begin(), scores.bleu.end()), wanted;
  actual.insert(actual.end(), {scores.rouge_l, scores.cider});
  for (const char* name : {"Bleu_1", "Bleu_2", "Bleu_3", "Bleu_4", "ROUGE_L", "CIDEr"})
    wanted.push_back(expected.at(name).get<double>());
  return testing::first_difference(actual, wanted, 1e-10);
}

}  // namespace

TEST_CASE("Caption metrics equal pycocoevalcap's, of all and of each", "[evaluation]") {
  const Json expected = read_json_file(caption_fixtures + "expected.json");
  const JudgedPictures judged = fixture_captions();
  const CorpusScores scores = score_corpus(judged.captions);
  CHECK(caption_score_difference(scores.overall, expected["overall"]) == "");
  CHECK_FALSE(scores.overall.meteor);
  REQUIRE(judged.ids.size() == 8);
  for (std::size_t i = 0; i < judged.ids.size(); ++i) {
    INFO(judged.ids[i]);
    CHECK(caption_score_difference(scores.each[i], expected["each"][judged.ids[i]]) == "");
  }
}

TEST_CASE("METEOR is that of the same captions", "[evaluation]") {
  const std::vector<JudgedCaption> one{{"a dog", {"a dog"}}};
  const CorpusScores scores = score_corpus(one, MeteorScore{0.25, {0.5}});
  CHECK(scores.overall.meteor == 0.25);
  CHECK(scores.each.front().meteor == 0.5);
  CHECK(testing::error_of([&] {
          score_corpus(one, MeteorScore{0.25, {}});
        }) == "METEOR has scores of 0 captions, expected 1");
}

TEST_CASE("Results and pictures without counterpart are counted", "[evaluation]") {
  const std::vector<AnnotatedPicture> pictures{{"1", "", {"a"}}, {"2", "", {"b"}}, {"3", "", {}}};
  const std::vector<CaptionResult> results{{"3", "x"}, {"9", "y"}, {"1", "z"}};
  const JudgedPictures judged = join_captions(pictures, results);
  CHECK(judged.ids == std::vector<std::string>{"1"});
  CHECK(judged.captions.front().candidate == "z");
  CHECK(judged.unknown == 1);
  CHECK(judged.unanswered == 1);
  CHECK(judged.uncaptioned == 1);
}
