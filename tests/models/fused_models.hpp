#pragma once
/// @file
/// What the tests of models that read texts about pictures share.

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "coca/losses/cross_entropy.hpp"
#include "coca/models/pair_model.hpp"
#include "coca/models/vqa_model.hpp"
#include "coca/training/trainable.hpp"
#include "models/tested_models.hpp"

namespace coca::testing {

template <class B>
using PlainVqa = VqaModel<CoCa<plain, B>>;
template <class B>
using PlainPairs = PairModel<CoCa<plain, B>>;

/// All weights random, the head's as large as the others'.
template <class Model>
Model with_random_weights(Model model, std::uint64_t seed = 1) {
  initialize(model, seed);
  return model;
}

template <class B>
PlainVqa<B> plain_vqa(std::size_t answers = 5, B backend = {}) {
  return with_random_weights(
      PlainVqa<B>(CoCa<plain, B>(std::move(backend)), {.answers = answers, .heads = 4}));
}

template <class B>
PlainPairs<B> plain_pairs(PairHeadKind kind, B backend = {}) {
  return with_random_weights(
      PlainPairs<B>(CoCa<plain, B>(std::move(backend)), {.kind = kind, .heads = 4}));
}

/// Pictures without pattern. [count, 3, 32, 32]
template <class B>
Array<B> some_pictures(Context<B>& context, std::size_t count) {
  const Shape shape{count, 3, 32, 32};
  std::vector<typename B::value_type> values;
  for (std::size_t i = 0; i < shape.size(); ++i)
    values.push_back(static_cast<typename B::value_type>(2 * to_uniform(philox(3, 1, i)[0]) - 1));
  return context.to_device(values, shape);
}

/// Two questions, 1 and 2 around each, the second one padded; their end is not visible.
inline VisibleTexts two_questions() { return {{{1, 17, 30, 99, 2, 1, 5, 2, 0, 0}, 2, 5}, {4, 2}}; }

/// A loss, and its gradient with respect to all weights.
template <class Model>
class Measured {
 public:
  using B = typename Model::backend_type;

  /// @param pictures of each of the two questions
  explicit Measured(Model made, std::size_t pictures)
      : model_(std::move(made)), trainable_(model_), context_(model_.backend()) {
    pixels_ = some_pictures(context_, 2 * pictures);
  }

  float loss() { return context_.to_host(compute())[0]; }

  std::vector<float> gradient() {
    trainable_.forget_gradients();
    Tape<B> tape(context_);
    trainable_.watch(tape);
    {
      const Recording<B> recording(context_, &tape);
      compute();
    }
    tape.backward();
    trainable_.settle_gradients();
    return context_.to_host(trainable_.gradients());
  }

  std::vector<float> weights() const { return context_.to_host(trainable_.values()); }
  void set_weights(const std::vector<float>& values) {
    context_.backend().copy_in(std::span<const float>(values), trainable_.values());
  }

 private:
  Array<B> compute() {
    const Array<B> loss = make_loss(context_);
    const Array<B> logits = model_(context_, pixels_, two_questions());
    cross_entropy(context_, logits, {1, 0}, {.weight = 0.5f}, loss);
    return loss;
  }

  Model model_;
  Trainable<Model> trainable_;
  Context<B> context_;
  Array<B> pixels_;
};

/// The difference of the loss along its gradient is the gradient's norm.
template <class Model>
void check_slope(Model model, std::size_t pictures) {
  Measured<Model> measured(std::move(model), pictures);
  const std::vector<float> gradient = measured.gradient(), weights = measured.weights();
  double squares = 0;
  for (const float g : gradient) squares += double{g} * double{g};
  const double norm = std::sqrt(squares), h = 2e-3;
  REQUIRE(norm > 1e-2);
  const auto loss_at = [&](double distance) {
    std::vector<float> moved = weights;
    for (std::size_t i = 0; i < moved.size(); ++i)
      moved[i] += static_cast<float>(distance * double{gradient[i]} / norm);
    measured.set_weights(moved);
    return double{measured.loss()};
  };
  const double near = loss_at(h) - loss_at(-h), far = loss_at(2 * h) - loss_at(-2 * h);
  // A loss of about 1 has a rounding of 1e-7, which a difference over 2 h divides by 4e-3: 3e-5.
  // The error of fourth order is of that size, too.
  CHECK(std::abs((8 * near - far) / (12 * h) - norm) <= 1e-3 * norm);
}

/// Whether what one query gathers stays the same, bit for bit, with more padding.
template <class Model, class Pool>
void check_padding(const Model& model, std::size_t pictures, const Pool& pool) {
  using B = typename Model::backend_type;
  Context<B> context(model.backend());
  const Array<B> pixels = some_pictures(context, 2 * pictures);
  const Array<B> image = model.encode_image(context, pixels).tokens;
  const VisibleTexts texts = two_questions();
  VisibleTexts longer{{{}, 2, 15}, texts.visible};
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t t = 0; t < 15; ++t)
      longer.tokens.ids.push_back(t < 5 ? texts.tokens(row, t) : 0);
  const auto some = pool(context, image, texts), same = pool(context, image, longer);
  REQUIRE(some.size() != 0);
  CHECK(first_inequality(same, some) == "");
  VisibleTexts more = longer;
  more.visible = {15, 15};
  CHECK(pool(context, image, more) != some);
}

}  // namespace coca::testing
