#include "coca/training/answer_loss.hpp"

#include <cmath>

#include "autograd/finite_differences.hpp"
#include "catch.hpp"
#include "coca/training/answer_scorer.hpp"

using namespace coca;
using namespace coca::testing;

namespace answer_loss_test {

namespace {

const std::vector<double> some_logits{0.5, -1, 2, 1, 0, -2};
const std::vector<AnswerTargets> some_targets{{{0, 1.0}, {2, 0.6}}, {}};

double loss_of(AnswerLoss kind, double questions) {
  Context<Exact> context;
  const auto loss = make_loss(context);
  answer_loss(context, context.to_device(some_logits, Shape{2, 3}), some_targets, {kind, questions},
              loss);
  return context.to_host(loss)[0];
}

}  // namespace

TEST_CASE("Answers are right one by one, or compete", "[answer_loss]") {
  double binary = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    const double t = i == 0 ? 1 : i == 2 ? 0.6 : 0;
    const double p = 1 / (1 + std::exp(-some_logits[i]));
    binary -= t * std::log(p) + (1 - t) * std::log(1 - p);
  }
  CHECK(loss_of(AnswerLoss::binary, 2) == Approx(binary / 2));
  CHECK(loss_of(AnswerLoss::binary, 8) == Approx(binary / 8));
  const double sum = std::exp(0.5) + std::exp(-1.0) + std::exp(2.0);
  const double softmax =
      -(std::log(std::exp(0.5) / sum) + 0.6 * std::log(std::exp(2.0) / sum)) / 1.6;
  CHECK(loss_of(AnswerLoss::softmax, 2) == Approx(softmax / 2));
}

TEST_CASE("The gradients of both losses of answers are right", "[answer_loss]") {
  for (const AnswerLoss kind : {AnswerLoss::binary, AnswerLoss::softmax}) {
    GradientCheck check;
    const auto logits = check.variable("logits", {2, 3});
    check([&] {
      const auto loss = make_loss(check.context());
      answer_loss(check.context(), logits, some_targets, {kind, 2.0}, loss);
      return check.context().to_host(loss)[0];
    });
  }
}

TEST_CASE("Questions without a right answer teach that none is right, or nothing",
          "[answer_loss]") {
  Context<Exact> context;
  const std::vector<AnswerTargets> none(2);
  const auto logits = context.to_device(some_logits, Shape{2, 3});
  auto loss = make_loss(context);
  answer_loss(context, logits, none, {AnswerLoss::softmax, 2}, loss);
  CHECK(context.to_host(loss)[0] == 0);
  answer_loss(context, logits, none, {AnswerLoss::binary, 2}, loss);
  CHECK(context.to_host(loss)[0] > 1);
}

TEST_CASE("Targets must be those of the answers", "[answer_loss]") {
  CHECK_NOTHROW(expect_targets(some_targets, 2, 3));
  CHECK_THROWS_WITH(
      expect_targets(some_targets, 3, 3),
      "a training step needs targets for each question, got 3 questions and 2 targets");
  CHECK_THROWS_WITH(expect_targets(some_targets, 2, 2),
                    "answer 2 of 2 has the target 0.600000, expected a number above 0, at most 1");
  for (const double wrong : {0.0, -1.0, 1.5, std::nan("")}) {
    const std::vector<AnswerTargets> targets{{{0, wrong}}};
    CHECK_THROWS_AS(expect_targets(targets, 1, 2), ArgumentError);
  }
}

TEST_CASE("The score of answers is the mean of how right the most probable ones are",
          "[answer_loss]") {
  AnswerScorer scorer;
  CHECK(scorer.scores().empty());
  scorer.add(std::span<const double>(some_logits), some_targets);
  REQUIRE(scorer.scores().size() == 1);
  CHECK(scorer.scores()[0].name == "accuracy.vqa");
  CHECK(scorer.scores()[0].value == Approx(0.3));
  const std::vector<float> broken{1, std::nanf(""), 0};
  const std::vector<AnswerTargets> right{{{0, 1.0}, {1, 1.0}, {2, 1.0}}};
  scorer.add(std::span<const float>(broken), right);
  CHECK(scorer.scores()[0].value == Approx(0.2));
}

}  // namespace answer_loss_test
