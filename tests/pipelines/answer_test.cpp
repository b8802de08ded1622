#include "coca/pipelines/answer.hpp"

#include <cmath>
#include <numeric>

#include "catch.hpp"
#include "coca/pipelines/answer_model.hpp"
#include "io/temporary_folder.hpp"
#include "models/fused_models.hpp"
#include "training/small_run.hpp"

using namespace coca;
using namespace coca::testing;

namespace answer_test {
using coca_test::message_of;

namespace {

using Ours = Cpu<float>;
using Captioner = StandardCoCa<Ours>;

VqaModel<Captioner> tiny_vqa() {
  return with_random_weights(VqaModel<Captioner>(
      Captioner(tiny_config, Ours(CpuOptions{.threads = 1})), {.answers = 4, .heads = 2}));
}

std::vector<Pixels> tiny_pictures(std::size_t count) {
  std::vector<Pixels> pictures;
  for (std::size_t i = 0; i < count; ++i)
    pictures.push_back(preprocess(draw_shape(i % 4, {220, 30, 30}), preprocess_config(32)));
  return pictures;
}

const std::vector<std::string> two_texts{"a red circle", "the"};

}  // namespace

TEST_CASE("Logits become probabilities that compete or do not", "[answer]") {
  const std::vector<float> logits{1, -1000, 2};
  const auto softmax = answer_probabilities(std::span(logits), true);
  CHECK(softmax[2] == Approx(std::exp(2.0) / (std::exp(1.0) + std::exp(2.0))));
  CHECK(softmax[1] == 0);
  const auto sigmoid = answer_probabilities(std::span(logits), false);
  CHECK(sigmoid[0] == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(sigmoid[1] == 0);
  CHECK(most_probable(softmax, 2) == std::vector<std::size_t>{2, 0});
  const std::vector<float> equal{0.5f, 0.7f, 0.5f, 0.7f};
  CHECK(most_probable(equal, 9) == std::vector<std::size_t>{1, 3, 0, 2});
  for (const float broken : {std::nanf(""), INFINITY}) {
    const std::vector<float> values{1, broken};
    CHECK(message_of([&] { answer_probabilities(std::span(values), true); }) ==
          "an answer's score is not finite: the model's weights hold NaN or infinity");
  }
}

TEST_CASE("A model answers each text about its picture", "[answer]") {
  const auto model = tiny_vqa();
  Context<Ours> context(model.backend());
  const AnyTokenizer tokenizer = tiny_tokenizer();
  const auto pictures = tiny_pictures(2);
  const auto both = answer(context, model, tokenizer, pictures, two_texts, true);
  REQUIRE(both.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    REQUIRE(both[i].size() == 4);
    CHECK(std::accumulate(both[i].begin(), both[i].end(), 0.0) == Approx(1));
    const auto alone = answer(context, model, tokenizer, std::span(&pictures[i], 1),
                              std::span(&two_texts[i], 1), true);
    for (std::size_t k = 0; k < 4; ++k) CHECK(alone[0][k] == Approx(both[i][k]).margin(1e-5));
  }
  CHECK(answer(context, model, tokenizer, {}, {}, true).empty());
  CHECK(message_of([&] {
          answer(context, model, tokenizer, pictures, {&two_texts[0], 1}, true);
        }) == "got 2 pictures for 1 texts, expected 1 for each");
}

TEST_CASE("What a model looks at are weights of words and maps of pictures", "[answer]") {
  const AnyTokenizer tokenizer = tiny_tokenizer();
  const auto check = [&](const AnswerAttention& attention, std::size_t pictures) {
    CHECK(attention.words.size() == 4);  // the start and three words
    CHECK(std::accumulate(attention.words.begin(), attention.words.end(), 0.0) == Approx(1));
    REQUIRE(attention.maps.size() == pictures);
    for (const AttentionMap& map : attention.maps) {
      CHECK(map.side == 4);
      const double sum = std::accumulate(map.weights.begin(), map.weights.end(), 0.0);
      CHECK(sum > 0.5);
      CHECK(sum <= 1.0001);
    }
  };
  const auto model = tiny_vqa();
  Context<Ours> context(model.backend());
  check(answer_attention(context, model, tokenizer, tiny_pictures(1), two_texts[0]), 1);
  const auto pairs = with_random_weights(
      PairModel<Captioner>(Captioner(tiny_config, model.backend()), {.heads = 2}));
  check(answer_attention(context, pairs, tokenizer, tiny_pictures(2), two_texts[0]), 2);
}

TEST_CASE("A folder says which model answers", "[answer]") {
  const coca_test::TemporaryFolder folder;
  for (const AnswerModelDescription& description :
       {AnswerModelDescription{.task = "vqa", .answer_loss = "softmax"},
        AnswerModelDescription{.task = "entailment"},
        AnswerModelDescription{.task = "pairs", .pair_head = "mlp"}}) {
    CHECK(read_answer_model(folder.write("task.json", to_text(description))) == description);
    CHECK(description.pictures() == (description.task == "pairs" ? 2 : 1));
    CHECK(description.answers_compete());
  }
  CHECK_FALSE(AnswerModelDescription{.task = "vqa"}.answers_compete());
  const auto refusal = [&](const std::string& text) {
    const std::string path = folder.write("bad.json", text);
    return message_of([&] { read_answer_model(path); }).substr(path.size());
  };
  CHECK(refusal("{}") == ": \"task\" is missing, expected one of vqa, entailment, pairs");
  CHECK(refusal("{\"task\": 7}") == ": \"task\" is 7, expected one of vqa, entailment, pairs");
  CHECK(refusal("{\"task\": \"pairs\", \"pair_head\": \"deep\"}") ==
        ": \"pair_head\" is \"deep\", expected one of linear, mlp");
  CHECK(refusal("[]") == ": holds no JSON object");
}

}  // namespace answer_test
