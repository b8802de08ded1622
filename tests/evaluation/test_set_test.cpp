#include "coca/evaluation/test_set.hpp"

#include <cmath>
#include <vector>

#include "catch.hpp"
#include "coca/io/json.hpp"
#include "evaluation/judged_captions.hpp"

using namespace coca;

namespace {

bool near(double a, double b) { return std::abs(a - b) <= 1e-12; }

// Four pictures in a plane, two of them of one caption; the third and the second's caption
// are nearest to each other, and should not be.
std::vector<TestPicture> pictures() {
  return {{"bird", {"a red bird", "a small bird on a twig"}, {0}, "A red bird.", 0},
          {"bird", {"a penguin"}, {1}, "a small bird", 1},
          {"beast", {"a red bird"}, {0}, "a cat on a red mat", 1},
          {"beast", {"a cat on a mat"}, {2}, "a cat on a mat", 0}};
}

TestEmbeddings embeddings() {
  return {.images = {1, 0, 0.3f, 1, 0.2f, 1, -1, 0},
          .texts = {3, 0, 0, 1, -1, 0},
          .classes = {1, 0.1f, 0, 5}};
}

}  // namespace

TEST_CASE("All scores of a test set are those of the metrics", "[evaluation]") {
  const TestSet test_set(pictures(), embeddings());
  const TestScores scores = test_set.scores();
  CHECK(scores.pictures == 4);
  CHECK(scores.texts == 3);
  REQUIRE(scores.retrieval);
  CHECK(scores.retrieval->image_to_text.at_1 == 0.75);
  CHECK(scores.retrieval->image_to_text.at_5 == 1.0);
  CHECK(scores.retrieval->text_to_image.at_1 == 2.0 / 3);
  REQUIRE(scores.captioning);
  CHECK(scores.captioning->exact_match == 0.5);
  std::vector<JudgedCaption> judged;
  for (const TestPicture& picture : pictures())
    judged.push_back({*picture.caption, picture.references});
  CHECK(near(scores.captioning->cider, cider(judged).mean));
  CHECK(near(scores.captioning->bleu_4, bleu(judged)[3]));
  REQUIRE(scores.zero_shot);
  CHECK(scores.zero_shot->top_1 == 0.75);
  CHECK(scores.zero_shot->mean_per_class == 0.75);
}

TEST_CASE("Exact matches are only with the first reference", "[evaluation]") {
  std::vector<TestPicture> some = pictures();
  some[0].caption = "a small bird on a twig";
  CHECK(TestSet(some, embeddings()).scores().captioning->exact_match == 0.25);
}

TEST_CASE("Scores have intervals if all pictures have a cluster", "[evaluation]") {
  CHECK_FALSE(TestSet(pictures(), embeddings()).scores().intervals);
  std::vector<TestPicture> some = pictures();
  const std::vector<std::string> clusters{"red", "penguin", "red", "cat"};
  for (std::size_t i = 0; i < 3; ++i) some[i].cluster = clusters[i];
  CHECK_FALSE(TestSet(some, embeddings()).scores().intervals);
  some[3].cluster = clusters[3];
  const TestSet test_set(some, embeddings());
  const TestScores scores = test_set.scores(), beasts = test_set.scores("beast");
  REQUIRE(scores.intervals);
  // The first two pictures and the last find their captions at once, the third does not.
  const std::vector<std::size_t> ranks{0, 0, 1, 0}, numbers{0, 1, 0, 2};
  const RecallInterval expected = recall_interval(ranks, numbers);
  CHECK(scores.intervals->image_to_text.low.at_1 == expected.low.at_1);
  CHECK(scores.intervals->image_to_text.high.at_1 == expected.high.at_1);
  CHECK(scores.intervals->image_to_text.low.at_5 == 1.0);
  CHECK(scores.intervals->text_to_image.low.at_1 == 0.0);
  CHECK(scores.intervals->text_to_image.high.at_1 == 1.0);
  REQUIRE(beasts.intervals);
  CHECK(beasts.intervals->text_to_image.low.at_1 == 1.0);
}

TEST_CASE("A group's queries are its own, their candidates are those of all", "[evaluation]") {
  const TestSet test_set(pictures(), embeddings());
  CHECK(test_set.groups() == std::vector<std::string>{"beast", "bird"});
  const TestScores birds = test_set.scores("bird"), beasts = test_set.scores("beast");
  CHECK(birds.pictures == 2);
  CHECK(birds.texts == 2);
  CHECK(birds.retrieval->image_to_text.at_1 == 1.0);
  // On its own, the third picture would find its caption: "a penguin", which is nearer, is a
  // bird's.
  CHECK(beasts.texts == 2);
  CHECK(beasts.retrieval->image_to_text.at_1 == 0.5);
  CHECK(birds.retrieval->text_to_image.at_1 == 0.5);
  CHECK(beasts.retrieval->text_to_image.at_1 == 1.0);
  CHECK(birds.captioning->exact_match == 0.5);
  CHECK(beasts.zero_shot->top_1 == 0.5);
  const double mean = (birds.captioning->cider + beasts.captioning->cider) / 2;
  CHECK(near(mean, test_set.scores().captioning->cider));
  std::vector<JudgedCaption> alone;
  for (std::size_t i = 2; i < 4; ++i)
    alone.push_back({*pictures()[i].caption, pictures()[i].references});
  CHECK(near(beasts.captioning->bleu_4, bleu(alone)[3]));
  CHECK_FALSE(near(beasts.captioning->cider, cider(alone).mean));
  CHECK(testing::error_of([&] { test_set.scores("fish"); }) ==
        "no picture is in the group \"fish\"");
}

TEST_CASE("All captions of a picture, as COCO and Flickr30K are judged", "[evaluation]") {
  // Values of CLIP_benchmark's definition, worked out independently of this program.
  const Json toy = read_json_file(COCA_TEST_DATA "/evaluation/retrieval_toy.json");
  std::vector<TestPicture> some(toy["images"].size());
  TestEmbeddings all;
  for (const Json& row : toy["images"])
    for (const Json& value : row) all.images.push_back(value.get<float>());
  for (std::size_t i = 0; i < toy["texts"].size(); ++i) {
    some[toy["text_belongs_to_image"][i].get<std::size_t>()].texts.push_back(i);
    for (const Json& value : toy["texts"][i]) all.texts.push_back(value.get<float>());
  }
  const TestScores scores = TestSet(some, all, Ties::in_order).scores();
  CHECK(scores.pictures == 4);
  CHECK(scores.texts == 9);
  const Json& expected = toy["expected"];
  CHECK(near(scores.retrieval->image_to_text.at_1, expected["text_retrieval_recall@1"]));
  CHECK(near(scores.retrieval->image_to_text.at_5, expected["text_retrieval_recall@5"]));
  CHECK(near(scores.retrieval->text_to_image.at_1, expected["image_retrieval_recall@1"]));
  CHECK(near(scores.retrieval->text_to_image.at_5, expected["image_retrieval_recall@5"]));
  // With only their first captions, 0 and 2 would find theirs, and 1 and 3 not.
  std::vector<TestPicture> first = some;
  for (TestPicture& picture : first) picture.texts.resize(1);
  CHECK(TestSet(first, all).scores().retrieval->image_to_text.at_1 == 0.5);
  CHECK(TestSet(first, all).scores().texts == 4);
}

TEST_CASE("An equal caption of another picture is another caption", "[evaluation]") {
  // The second caption of the first picture is that of the second picture.
  std::vector<TestPicture> some{{.texts = {0, 1}}, {.texts = {2}}};
  const TestEmbeddings all{.images = {1, 0, 0.8f, 0.6f}, .texts = {0, 1, 1, 0, 1, 0}};
  const TestScores sorted = TestSet(some, all, Ties::in_order).scores();
  CHECK(sorted.retrieval->image_to_text.at_1 ==
        0.5);  // of the two, the first picture's comes first
  CHECK(sorted.retrieval->text_to_image.at_1 == 1.0 / 3);
  CHECK(TestSet(some, all).scores().retrieval->image_to_text.at_1 == 0.0);
  some[1].texts = {1};
  CHECK(testing::error_of([&] { TestSet(some, all).scores(); }) ==
        "caption 1 is of several pictures, but not the only one of each");
  // As the first of several captions it was accepted, in one order or in both.
  const std::string refused = "caption 0 is of several pictures, but not the only one of each";
  const auto refusal = [&](const std::vector<TestPicture>& pictures) {
    return testing::error_of([&] {
      TestSet(pictures, {.images = {1, 0, 0, 1}, .texts = {1, 0, 0, 1}});
    });
  };
  CHECK(refusal({{.texts = {0, 1}}, {.texts = {0}}}) == refused);
  CHECK(refusal({{.texts = {0}}, {.texts = {0, 1}}}) == refused);
  CHECK(refusal({{.texts = {0}}, {.texts = {0}}}) == "(nothing was thrown)");
}

TEST_CASE("What there is nothing for is missing", "[evaluation]") {
  const TestSet labels({{.label = 0}, {.label = 1}},
                       {.images = {1, 0, 0, 1}, .classes = {1, 0, 0, 1}});
  CHECK_FALSE(labels.scores().retrieval);
  CHECK_FALSE(labels.scores().captioning);
  CHECK(labels.scores().zero_shot->top_1 == 1.0);
  // A caption of a picture without references is not judged; the others are.
  const TestSet mixed({{.caption = "x"}, {.references = {"a"}, .texts = {0}, .caption = "a"}},
                      {.images = {1, 0, 0, 1}, .texts = {0, 1}});
  CHECK(mixed.scores().pictures == 2);
  CHECK(mixed.scores().texts == 1);
  CHECK(mixed.scores().captioning->exact_match == 1.0);
  CHECK(mixed.scores().retrieval->text_to_image.at_1 == 1.0);
  CHECK_FALSE(mixed.scores().zero_shot);
}

TEST_CASE("An inconsistent test set is refused", "[evaluation]") {
  const auto refusal = [](std::vector<TestPicture> some, const TestEmbeddings& all) {
    return testing::error_of([&] { TestSet(std::move(some), all).scores(); });
  };
  CHECK(refusal({}, {}) == "a test set needs at least one picture");
  CHECK(refusal({{}, {}}, {.images = {1, 2, 3}}) ==
        "the pictures have 3 values for 2 embeddings, expected the same number for each, and at "
        "least one");
  CHECK(refusal({{.texts = {1}}}, {.images = {1, 2}, .texts = {1, 2}}) ==
        "a picture has caption 1, but there is 1 caption");
  CHECK(refusal({{.texts = {0}}}, {.images = {1, 2}, .texts = {1, 2, 3}}) ==
        "the queries have width 2, the candidates 3");
  // Of labels the constructor complains, not only what asks for the scores.
  CHECK(testing::error_of([] {
          TestSet({{}, {.label = 1}}, {.images = {1, 2, 3, 4}, .classes = {1, 2}});
        }) == "picture 1 is of class 1, but there is 1 class");
  CHECK(refusal({{.label = 0}}, {.images = {1, 2}}) ==
        "picture 0 is of class 0, but there are 0 classes");
}
