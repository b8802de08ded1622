#include <vector>

#include "autograd/finite_differences.hpp"
#include "catch.hpp"
#include "coca/losses/binary_cross_entropy.hpp"
#include "coca/losses/coca.hpp"

using namespace coca;
using namespace coca::testing;

// Every loss against differences. A loss adds its gradient itself.

namespace {

/// The value that `add` adds to a loss.
template <class Add>
double value_of(GradientCheck& check, const Add& add) {
  const Array<Exact> loss = make_loss(check.context());
  add(loss);
  return loss.data()[0];
}

/// Five labels among four classes, the second ignored.
const std::vector<std::int32_t> labels{2, -1, 0, 3, 2};

ContrastiveFeatures<Exact> among_all(GradientCheck& check) {
  return {.image = check.variable("image", {2, 4}),
          .text = check.variable("text", {2, 4}),
          .all_image = check.variable("all_image", {5, 4}),
          .all_text = check.variable("all_text", {5, 4}),
          .first = 2};
}

ContrastiveFeatures<Exact> alone(GradientCheck& check) {
  return {.image = check.variable("image", {3, 4}), .text = check.variable("text", {3, 4})};
}

}  // namespace

TEST_CASE("the gradients of the contrastive loss are right", "[gradients]") {
  for (const bool others : {false, true}) {
    INFO("among others " << others);
    GradientCheck check;
    const auto features = others ? among_all(check) : alone(check);
    const auto scale = check.variable("logit_scale", {});
    check([&] {
      return value_of(check, [&](const auto& loss) {
        contrastive_loss(check.context(), features, scale, 0.7f, loss, others ? 5 : 0);
      });
    });
  }
}

TEST_CASE("the gradients of the sigmoid loss are right", "[gradients]") {
  for (const bool others : {false, true}) {
    INFO("among others " << others);
    GradientCheck check;
    ContrastiveFeatures<Exact> features{.image = check.variable("image", {2, 4})};
    features.text = others ? check.constant({2, 4}) : check.variable("text", {2, 4});
    if (others) {
      features.all_text = check.variable("all_text", {5, 4});
      features.first = 2;
    }
    const auto scale = check.variable("logit_scale", {}), bias = check.variable("logit_bias", {});
    check([&] {
      return value_of(check, [&](const auto& loss) {
        sigmoid_contrastive_loss(check.context(), features, scale, bias, 0.7f, loss,
                                 others ? 5 : 0);
      });
    });
  }
}

TEST_CASE("the gradients of cross_entropy are right", "[gradients]") {
  for (const float smoothing : {0.0f, 0.2f}) {
    INFO("label smoothing " << smoothing);
    GradientCheck check;
    const auto logits = check.variable("logits", {5, 4});
    check(
        [&] {
          return value_of(check, [&](const auto& loss) {
            cross_entropy(check.context(), logits, labels,
                          {.label_smoothing = smoothing, .weight = 0.3f}, loss);
          });
        },
        20);
  }
}

TEST_CASE("losses of the same logits add up", "[gradients]") {
  GradientCheck check;
  const auto x = check.variable("input", {5, 3}), w = check.variable("weight", {4, 3});
  check([&] {
    const auto logits = linear(check.context(), x, check.context().backend().view(w, false));
    return value_of(check, [&](const auto& loss) {
      cross_entropy(check.context(), logits, labels, {}, loss);
      cross_entropy(check.context(), logits, {0, 1, 2, 3, 0}, {.weight = 0.5f}, loss);
    });
  });
}

TEST_CASE("the gradients of soft targets are right", "[gradients]") {
  GradientCheck check;
  const auto logits = check.variable("logits", {3, 4});
  const auto targets = check.context().to_device(
      std::vector<double>{0.1, 0.2, 0.3, 0.4, 0, 1, 0, 0, 0.5, 0, 0.25, 0.25}, Shape{3, 4});
  check(
      [&] {
        return value_of(check, [&](const auto& loss) {
          soft_cross_entropy(check.context(), logits, targets, 0.3f, loss);
        });
      },
      20);
}

TEST_CASE("the gradients of binary cross-entropy are right", "[gradients]") {
  GradientCheck check;
  const auto logits = check.variable("logits", {3, 4});
  const auto targets = check.context().to_device(
      std::vector<double>{1, 0.3, 0.6, 0, 0, 0, 0, 0, 0.9, 0.5, 1, 1}, Shape{3, 4});
  check([&] {
    return value_of(check, [&](const auto& loss) {
      binary_cross_entropy(check.context(), logits, targets, 0.3f, loss);
      binary_cross_entropy(check.context(), logits, targets, 0.1f, loss);
    });
  });
}

TEST_CASE("binary cross-entropy refuses targets of another shape", "[gradients]") {
  GradientCheck check;
  const auto logits = check.variable("logits", {3, 4});
  const auto targets = check.context().to_device(std::vector<double>(12, 0.5), Shape{4, 3});
  auto loss = make_loss(check.context());
  CHECK_THROWS_AS(binary_cross_entropy(check.context(), logits, targets, 1, loss), ShapeError);
}

TEST_CASE("the gradients of linear_cross_entropy are right, however many rows at once",
          "[gradients]") {
  for (const bool transposed : {false, true})
    for (const std::size_t rows : {1, 3, 100}) {
      INFO("transposed " << transposed << ", rows at once " << rows);
      GradientCheck check;
      const auto x = check.variable("input", {5, 3});
      const auto w = check.variable("weight", transposed ? Shape{3, 4} : Shape{4, 3});
      check([&] {
        return value_of(check, [&](const auto& loss) {
          linear_cross_entropy(
              check.context(), x, check.context().backend().view(w, transposed), labels,
              {.loss = {.label_smoothing = 0.1f, .weight = 0.3f}, .rows_at_once = rows}, loss);
        });
      });
    }
}

TEST_CASE("classes may have a bias", "[gradients]") {
  for (const std::size_t rows : {1, 3, 100}) {
    INFO("rows at once " << rows);
    GradientCheck check;
    const auto x = check.variable("input", {5, 3}), w = check.variable("weight", {4, 3});
    const auto bias = check.variable("bias", {4});
    check([&] {
      return value_of(check, [&](const auto& loss) {
        linear_cross_entropy(check.context(), x, {check.context().backend().view(w, false), bias},
                             labels, {.loss = {.weight = 0.3f}, .rows_at_once = rows}, loss);
      });
    });
  }
}

// One weight as embedding table and as what makes logits: its gradient is the sum of both uses.
TEST_CASE("a table may be the projection of classes too", "[gradients]") {
  GradientCheck check;
  const auto table = check.variable("table", {4, 3}),
             positions = check.variable("positions", {5, 3});
  const auto ids = check.indices({1, 5}, {0, 3, 3, 1, 2});
  check([&] {
    return value_of(check, [&](const auto& loss) {
      const auto x = embed(check.context(), ids, table, positions);
      linear_cross_entropy(check.context(), x, check.context().backend().view(table, false), labels,
                           {.loss = {.weight = 0.3f}}, loss);
    });
  });
}

TEST_CASE("the gradients of the captioning loss are right", "[gradients]") {
  GradientCheck check;
  const Tokens tokens{{5, 2, 6, 0, 5, 3, 0, 0}, 2, 4};
  const auto x = check.variable("features", {2, 4, 3}), w = check.variable("projection", {7, 3});
  for (const std::size_t count : {0, 10}) {
    INFO("labels " << count);
    check([&] {
      return value_of(check, [&](const auto& loss) {
        captioning_loss(check.context(), x, check.context().backend().view(w, false), tokens,
                        {.label_smoothing = 0.1f, .labels = count}, loss);
      });
    });
  }
}

namespace {

constexpr CoCaConfig tiny{
    .embed_dim = 4,
    .vision =
        {.image_size = 4, .patch_size = 2, .width = 6, .layers = 2, .heads = 2, .mlp_width = 8},
    .pooling = {.kind = Pooling::single, .queries = 3, .heads = 2},
    .text =
        {.context_length = 4, .vocab_size = 7, .width = 4, .layers = 1, .heads = 2, .mlp_width = 8},
    .multimodal = {.width = 4, .layers = 1, .heads = 2, .mlp_width = 8},
};

}  // namespace

TEST_CASE("the gradients of a whole model are right", "[gradients]") {
  for (const bool recompute : {false, true}) {
    INFO("recomputed blocks " << recompute);
    GradientCheck check({.recompute_blocks = recompute});
    CoCa<tiny, Exact> model;
    check.parameters_of(model);
    const auto pixels = check.variable("pixels", {2, 3, 4, 4});
    const Tokens tokens{{5, 2, 6, 0, 5, 3, 0, 0}, 2, 4};
    check(
        [&] {
          auto& context = check.context();
          const CoCaLossOptions options{.contrastive_weight = 0.7f};
          const auto loss = make_loss(context);
          const auto image = model.encode_image(context, pixels);
          const auto text = model.encode_text(context, tokens);
          contrastive_loss(context, model, {.image = image.embedding, .text = text.embedding},
                           options, loss);
          captioning_loss(context, model, image, text, tokens, options.captioning, loss);
          return loss.data()[0];
        },
        10);
  }
}
