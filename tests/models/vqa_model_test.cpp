#include "coca/models/vqa_model.hpp"

#include <cmath>

#include "autograd/finite_differences.hpp"
#include "catch.hpp"
#include "coca/training/partial_weights.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "models/fused_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace vqa_model_test {

namespace {

const auto pool_question = [](auto& context, const auto& model, const auto& image,
                              const VisibleTexts& texts) {
  const auto fused = model.read(context, image, texts.tokens);
  return context.to_host(model.head().pool(context, fused, hidden_tokens(context, texts)));
};

template <class Model>
void check_question_padding(const Model& model) {
  check_padding(model, 1, [&](auto& context, const auto& image, const VisibleTexts& texts) {
    return pool_question(context, model, image, texts);
  });
}

/// Small enough for differences in all of its weights.
constexpr CoCaConfig smallest{
    .embed_dim = 8,
    .vision =
        {.image_size = 8, .patch_size = 4, .width = 8, .layers = 1, .heads = 2, .mlp_width = 8},
    .pooling = {.kind = Pooling::single, .queries = 3, .heads = 2},
    .text =
        {.context_length = 6, .vocab_size = 9, .width = 8, .layers = 1, .heads = 2, .mlp_width = 8},
    .multimodal = {.width = 8, .layers = 1, .heads = 2, .mlp_width = 8},
};

/// A model without the weights that only captions and embeddings depend on.
template <class Model>
struct WithoutUnused {
  Model& model;

  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    Model::for_each_parameter(self.model, [&](auto& parameter) {
      for (const char* unused :
           {"visual.proj", "text.cls_emb", "text.ln_final.weight", "text.ln_final.bias",
            "text.text_projection", "text_decoder.text_projection", "logit_scale"})
        if (parameter.path() == unused) return;
      visit(parameter);
    });
  }
};

template <class Model>
void check_gradients(Model model, std::size_t pictures) {
  initialize(model, 1);
  GradientCheck check;
  WithoutUnused<Model> used{model};
  check.parameters_of(used);
  const auto pixels = check.variable("pixels", {2 * pictures, 3, 8, 8});
  const VisibleTexts texts{{{1, 5, 7, 2, 1, 6, 2, 0}, 2, 4}, {3, 2}};
  check([&] { return check.weighted_sum(model(check.context(), pixels, texts)); }, 3);
}

}  // namespace

TEMPLATE_TEST_CASE("a model of questions gives a logit for each answer", "[vqa_model]",
                   Reference<float>, Remote, Cpu<float>, (Cpu<float, bfloat16>), Cpu<bfloat16>) {
  const auto model = plain_vqa<TestType>(7);
  CHECK(model.answers == 7);
  CHECK(model.image_size == 32);
  CHECK(model.context_length == 15);
  Context<TestType> context(model.backend());
  const auto logits = model(context, some_pictures(context, 2), two_questions());
  REQUIRE(logits.shape() == Shape{2, 7});
  const auto exact = plain_vqa<Reference<double>>(7);
  Context<Reference<double>> wide;
  const auto expected = wide.to_host(exact(wide, some_pictures(wide, 2), two_questions()));
  const auto values = context.to_host(logits);
  // Logits are sums of 32 products with weights of 0.01 and pooled numbers of about 1, so of about
  // 0.06; bfloat16 rounds each factor by 2^-9, and a few layers multiply that.
  constexpr bool rounds =
      std::is_same_v<TestType, Cpu<float, bfloat16>> || std::is_same_v<TestType, Cpu<bfloat16>>;
  const double tolerance = rounds ? 5e-3 : 1e-5;
  for (std::size_t i = 0; i < values.size(); ++i)
    CHECK(std::abs(static_cast<double>(values[i]) - expected[i]) <= tolerance);
}

TEST_CASE("logits depend on the picture, on the question, and on nothing after it", "[vqa_model]") {
  using B = Reference<float>;
  const auto model = plain_vqa<B>();
  Context<B> context;
  const auto pixels = some_pictures(context, 2);
  const VisibleTexts texts = two_questions();
  const auto logits = context.to_host(model(context, pixels, texts));
  VisibleTexts other = texts;
  other.tokens.ids[2] = 31;  // a word
  CHECK(context.to_host(model(context, pixels, other)) != logits);
  other = texts;
  other.tokens.ids[4] = 31;  // an answer in the place of the end
  CHECK(context.to_host(model(context, pixels, other)) == logits);
  const auto same = context.to_host(model(context, pixels.slice(0, 1), texts.rows(0, 1)));
  CHECK(same == std::vector<float>(logits.begin(), logits.begin() + 5));
  CHECK(context.to_host(model(context, pixels.slice(1, 1), texts.rows(0, 1))) != same);
}

TEST_CASE("padding changes no bit of what the query of a question gathers", "[vqa_model]") {
  check_question_padding(plain_vqa<Reference<float>>());
  check_question_padding(plain_vqa<Remote>());
  check_question_padding(plain_vqa<Cpu<float>>());
  check_question_padding(plain_vqa<Cpu<float, bfloat16>>());
}

TEST_CASE("the gradients of a model of questions are right", "[vqa_model]") {
  using Exactly = StandardCoCa<Exact>;
  check_gradients(VqaModel<Exactly>(Exactly(smallest), {.answers = 3, .heads = 2}), 1);
  check_gradients(PairModel<Exactly>(Exactly(smallest), {.heads = 2}), 2);
  check_gradients(PairModel<Exactly>(Exactly(smallest), {.kind = PairHeadKind::mlp, .heads = 2}),
                  2);
}

TEST_CASE("the gradients of a model of questions are the slope of its loss", "[vqa_model]") {
  check_slope(plain_vqa<Reference<float>>(2), 1);
  check_slope(plain_vqa<Remote>(2), 1);
  Measured<PlainVqa<Reference<float>>> near(plain_vqa<Reference<float>>(2), 1);
  Measured<PlainVqa<Remote>> remote(plain_vqa<Remote>(2), 1);
  CHECK(first_inequality(remote.gradient(), near.gradient()) == "");
}

TEST_CASE("any captioner's weights are loaded, and what is missing is the head", "[vqa_model]") {
  const coca_test::TemporaryFolder folder;
  const auto captioner = random_model<CoCa<plain, Reference<float>>>(5);
  save_weights(captioner, folder.path("c.safetensors"));
  const Checkpoint checkpoint = open_checkpoint(folder.path("c.safetensors"));
  auto model = plain_vqa<Reference<float>>();
  const auto head_only = [](const std::vector<std::string>& names, const std::string& head) {
    return names.size() >= 10 && std::all_of(names.begin(), names.end(), [&](const auto& name) {
             return name.starts_with(head + ".");
           });
  };
  CHECK(head_only(load_known_weights(model, checkpoint), "vqa_head"));
  CHECK(all_weights(model.captioner()) == all_weights(captioner));
  EntailmentModel<CoCa<plain, Reference<float>>> entailment(CoCa<plain, Reference<float>>{}, 4);
  initialize(entailment, 1);
  CHECK(entailment.answers == 3);
  CHECK(head_only(load_known_weights(entailment, checkpoint), "entailment_head"));
  auto pairs = plain_pairs<Reference<float>>(PairHeadKind::mlp);
  CHECK(head_only(load_known_weights(pairs, checkpoint), "pair_head"));
  CHECK(all_weights(pairs.captioner()) == all_weights(captioner));
}

TEST_CASE("a trained model of questions is saved and loaded", "[vqa_model]") {
  const coca_test::TemporaryFolder folder;
  const auto model = plain_vqa<Cpu<float>>(4);
  save_weights(model, folder.path("m.safetensors"));
  PlainVqa<Cpu<float>> again(CoCa<plain, Cpu<float>>{}, {.answers = 4, .heads = 4});
  load_weights(again, open_checkpoint(folder.path("m.safetensors")));
  CHECK(first_inequality(all_weights(again), all_weights(model)) == "");
}

TEST_CASE("a head must have two answers, and fit its decoder", "[vqa_model]") {
  using Captioner = CoCa<plain, Reference<float>>;
  CHECK_THROWS_WITH(VqaModel<Captioner>(Captioner{}, {.answers = 1, .heads = 4}),
                    "a head with 1 outputs was requested, expected 2 to 1000000");
  CHECK_THROWS_WITH(
      VqaModel<Captioner>(Captioner{}, {.answers = 2, .heads = 5}),
      "a head with 5 attention heads was requested: the multimodal decoder's width of "
      "32 must be a multiple of them");
  const auto model = plain_vqa<Reference<float>>();
  VisibleTexts texts = two_questions();
  texts.visible = {4};
  CHECK_THROWS_WITH(texts.check(512), "got 1 counts of visible tokens for 2 texts");
  texts.visible = {4, 6};
  CHECK_THROWS_WITH(texts.check(512), "6 tokens of a text are visible, expected 1 to 5");
  texts.visible = {4, 0};
  CHECK_THROWS_AS(texts.check(512), ArgumentError);
  texts.tokens.ids[3] = 512;
  CHECK_THROWS_AS(texts.check(512), ArgumentError);
}

}  // namespace vqa_model_test
