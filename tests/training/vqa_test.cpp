// What the tasks on questions and sentences compute, and their runs.

#include "coca/training/tasks/vqa.hpp"

#include <cmath>

#include "catch.hpp"
#include "coca/training/finetuning_defaults.hpp"
#include "coca/training/tasks/caption.hpp"
#include "coca/training/tasks/entailment.hpp"
#include "coca/training/tasks/pairs.hpp"
#include "models/fused_models.hpp"
#include "training/small_questions.hpp"
#include "training/tested_task.hpp"
#include "training/tiny_runs.hpp"

using namespace coca;
using namespace coca::testing;

namespace vqa_test {
using coca_test::message_of;
using coca_test::read_all;

namespace {

using Far = Reference<float>;
using Questions = VqaTask<PlainVqa<Far>>;
using Pairs = PairTask<PlainPairs<Far>>;
using Entailment = EntailmentTask<EntailmentModel<CoCa<plain, Far>>>;

/// Four texts, whose end (or an answer) is hidden.
VisibleTexts four_texts() {
  return {{{1, 17, 30, 99, 2, 1, 5, 2, 0, 0, 1, 8, 9, 2, 0, 1, 6, 7, 11, 2}, 4, 5}, {4, 2, 3, 3}};
}

QuestionInputs<Far> four_questions() {
  Context<Far> context;
  return {
      some_pictures(context, 4), four_texts(), {{{0, 1.0}}, {{1, 0.6}, {2, 0.3}}, {}, {{4, 0.9}}}};
}

EntailmentModel<CoCa<plain, Far>> plain_entailment() {
  return with_random_weights(EntailmentModel<CoCa<plain, Far>>(CoCa<plain, Far>{}, 4));
}

}  // namespace

TEST_CASE("questions are learnt, in parts as in one", "[questions]") {
  check_task<Questions>(plain_vqa<Far>(), four_questions(), {}, "answer_loss");
  check_task<Questions>(plain_vqa<Far>(), four_questions(), {.answer_loss = AnswerLoss::softmax},
                        "answer_loss");
  check_task<Questions>(plain_vqa<Far>(), four_questions(), {.patch_dropout = 0.5}, "answer_loss");
}

TEST_CASE("questions and captions are learnt in one pass", "[questions]") {
  const FusionOptions both{.captioning = {.weight = 1}};
  TestedTask<Questions> whole(plain_vqa<Far>(), both),
      parts(plain_vqa<Far>(), both, {.accumulation = 2});
  const auto all = whole.step.compute_gradients(four_questions());
  const auto some = parts.step.compute_gradients(four_questions());
  REQUIRE(all.losses.size() == 2);
  for (const char* loss : {"answer_loss", "captioning_loss"})
    CHECK(std::abs(all.loss(loss) - some.loss(loss)) <= 1e-5);
  CHECK(distance(parts.gradients(), whole.gradients()) <= 1e-5 * norm_of(whole.gradients()));
  // Each is what it would be alone.
  TestedTask<Questions> alone(plain_vqa<Far>());
  CHECK(alone.step.compute_gradients(four_questions()).loss("answer_loss") ==
        all.loss("answer_loss"));
  const CoCa<plain, Far> captioner = random_model<CoCa<plain, Far>>(1);
  TestedTask<CaptionTask<CoCa<plain, Far>>> captions(captioner,
                                                     {.loss = {.captioning = {.weight = 1}}});
  CHECK(captions.step
            .compute_gradients(ImageTextInputs<Far>{four_questions().pixels, four_texts().tokens})
            .loss("captioning_loss") == all.loss("captioning_loss"));
}

TEST_CASE("sentences are learnt, in parts as in one", "[questions]") {
  Context<Far> context;
  const LabelledSentences<Far> one{some_pictures(context, 4), four_texts(), {2, 0, 1, 2}};
  check_task<Entailment>(plain_entailment(), one, {}, "classification_loss");
  check_task<Entailment>(plain_entailment(), one, {.label_smoothing = 0.1f}, "classification_loss");
  const LabelledSentences<Far> two{some_pictures(context, 8), four_texts(), {1, 0, 1, 1}};
  for (const PairHeadKind kind : {PairHeadKind::linear, PairHeadKind::mlp}) {
    check_task<Pairs>(plain_pairs<Far>(kind), two, {}, "classification_loss");
    check_task<Pairs>(plain_pairs<Far>(kind), two, {.patch_dropout = 0.5}, "classification_loss");
  }
  TestedTask<Entailment> training(plain_entailment());
  const LabelledSentences<Far> none{one.pixels, one.texts, std::vector<std::int32_t>(4, no_label)};
  CHECK(training.step.compute_gradients(none).loss("classification_loss") == 0);
}

TEST_CASE("steps on questions refuse what does not fit together", "[questions]") {
  TestedTask<Questions> questions(plain_vqa<Far>());
  auto inputs = four_questions();
  inputs.pixels = inputs.pixels.slice(0, 3);
  CHECK_THROWS_WITH(questions.step(inputs, 1e-3),
                    "a training step needs 1 pictures for each text, got 3 pictures and 4 texts");
  inputs = four_questions();
  inputs.targets[0] = {{5, 1.0}};
  CHECK_THROWS_AS(questions.step(inputs, 1e-3), ArgumentError);
  inputs = four_questions();
  inputs.texts.visible[1] = 0;
  CHECK_THROWS_AS(questions.step(inputs, 1e-3), ArgumentError);
  TestedTask<Pairs> pairs(plain_pairs<Far>(PairHeadKind::linear));
  Context<Far> context;
  CHECK_THROWS_WITH(pairs.step({some_pictures(context, 4), four_texts(), {1, 0, 1, 1}}, 1e-3),
                    "a training step needs 2 pictures for each text, got 4 pictures and 4 texts");
  CHECK_THROWS_WITH(pairs.step({some_pictures(context, 8), four_texts(), {1, 0, 2, 1}}, 1e-3),
                    "cross_entropy: label 2 is none of the 2 classes");
  TrainingSteps steps;
  steps.mixup = 0.8;
  CHECK_THROWS_WITH(fusion_options(steps, 0),
                    "mixup cannot be combined with questions and sentences, whose answers it would "
                    "make wrong");
}

namespace {

/// Learns 16 items by heart with a frozen captioner.
template <class Task, class Inputs>
void check_overfit(typename Task::model_type made, const Inputs& inputs, double learning_rate) {
  using Model = typename Task::model_type;
  Model model = std::move(made);
  const Task task(model);
  const std::vector<float> before = all_weights(model.captioner());
  const Trainable<Model> trainable(
      model, all_but(model, {"visual", "text", "text_decoder", "logit_scale"}));
  Context<typename Model::backend_type> context(model.backend());
  Optimizer<Model> optimizer(trainable, model.backend(), {});
  TrainingStep step(task, trainable, optimizer, context, {});
  const auto accuracy = [&] {
    auto scorer = task.scorer();
    scorer.add(context, inputs,
               task.forward(context, inputs, BatchPart{0, task.size(inputs), std::nullopt}));
    return scorer.scores().front().value;
  };
  for (int i = 0; i < 150 && accuracy() < 1; ++i)
    for (int k = 0; k < 5; ++k) step(inputs, learning_rate);
  CHECK(accuracy() == 1.0);
  CHECK(all_weights(model.captioner()) == before);
}

VisibleTexts sixteen_texts() {
  VisibleTexts texts{{{}, 16, 4}, std::vector<std::size_t>(16, 3)};
  for (std::int32_t i = 0; i < 16; ++i)
    for (const std::int32_t id : {1, 10 + i % 3, 20 + i % 5, 2}) texts.tokens.ids.push_back(id);
  return texts;
}

/// Answers without pattern.
std::vector<std::int32_t> sixteen_labels(std::uint32_t classes) {
  std::vector<std::int32_t> labels;
  for (std::size_t i = 0; i < 16; ++i)
    labels.push_back(static_cast<std::int32_t>(philox(9, 4, i)[0] % classes));
  return labels;
}

template <class B>
void check_all_heads() {
  const B backend(CpuOptions{.threads = 1});
  Context<B> context(backend);
  QuestionInputs<B> questions{some_pictures(context, 16), sixteen_texts(), {}};
  for (const std::int32_t label : sixteen_labels(4))
    questions.targets.push_back({{static_cast<std::size_t>(label), 1.0}});
  check_overfit<VqaTask<PlainVqa<B>>>(plain_vqa<B>(4, backend), questions, 1e-2);
  using Entails = EntailmentModel<CoCa<plain, B>>;
  check_overfit<EntailmentTask<Entails>>(
      with_random_weights(Entails(CoCa<plain, B>(backend), 4)),
      LabelledSentences<B>{questions.pixels, questions.texts, sixteen_labels(3)}, 1e-2);
  for (const PairHeadKind kind : {PairHeadKind::linear, PairHeadKind::mlp})
    check_overfit<PairTask<PlainPairs<B>>>(
        plain_pairs<B>(kind, backend),
        LabelledSentences<B>{some_pictures(context, 32), sixteen_texts(), sixteen_labels(2)}, 1e-2);
}

}  // namespace

TEST_CASE("heads learn 16 items by heart, and a frozen captioner keeps its bytes", "[questions]") {
  check_all_heads<Cpu<float>>();
  check_all_heads<Cpu<float, bfloat16>>();
}

namespace {

template <class B>
using TinyVqa = VqaModel<StandardCoCa<B>>;
template <class B>
using TinyEntailment = EntailmentModel<StandardCoCa<B>>;
template <class B>
using TinyPairs = PairModel<StandardCoCa<B>>;

template <class B>
TinyVqa<B> made_for(const VqaTask<TinyVqa<B>>*, StandardCoCa<B> captioner,
                    const TrainingSubject& subject) {
  return {std::move(captioner), {.answers = subject.answers.size()}};
}
template <class B>
TinyEntailment<B> made_for(const EntailmentTask<TinyEntailment<B>>*, StandardCoCa<B> captioner,
                           const TrainingSubject&) {
  return TinyEntailment<B>(std::move(captioner));
}
template <class B>
TinyPairs<B> made_for(const PairTask<TinyPairs<B>>*, StandardCoCa<B> captioner,
                      const TrainingSubject&) {
  return TinyPairs<B>(std::move(captioner), {.kind = PairHeadKind::mlp});
}

template <class Task>
TrainingEnd train_task(const SmallQuestions& data, const TrainingOptions& options,
                       bool resume = false, std::uint64_t stop_after = never) {
  using B = typename Task::B;
  const TrainingSubject subject = data.subject(options);
  auto model = made_for(static_cast<const Task*>(nullptr),
                        StandardCoCa<B>(tiny_config, B(CpuOptions{.threads = 1})), subject);
  initialize(model, options.seed);
  std::atomic<bool> stop{false};
  TrainingEvents events;
  events.stop = &stop;
  events.on_step = [&](const TrainingProgress& progress) {
    if (progress.step == stop_after) stop = true;
  };
  Trainer<Task> trainer(model, subject, options, events);
  if (resume) trainer.resume();
  return trainer.run();
}

/// A run, and the same stopped and resumed.
template <class Task>
std::vector<Json> check_resumed(const SmallQuestions& data, const TrainingOptions& options) {
  REQUIRE(train_task<Task>(data, options) == TrainingEnd::finished);
  TrainingOptions parts = options;
  parts.output += "_parts";
  REQUIRE(train_task<Task>(data, parts, false, 5) == TrainingEnd::stopped);
  REQUIRE(train_task<Task>(data, parts, true) == TrainingEnd::finished);
  CHECK(tensors_of(parts.output) == tensors_of(options.output));
  return log_of(options.output);
}

}  // namespace

TEST_CASE("a run on questions resumes bit for bit", "[questions]") {
  const SmallQuestions data;
  TrainingOptions options = data.options("vqa", "vqa");
  options.data.augment = true;
  options.data.augmentation.rand_augment = {1, 10};
  options.data.augmentation.flip_probability = 0.5;
  options.step.rate = {"visual=0.5", "text=0.5", "text_decoder=0.5"};
  options.step.optimizer = OptimizerKind::adafactor;
  using Task = VqaTask<TinyVqa<Cpu<float>>>;
  const std::vector<Json> log = check_resumed<Task>(data, options);
  CHECK(log.front().contains("answer_loss"));
  CHECK(log.front().contains("captioning_loss"));
  const Json& validation = log.back().at("validation");
  CHECK(validation.at("pictures") == 32);
  CHECK(validation.at("accuracy").contains("vqa"));
  CHECK(read_all(options.output + "/answers.txt") ==
        "blue\ncircle\ncross\ngreen\nred\nsquare\nstripes\nyellow\n");
  CHECK(std::filesystem::exists(RunFolder(options.output).config()));
}

TEST_CASE("a run on questions in bfloat16 learns them", "[questions]") {
  const SmallQuestions data;
  TrainingOptions options = data.options("vqa", "bf16");
  options.step.caption_weight = 0;
  options.step.steps = 200;
  options.validation_steps = 200;
  using Task = VqaTask<TinyVqa<Cpu<float, bfloat16>>>;
  REQUIRE(train_task<Task>(data, options) == TrainingEnd::finished);
  const std::vector<Json> log = log_of(options.output);
  CHECK_FALSE(log.front().contains("captioning_loss"));
  // Chance is one in four: each question has four answers.
  CHECK(log.back().at("validation").at("accuracy").at("vqa").get<double>() > 0.4);
}

TEST_CASE("a run on sentences resumes bit for bit", "[questions]") {
  const SmallQuestions data;
  const auto log = check_resumed<EntailmentTask<TinyEntailment<Cpu<float>>>>(
      data, data.options("entailment", "entailment"));
  CHECK(log.back().at("validation").at("accuracy").contains("top_1"));
}

TEST_CASE("a run on pairs of pictures resumes bit for bit", "[questions]") {
  const SmallQuestions data;
  TrainingOptions options = data.options("pairs", "pairs");
  options.step.patch_dropout = 0.25;
  const auto log = check_resumed<PairTask<TinyPairs<Cpu<float>>>>(data, options);
  CHECK(log.back().at("validation").at("pictures") == 32);
}

TEST_CASE("tasks on sentences leave alone what makes words, whatever the options", "[questions]") {
  using Entails = EntailmentModel<CoCa<plain, Cpu<float>>>;
  const Entails model(CoCa<plain, Cpu<float>>(), 4);
  const EntailmentTask<Entails> task(model, FusionOptions{.captioning = {.weight = 2}});
  const std::vector<std::string> unused = task.unused();
  CHECK(std::count(unused.begin(), unused.end(), "text_decoder.text_projection") == 1);
}

TEST_CASE("a mirrored picture never comes with a sentence about left or right", "[questions]") {
  const SmallQuestions data;
  const std::string list = data.folder().write(
      "sides.jsonl",
      "{\"pairID\":\"1\",\"Flickr30K_ID\":\"0\",\"sentence2\":\"on the left\",\"gold_label\":"
      "\"entailment\"}\n{\"pairID\":\"2\",\"Flickr30K_ID\":\"0\",\"sentence2\":\"a\","
      "\"gold_label\":\"neutral\"}\n");
  TrainingOptions options = data.options("entailment");
  options.data.training = {list};
  options.data.augment = true;
  options.data.augmentation.crop.scale = {1, 1};
  options.data.augmentation.crop.ratio = {1, 1};
  options.data.augmentation.flip_probability = 1;
  options.step.batch_size = 2;
  // A circle that is not in the middle.
  Image picture = draw_shape(0, {220, 30, 30});
  for (std::size_t y = 0; y < 32; ++y) picture.data()[y * 32 * 3] = 0;
  write_png(data.folder().path("0.jpg"), picture);
  const TrainingSubject subject = data.subject(options);
  RunData run(options, subject, 32, {}, nullptr);
  const Batch batch = run.loader().next();
  REQUIRE(batch.size() == 2);
  const std::size_t side = batch.fields[0].at("sentence") == "a" ? 1 : 0;
  const auto first_column = [&](std::size_t sample) {
    return batch.pixels.values[sample * 3 * 32 * 32];
  };
  const auto last_column = [&](std::size_t sample) {
    return batch.pixels.values[sample * 3 * 32 * 32 + 31];
  };
  CHECK(first_column(side) < last_column(side));
  CHECK(last_column(1 - side) < first_column(1 - side));
}

}  // namespace vqa_test
