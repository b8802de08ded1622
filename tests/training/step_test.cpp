#include "coca/training/step.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "comparison.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

/// A step over the 16 pictures of the stamps' model.
template <DifferentiableBackend B>
struct StampsStep {
  using Model = CoCa<stamps_coca, B>;

  // One thread: machines that run tests are busy.
  explicit StampsStep(TestedStepOptions options = {}, std::vector<std::string> frozen = {})
      : model(load<Model>(stamps_folder + "/model.safetensors", B(CpuOptions{.threads = 1}))),
        trainable(ready_for(options.loss.contrastive, model), all_but(model, frozen)),
        context(model.backend()),
        optimizer(trainable, model.backend()),
        task(model, options.task()),
        step(task, trainable, optimizer, context, options.step()) {}

  Array<B> pixels() { return device_rows(context, stamps_forward(), "pixels", 16); }
  static Tokens tokens() { return tokens_of(stamps_forward(), "tokens", 16); }
  TrainingStepResult gradients() { return step.compute_gradients({pixels(), texts}); }

  TrainingTexts texts{tokens()};
  Model model;
  Trainable<Model> trainable;
  Context<B> context;
  Optimizer<Model> optimizer;
  CoCaTask<Model> task;
  TrainingStep<CoCaTask<Model>> step;
};

/// Losses to 1e-5, and gradients to 1e-5 of each tensor's norm.
template <class Actual, class Expected>
void check_equal_gradients(Actual& actual, Expected& expected) {
  const TrainingStepResult losses = actual.gradients(), wanted = expected.gradients();
  CHECK(std::abs(losses.loss("contrastive_loss") - wanted.loss("contrastive_loss")) <= 1e-5f);
  CHECK(std::abs(losses.loss("captioning_loss") - wanted.loss("captioning_loss")) <= 1e-5f);
  CHECK(losses.number("logit_scale") == wanted.number("logit_scale"));
  REQUIRE(actual.trainable.entries().size() == expected.trainable.entries().size());
  for (std::size_t i = 0; i < expected.trainable.entries().size(); ++i) {
    INFO(expected.trainable.entries()[i].path);
    const auto a = actual.context.to_host(actual.trainable.gradient(i));
    const auto e = expected.context.to_host(expected.trainable.gradient(i));
    CHECK(distance(a, e) <= 1e-5 * norm_of(e));
    CHECK(norm_of(e) > 0);
  }
}

}  // namespace

TEST_CASE("a batch in parts has the losses and gradients of the whole", "[training]") {
  StampsStep<Cpu<float>> whole;
  for (const bool recompute : {false, true})
    for (const std::size_t parts : {2, 4}) {
      INFO(parts << " parts, recomputed blocks: " << recompute);
      StampsStep<Cpu<float>> step({.tape = {.recompute_blocks = recompute}, .accumulation = parts});
      check_equal_gradients(step, whole);
    }
}

TEST_CASE("SigLIP's loss of a batch in parts is that of the whole", "[training]") {
  const CoCaLossOptions loss{.contrastive = ContrastiveKind::sigmoid};
  StampsStep<Cpu<float>> whole({.loss = loss}), parts({.loss = loss, .accumulation = 4});
  check_equal_gradients(parts, whole);
  CHECK(whole.gradients().number("logit_bias") == -10.0f);
  CHECK(std::abs(whole.gradients().loss("contrastive_loss") - 34.332111f) <= 1e-3f);  // OpenCLIP's
  StampsStep<Cpu<float>> softmax;
  CHECK_FALSE(find_number(softmax.gradients().numbers, "logit_bias"));
}

TEMPLATE_TEST_CASE("SigLIP's loss changes scale and bias on every backend", "[training]",
                   Reference<float>, Remote, Cpu<float>) {
  using Model = typename SmallTraining<TestType>::Model;
  SmallTraining<TestType> batch;
  Model model(batch.model.backend());
  model.add_logit_bias();
  initialize(model, 1);
  Trainable<Model> trainable(model);
  Context<TestType> context(model.backend());
  Optimizer<Model> optimizer(trainable, model.backend());
  const CoCaTask<Model> task(model, {.loss = {.contrastive = ContrastiveKind::sigmoid}});
  TrainingStep step(task, trainable, optimizer, context);
  const TrainingStepResult first = step({batch.pixels(), batch.tokens()}, 1e-3);
  CHECK(first.applied);
  CHECK(first.number("logit_bias") == -10.0f);
  CHECK(std::abs(std::log(first.number("logit_scale")) - 2.3025851f) <= 1e-5f);
  TrainingStepResult last{};
  for (int i = 0; i < 5; ++i) last = step({batch.pixels(), batch.tokens()}, 1e-3);
  CHECK(last.loss("contrastive_loss") < first.loss("contrastive_loss"));
  CHECK(last.number("logit_bias") > first.number("logit_bias"));  // one pair of four is positive
  CHECK(last.number("logit_scale") != first.number("logit_scale"));
}

TEST_CASE("a batch in parts draws the patches and words that the whole draws", "[training]") {
  StampsStep<Cpu<float>> all;
  const float of_all = all.gradients().loss("contrastive_loss");
  for (TestedStepOptions options : {TestedStepOptions{.patch_dropout = 0.5, .seed = 3},
                                    TestedStepOptions{.switchout = 0.5, .seed = 3}}) {
    INFO("patches " << options.patch_dropout << ", words " << options.switchout);
    StampsStep<Cpu<float>> whole(options);
    options.accumulation = 4;
    StampsStep<Cpu<float>> parts(options);
    check_equal_gradients(parts, whole);
    const float of_whole = whole.gradients().loss("contrastive_loss");
    CHECK(of_whole != of_all);
    options.seed = 4;
    StampsStep<Cpu<float>> others(options);
    CHECK(others.gradients().loss("contrastive_loss") != of_whole);
  }
}

namespace {

/// Compares the losses of a step with those of the model's parts, called one by one.
void check_losses_by_hand(StampsStep<Cpu<float>>& step, const Tokens& read,
                          const Tokens& predicted) {
  const TrainingStepResult result = step.gradients();
  auto& context = step.context;
  const auto losses = context.empty(Shape{2});
  call<ops::Fill>(context.backend(), losses, 0.0f);
  const auto image = step.model.encode_image(context, step.pixels());
  const auto text = step.model.encode_text(context, read);
  contrastive_loss(context, {.image = image.embedding, .text = text.embedding},
                   step.model.logit_scale(), 1.0f, losses.slice(0, 1));
  const auto& decoder = step.model.multimodal_decoder();
  const ImageTextOptions defaults;
  captioning_loss(context, decoder.features(context, text.tokens, image.tokens),
                  decoder.projection(), predicted, defaults.loss.captioning, losses.slice(1, 1));
  const auto expected = context.to_host(losses);
  CHECK(std::abs(result.loss("contrastive_loss") - expected[0]) <= 1e-5f);
  CHECK(std::abs(result.loss("captioning_loss") - expected[1]) <= 1e-5f);
}

// The texts of the stamps, the second word of each read as two others.
Tokens other_words() {
  Tokens tokens = StampsStep<Cpu<float>>::tokens();
  for (std::size_t row = 0; row < tokens.batch; ++row) {
    const auto text = tokens.ids.begin() + static_cast<std::ptrdiff_t>(row * tokens.length);
    std::move_backward(text + 3, text + static_cast<std::ptrdiff_t>(tokens.length) - 1,
                       text + static_cast<std::ptrdiff_t>(tokens.length));
    text[2] = static_cast<std::int32_t>(300 + row);
    text[3] = static_cast<std::int32_t>(400 + row);
  }
  return tokens;
}

}  // namespace

TEST_CASE("replaced words are the input, and the true ones are predicted", "[training]") {
  constexpr double chance = 0.5;
  StampsStep<Cpu<float>> step({.switchout = chance, .seed = 3});
  const Tokens written = StampsStep<Cpu<float>>::tokens();
  check_losses_by_hand(step,
                       switch_out(written, {.seed = 3, .count = 16}, 0,
                                  StampsStep<Cpu<float>>::Model::vocab_size, chance),
                       written);
}

TEST_CASE("input texts and texts to predict may differ", "[training]") {
  const Tokens written = StampsStep<Cpu<float>>::tokens();
  StampsStep<Cpu<float>> step, parts({.accumulation = 4});
  step.texts = parts.texts = TrainingTexts(other_words(), written, 0);
  REQUIRE(step.texts.predicted.ids != step.texts.read.ids);
  check_losses_by_hand(step, step.texts.read, step.texts.predicted);
  check_equal_gradients(parts, step);
  StampsStep<Cpu<float>> plain;
  CHECK(step.gradients().loss("captioning_loss") != plain.gradients().loss("captioning_loss"));
}

TEST_CASE("a whole batch has the same gradients with recomputed blocks", "[training]") {
  StampsStep<Cpu<float>> whole, step({.tape = {.recompute_blocks = true}});
  check_equal_gradients(step, whole);
}

TEST_CASE("frozen towers do not affect the gradients of the others", "[training]") {
  const std::vector<std::string> frozen{"visual", "logit_scale"};
  StampsStep<Cpu<float>> all;
  for (const std::size_t parts : {1, 2}) {
    INFO(parts << " parts");
    StampsStep<Cpu<float>> some({.accumulation = parts}, frozen);
    all.gradients();
    some.gradients();
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < all.trainable.entries().size(); ++i)
      places[all.trainable.entries()[i].path] = i;
    REQUIRE(!some.trainable.entries().empty());
    for (std::size_t i = 0; i < some.trainable.entries().size(); ++i) {
      const std::string& path = some.trainable.entries()[i].path;
      INFO(path);
      CHECK(!path.starts_with("visual."));
      const auto e = all.context.to_host(all.trainable.gradient(places.at(path)));
      CHECK(distance(some.context.to_host(some.trainable.gradient(i)), e) <= 1e-5 * norm_of(e));
    }
  }
}

TEMPLATE_TEST_CASE("a step in parts changes the model on every backend", "[training]",
                   Reference<float>, Remote, Cpu<float>) {
  SmallTraining<TestType> training;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                    {.accumulation = 2});
  const TrainingStepResult first = step({training.pixels(), training.tokens()}, 1e-3);
  CHECK(first.applied);
  CHECK(first.gradient_norm > 0);
  CHECK(std::abs(std::log(first.number("logit_scale")) - 2.65926f) <= 1e-5f);
  CHECK(training.optimizer.step_count() == 1);
  TrainingStepResult last{};
  for (int i = 0; i < 5; ++i) last = step({training.pixels(), training.tokens()}, 1e-3);
  CHECK(last.loss("captioning_loss") < first.loss("captioning_loss"));
}

TEMPLATE_TEST_CASE("a step with a picture of NaN changes nothing", "[training]", Reference<float>,
                   Remote, Cpu<float>) {
  for (const std::size_t parts : {1, 2}) {
    INFO(parts << " parts");
    SmallTraining<TestType> training;
    TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                      {.accumulation = parts});
    step({training.pixels(), training.tokens()}, 1e-3);
    const auto before = training.everything();
    auto pixels = training.context.to_host(training.pixels());
    pixels[5] = std::numeric_limits<float>::quiet_NaN();
    const TrainingStepResult result = step(
        {training.context.to_device(pixels, training.pixels().shape()), training.tokens()}, 1e-3);
    CHECK(!result.applied);
    CHECK(std::isnan(result.gradient_norm));
    CHECK(first_inequality(training.everything(), before) == "");
    CHECK(training.optimizer.step_count() == 1);
    CHECK(step({training.pixels(), training.tokens()}, 1e-3).applied);
  }
}

TEST_CASE("a step refuses batches that it cannot compute", "[training]") {
  SmallTraining<Reference<float>> training;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context,
                    {.accumulation = 3});
  CHECK_THROWS_WITH(step({training.pixels(), training.tokens()}, 1e-3),
                    "a batch of 4 cannot be computed in 3 equal parts");
  CHECK_THROWS_WITH(step({training.pixels().slice(0, 3), training.tokens()}, 1e-3),
                    "a training step needs a text for each picture, got 3 pictures and 4 texts");
  CHECK_THROWS_AS(step({{}, Tokens{}}, 1e-3), ShapeError);
  Tokens unknown = training.tokens();
  unknown.ids[1] = 512;
  CHECK_THROWS_WITH(step({training.pixels(), unknown}, 1e-3),
                    "token id 512 is outside the vocabulary of 512 words");
  using Step = decltype(step);
  using Task = decltype(training.task);
  CHECK_THROWS_WITH(Step(training.task, training.trainable, training.optimizer, training.context,
                         {.accumulation = 0}),
                    "a batch cannot be computed in 0 parts");
  CHECK_THROWS_WITH(Task(training.model, {.patch_dropout = 1}),
                    "patch_dropout is 1.000000, expected at least 0 and below 1");
  CHECK_THROWS_WITH(Task(training.model, {.switchout = -0.1}),
                    "switchout is -0.100000, expected at least 0 and below 1");
  CHECK_THROWS_WITH(Task(training.model, {.loss = {.contrastive = ContrastiveKind::sigmoid}}),
                    "SigLIP's loss was requested, but the model has no logit_bias: call "
                    "add_logit_bias() before its parameters are bound");
}

TEST_CASE("a batch without a word to predict has no captioning loss", "[training]") {
  SmallTraining<Reference<float>> training;
  TrainingStep step(training.task, training.trainable, training.optimizer, training.context);
  Tokens tokens = training.tokens();
  for (std::size_t i = 0; i < tokens.ids.size(); ++i)
    if (i % tokens.length != 0) tokens.ids[i] = 0;
  const TrainingStepResult result = step({training.pixels(), tokens}, 1e-3);
  CHECK(result.loss("captioning_loss") == 0);
  CHECK(result.loss("contrastive_loss") > 0);
  CHECK(result.applied);
}

namespace {

/// Two processes, one after the other: this one's rank, and what the other has gathered.
struct Pair {
  std::size_t own = 0;
  std::vector<float> other_image, other_text;  // embeddings
  double other_labels = 0;
  std::shared_ptr<std::size_t> gathered = std::make_shared<std::size_t>(0);

  std::size_t rank() const { return own; }
  std::size_t size() const { return 2; }
  std::vector<double> sum(std::vector<double> numbers) const {
    if (numbers.size() == 1) numbers[0] += other_labels;
    return numbers;
  }
  template <DifferentiableBackend B>
  Array<B> all_gather(Context<B>& context, const Array<B>& features) const {
    const std::size_t rows = features.shape()[0], width = features.shape()[1];
    const auto& other = (*gathered)++ % 2 == 0 ? other_image : other_text;
    Array<B> output = context.empty(Shape{1, 2 * rows, width});
    Array<B> there = context.to_device(other, Shape{1, rows, width});
    write_tokens(context, there, Array<B>{}, (1 - own) * rows, output);
    write_tokens(context, features.reshaped({1, rows, width}), Array<B>{}, own * rows, output);
    return output.reshaped({2 * rows, width});
  }
  template <DifferentiableBackend B>
  FinishedReduction start_all_reduce(Context<B>&, const Array<B>&) const {
    return {};
  }
  template <DifferentiableBackend B>
  void broadcast(Context<B>&, const Array<B>&) const {}
  void barrier() const {}
};

}  // namespace

TEST_CASE("the losses of two processes add up to those of one", "[training]") {
  using B = Cpu<float>;
  StampsStep<B> whole;
  const TrainingStepResult wanted = whole.gradients();
  const std::size_t n = 8;
  const auto part = [&](std::size_t rank) {
    const Tokens all = whole.tokens();
    const auto begin = all.ids.begin() + static_cast<std::ptrdiff_t>(rank * n * all.length);
    return Tokens{{begin, begin + static_cast<std::ptrdiff_t>(n * all.length)}, n, all.length};
  };
  float contrastive = 0, captioning = 0;
  for (const std::size_t rank : {0, 1}) {
    const std::size_t other = 1 - rank;
    const auto image = whole.model.encode_image(whole.context, whole.pixels().slice(other * n, n));
    const auto text = whole.model.encode_text(whole.context, part(other));
    const Pair pair{rank, whole.context.to_host(image.embedding),
                    whole.context.to_host(text.embedding),
                    static_cast<double>(count_labels(next_token_labels(part(other))))};
    TrainingStep step(whole.task, whole.trainable, whole.optimizer, whole.context,
                      {.accumulation = rank + 1}, pair);
    const auto result = step.compute_gradients({whole.pixels().slice(rank * n, n), part(rank)});
    contrastive += result.loss("contrastive_loss");
    captioning += result.loss("captioning_loss");
  }
  CHECK(std::abs(contrastive - wanted.loss("contrastive_loss")) <= 1e-5f);
  CHECK(std::abs(captioning - wanted.loss("captioning_loss")) <= 1e-5f);
}
