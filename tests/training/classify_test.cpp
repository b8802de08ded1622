// Runs of a classifier: the trainer is the same as for captioners, the data are labels.

#include "coca/training/tasks/classify.hpp"

#include <cmath>

#include "catch.hpp"
#include "coca/models/standard_classifier.hpp"
#include "coca/nn/task_head.hpp"
#include "coca/pipelines/open_model.hpp"
#include "coca/training/partial_weights.hpp"
#include "training/corners.hpp"
#include "training/tested_task.hpp"

using namespace coca;
using namespace coca::testing;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;

namespace {

using Classifier = StandardClassifier<Cpu<float>>;
using ClassifierTrainer = Trainer<ClassificationTask<Classifier>>;

}  // namespace

TEST_CASE("a classifier learns, and log, report and files say so") {
  const Corners data;
  const TrainingOptions options = data.options();
  REQUIRE(train_classifier(options) == TrainingEnd::finished);
  const std::vector<Json> log = read_training_log(RunFolder(options.output).log());
  REQUIRE(log.size() == 42);
  CHECK(std::abs(log[0].at("classification_loss").get<double>() - std::log(4.0)) < 0.3);
  const Json& validation = log.back().at("validation");
  CHECK(validation.at("pictures") == 48);
  CHECK(validation.at("accuracy").at("top_1") == 1.0);
  CHECK_FALSE(validation.at("accuracy").contains("top_5"));
  CHECK(validation.at("classification_loss").get<double>() < 0.5);
  REQUIRE(validation.at("captions").size() == 4);
  for (int i = 0; i < 4; ++i)
    CHECK(validation.at("captions")[i].get<std::string>().starts_with(std::to_string(i) + " ("));
  const std::string report = read_all(RunFolder(options.output).report());
  CHECK(contains(report, "classification"));
  CHECK(contains(report, "Validation: accuracy"));
  CHECK(read_all(options.output + "/classes.txt") == "0\n1\n2\n3\n");
  const ModelDescription description = read_model_description(RunFolder(options.output).config());
  CHECK(same_model(description.config, AnyConfig(tiny_config)));
  CHECK(description.classifier == ClassifierConfig{ClassifierHead::linear, 4});
  CHECK_FALSE(std::filesystem::exists(RunFolder(options.output).generation_config()));
  CHECK(open_checkpoint(RunFolder(options.output).weights()).contains("head.bias"));

  SECTION("and is resumed bit for bit") {
    TrainingOptions parts = data.options("parts");
    REQUIRE(train_classifier(parts, false, 21) == TrainingEnd::stopped);
    REQUIRE(train_classifier(parts, true) == TrainingEnd::finished);
    CHECK(tensors_of(parts.output) == tensors_of(options.output));
  }
}

TEST_CASE("the folder of a run is a model, which names classes and embeds pictures") {
  const Corners data;
  TrainingOptions options = data.options();
  options.head = GENERATE(HeadChoice::linear, HeadChoice::pooler);
  REQUIRE(train_classifier(options) == TrainingEnd::finished);
  const auto model = open_model(options.output, {.threads = 1});
  CHECK(model->info().preset == options.output);
  CHECK(model->info().classes == std::vector<std::string>{"0", "1", "2", "3"});
  CHECK_FALSE(model->info().captions);
  const AnyDataset pictures = open_datasets(options.data.training, options.data);
  for (std::size_t i = 0; i < 8; ++i) {
    const std::vector<Pixels> pixels{
        preprocess(read_image(pictures.read(i), "picture"), model->info().preprocessing)};
    const std::vector<float> logits = model->class_logits(pixels);
    REQUIRE(logits.size() == 4);
    const auto best = std::max_element(logits.begin(), logits.end()) - logits.begin();
    CHECK(static_cast<std::size_t>(best) == i % 4);
    const Embeddings embedding = model->embed_images(pixels);
    CHECK(embedding.width == model->info().embed_dim);
    CHECK(std::abs(similarity(embedding[0], embedding[0]) - 1) <= 1e-5f);
  }
  const std::string reads_none =
      "the model " + options.output + " is a classifier of pictures: it reads and writes no texts";
  const std::vector<std::string> texts{"a"};
  CHECK(message_of([&] { model->embed_texts(texts); }) == reads_none);
  CHECK(message_of([&] { model->classifier(texts, texts); }) == reads_none);
  CHECK(contains(message_of([&] { open_model(options.output, {.captions = true}); }),
                 "has no captioner"));
  write_file_atomically(options.output + "/classes.txt", std::string_view("one\ntwo\n"));
  CHECK(message_of([&] { open_model(options.output); }) ==
        options.output +
            "/classes.txt: has 2 names, expected one line for each of the "
            "classifier's 4 classes");
  std::filesystem::remove(options.output + "/classes.txt");
  CHECK(open_model(options.output)->info().classes[3] == "3");
  CHECK_THROWS_AS(open_model(options.output, {.weights = "none.safetensors"}), FileError);
}

TEMPLATE_TEST_CASE("a frozen encoder stays byte for byte while a head learns 16 pictures", "",
                   Cpu<float>, (Cpu<float, bfloat16>)) {
  const Corners data;
  TrainingOptions options = data.options();
  options.head = HeadChoice::pooler;
  options.step.freeze = {"visual"};
  options.step.batch_size = 16;
  options.step.steps = 60;
  options.step.learning_rate = 3e-3;
  options.step.weight_decay = 0.2;  // would change what it does not freeze, even without gradient
  options.validation_steps = 60;
  options.data.validation = options.data.training = {data.sixteen()};
  REQUIRE(train_classifier<TestType>(options) == TrainingEnd::finished);
  const Json last = read_training_log(RunFolder(options.output).log()).back();
  CHECK(last.at("validation").at("pictures") == 16);
  CHECK(last.at("validation").at("accuracy").at("top_1") == 1.0);

  auto before = classifier<TestType>(4, ClassifierHead::pooler);
  auto after = classifier<TestType>(4, ClassifierHead::pooler);
  load_weights(after, open_checkpoint(RunFolder(options.output).weights()));
  REQUIRE(values_of(before, "visual").size() > 10);
  CHECK(values_of(before, "visual") == values_of(after, "visual"));
  CHECK(values_of(before, "head").size() == 11);
  for (const auto& [name, values] : values_of(before, "head"))
    if (name != "head.attn_pool.attn.in_proj_bias")
      CHECK(values != values_of(after, "head").at(name));

  SECTION("and the run resumes bit for bit") {
    TrainingOptions parts = options;
    parts.output += "_parts";
    REQUIRE(train_classifier<TestType>(parts, false, 31) == TrainingEnd::stopped);
    REQUIRE(train_classifier<TestType>(parts, true) == TrainingEnd::finished);
    CHECK(tensors_of(parts.output) == tensors_of(options.output));
  }
}

TEST_CASE("with one query a classifier is an encoder and a TaskHead") {
  using B = Reference<float>;
  auto model = make_classifier<B>(plain, {ClassifierHead::pooler, 3});
  initialize(model, 7);
  TaskHead<B> head("head", {.width = 48, .key_width = 48, .heads = 3, .outputs = 3});
  TaskHead<B>::for_each_parameter(head, [&](auto& parameter) {
    parameter.load(model.backend(), initial_values(parameter, 7));
  });
  Context<B> context;
  const Array<B> pixels = some_inputs().pixels;
  const Array<B> tokens = model.image_encoder()(context, pixels);
  CHECK(context.to_host(model.classify(context, model.encode_image(context, pixels))) ==
        context.to_host(head(context, tokens)));
  CHECK(context.to_host(model.pool(context, tokens)) ==
        context.to_host(model.encode_image(context, pixels)));
}

TEST_CASE("a run on augmented and mixed pictures resumes bit for bit") {
  const Corners data;
  TrainingOptions options = data.options("whole");
  options.data.augment = true;
  options.data.augmentation.rand_augment = {2, 10};
  options.step.mixup = 0.8;
  options.step.cutmix = 1;
  options.step.label_smoothing = 0.1;
  options.step.rate = {"visual=0.5"};
  options.step.steps = 10;
  REQUIRE(train_classifier(options) == TrainingEnd::finished);
  TrainingOptions parts = options;
  parts.output += "_parts";
  REQUIRE(train_classifier(parts, false, 5) == TrainingEnd::stopped);
  REQUIRE(train_classifier(parts, true) == TrainingEnd::finished);
  CHECK(tensors_of(parts.output) == tensors_of(options.output));
  options.step.batch_size = 11;
  CHECK(message_of([&] { train_classifier(options); }) ==
        "mixup and cutmix mix pictures in pairs: the batch has 11, expected an even number");
}

TEST_CASE("an encoder's weights are loaded into a classifier, and the rest is listed") {
  const coca_test::TemporaryFolder folder;
  const TinyModel captioner = tiny_model(5);
  save_weights(captioner, folder.path("c.safetensors"));
  const Checkpoint checkpoint = open_checkpoint(folder.path("c.safetensors"));
  Classifier model = classifier(3);
  CHECK(load_known_weights(model, checkpoint) ==
        std::vector<std::string>{"head.weight", "head.bias"});
  for_each_parameter(std::as_const(model), [&](const auto& parameter) {
    if (!checkpoint.contains(parameter.path())) return;
    const WeightSource source = parameter.store(model.backend());
    std::vector<float> values(source.shape.size());
    source.read(0, source.rows(), values.data());
    CHECK(values == checkpoint.read_floats(parameter.path()));
  });
  SafetensorsWriter(folder.path("none.safetensors"), {}, {}).commit();
  CHECK(load_known_weights(model, checkpoint, "visual.ln_pre.") ==
        std::vector<std::string>{"visual.ln_pre.weight", "visual.ln_pre.bias", "head.weight",
                                 "head.bias"});
  CHECK(message_of(
            [&] { load_known_weights(model, open_checkpoint(folder.path("none.safetensors"))); }) ==
        folder.path("none.safetensors") + ": holds no weights that the model has a place for");
  SafetensorsWriter other(folder.path("other.safetensors"), {{"head.bias", Shape{5}, DType::F32}},
                          {});
  other.write("head.bias", std::vector<float>(5));
  other.commit();
  CHECK(message_of([&] {
          load_known_weights(model, open_checkpoint(folder.path("other.safetensors")));
        }) ==
        folder.path("other.safetensors") + ": tensor \"head.bias\" is [5], the model expects [3]");
}

TEST_CASE("classes come from a column, of which the validation data may have no others") {
  const SmallData data;
  std::string list, strange;
  for (const char* color : {"red", "green", "blue"})
    for (const char* shape : {"circle", "square", "cross", "stripes"})
      list += "{\"image\":\"" + std::string(color) + "_" + shape +
              ".png\",\"caption\":\"x\",\"kind\":\"" + shape + "\"}\n";
  strange = list + "{\"image\":\"yellow_cross.png\",\"caption\":\"x\",\"kind\":\"star\"}\n";
  TrainingOptions options = data.options();
  options.data.training = {data.folder().write("kinds.jsonl", list)};
  options.data.validation = {data.folder().write("strange.jsonl", strange)};
  options.data.label_key = "kind";
  options.step.batch_size = 6;
  options.step.steps = 2;
  CHECK(training_classes(options.data) ==
        std::vector<std::string>{"circle", "cross", "square", "stripes"});
  REQUIRE(train_classifier(options) == TrainingEnd::finished);
  const std::vector<Json> log = read_training_log(RunFolder(options.output).log());
  CHECK(log.back().at("validation").at("pictures") == 12);
  CHECK(read_all(options.output + "/classes.txt") == "circle\ncross\nsquare\nstripes\n");

  options.data.label_key.clear();
  Classifier model = classifier(4);
  CHECK(contains(message_of([&] { ClassifierTrainer(model, {.config = tiny_config}, options); }),
                 "the task classify needs a label for each picture, but red_circle.png and those "
                 "after it have none"));
}

namespace {

using Near = Reference<float>;
using SmallClassifier = ImageClassifier<VisionTransformer<Near>, AnyPooler<Near>>;
using SmallTask = ClassificationTask<SmallClassifier>;

SmallClassifier small_classifier(std::size_t classes) {
  SmallClassifier model(classes, VisionTransformer<Near>(plain.vision),
                        AnyPooler<Near>({plain.pooling.kind, pooler_sizes(plain)}));
  initialize(model, 3);
  return model;
}

}  // namespace

TEST_CASE("a classifier trains on labels", "[training]") {
  const LabelledImages<Near> inputs{some_inputs().pixels, {2, 0, 1, 2}};
  check_task<SmallTask>(small_classifier(3), inputs, {}, "classification_loss");
  check_task<SmallTask>(small_classifier(3), inputs, {.label_smoothing = 0.1f},
                        "classification_loss");
  // Pictures without a label count for nothing.
  TestedTask<SmallTask> two(small_classifier(3)),
      parts(small_classifier(3), {}, {.accumulation = 4});
  const LabelledImages<Near> some{inputs.pixels, {no_label, 0, 1, no_label}};
  const float loss = two.step.compute_gradients(some).loss("classification_loss");
  CHECK(std::abs(loss - std::log(3.0f)) < 0.5f);
  CHECK(std::abs(parts.step.compute_gradients(some).loss("classification_loss") - loss) <= 1e-5f);
  const LabelledImages<Near> pair{inputs.pixels.slice(1, 2), {0, 1}};
  CHECK(std::abs(two.step.compute_gradients(pair).loss("classification_loss") - loss) <= 1e-5f);
  const LabelledImages<Near> none{inputs.pixels, std::vector<std::int32_t>(4, no_label)};
  CHECK(two.step.compute_gradients(none).loss("classification_loss") == 0);
}

TEST_CASE("a classifier refuses labels that it does not have", "[training]") {
  TestedTask<SmallTask> training(small_classifier(3));
  const Array<Near> pixels = some_inputs().pixels;
  CHECK_THROWS_WITH(training.step({pixels, {0, 1, 2, 3}}, 1e-3),
                    "cross_entropy: label 3 is none of the 3 classes");
  CHECK_THROWS_WITH(training.step({pixels, {0, 1}}, 1e-3),
                    "a training step needs a label for each picture, got 4 pictures and 2 labels");
  CHECK_THROWS_AS(training.step({{}, {}}, 1e-3), ShapeError);
  CHECK_THROWS_WITH(small_classifier(1),
                    "a classifier of 1 class was requested, expected at least 2");
}

TEST_CASE("a classifier leaves out patches as the step draws them", "[training]") {
  const LabelledImages<Near> inputs{some_inputs().pixels, {2, 0, 1, 2}};
  const ClassificationOptions half{.patch_dropout = 0.5};
  check_task<SmallTask>(small_classifier(3), inputs, half, "classification_loss");
  TestedTask<SmallTask> all(small_classifier(3)), some(small_classifier(3), half);
  CHECK(all.step.compute_gradients(inputs).losses != some.step.compute_gradients(inputs).losses);
}

TEST_CASE("a classifier trains on mixed pictures", "[training]") {
  Batch batch;
  batch.pixels = {4, 3, 32, 32, Context<Near>().to_host(some_inputs().pixels)};
  batch.labels = {2, 0, 1, 2};
  batch.names = {"a", "b", "c", "d"};
  batch.indices = {0, 1, 2, 3};
  const StepSamples samples{.seed = 1, .step = 2, .first = 0, .count = 4};
  const ClassificationOptions mixing{.label_smoothing = 0.1f, .mixing = {.mixup = 0.8}};
  TestedTask<SmallTask> training(small_classifier(3), mixing);
  const LabelledImages<Near> mixed = training.task.inputs(training.context, batch, samples);
  CHECK(training.context.to_host(mixed.pixels) != batch.pixels.values);
  CHECK(mixed.targets.shape() == Shape{4, 3});
  for (const float target : training.context.to_host(mixed.targets)) CHECK(target > 0.03f);
  const LabelledImages<Near> again = training.task.inputs(training.context, batch, samples);
  CHECK(training.context.to_host(again.pixels) == training.context.to_host(mixed.pixels));
  // In validation nothing is mixed.
  const LabelledImages<Near> plain = training.task.inputs(training.context, batch, std::nullopt);
  CHECK(training.context.to_host(plain.pixels) == batch.pixels.values);
  CHECK_FALSE(plain.targets);

  check_task<SmallTask>(small_classifier(3), mixed, mixing, "classification_loss");
  // A share of 1 is the loss of the labels.
  const std::vector<float> unmixed = mixed_targets(batch.labels, 3, 1, 0.1);
  const LabelledImages<Near> soft{plain.pixels, batch.labels,
                                  training.context.to_device(unmixed, Shape{4, 3})};
  CHECK(std::abs(training.step.compute_gradients(soft).loss("classification_loss") -
                 training.step.compute_gradients(plain).loss("classification_loss")) <= 1e-5f);

  batch.labels[1] = no_label;
  CHECK_THROWS_WITH(training.task.inputs(training.context, batch, samples),
                    "mixup and cutmix need a label for each picture, but b has none");
  CHECK_THROWS_WITH(SmallTask(training.model, ClassificationOptions{.mixing = {.mixup = 1000}}),
                    "mixup is 1000.000000, expected 0 or from 0.01 to 100");
}

TEST_CASE("a classifier does not resume with other classes") {
  const SmallData data;
  const auto rows = [](const std::vector<std::string>& kinds) {
    const std::vector<std::string> shapes{"circle", "square", "cross", "stripes"};
    std::string list;
    for (const char* color : {"red", "green", "blue", "yellow"})
      for (std::size_t i = 0; i < shapes.size(); ++i)
        list += "{\"image\":\"" + std::string(color) + "_" + shapes[i] + ".png\",\"kind\":\"" +
                kinds[i] + "\"}\n";
    return list;
  };
  TrainingOptions options = data.options();
  options.data.label_key = "kind";
  options.data.validation.clear();
  const auto train_on = [&](const std::string& list, bool resume) {
    options.data.training = {data.folder().write("kinds.jsonl", list)};
    const TrainingSubject subject{.config = tiny_config, .classes = training_classes(options.data)};
    Classifier model = classifier(subject.classes.size());
    ClassifierTrainer trainer(model, subject, options);
    if (resume) trainer.resume({.data_changed = true});
    return trainer.run();
  };
  options.step.steps = 2;
  REQUIRE(train_on(rows({"circle", "square", "circle", "square"}), false) == TrainingEnd::finished);
  options.step.steps = 3;
  const std::string refused = RunFolder(options.output).checkpoint() +
                              " is of a run with 2 classes, but the training data ";
  const std::string advice =
      "; resume with the classes that the run began with, or start another run";
  const auto refusal = [&](const std::vector<std::string>& kinds) {
    return message_of([&] { train_on(rows(kinds), true); });
  };
  const auto check_all = [&] {
    // Under another name the first class would become the second one.
    CHECK(refusal({"zero", "square", "zero", "square"}) ==
          refused + "has \"zero\" instead of \"circle\"" + advice);
    CHECK(refusal({"circle", "square", "circle", "star"}) ==
          refused + "also has \"star\"" + advice);
  };
  check_all();

  // A checkpoint of a version that did not store them: classes.txt has the names.
  const std::string path = RunFolder(options.output).checkpoint();
  const Checkpoint checkpoint = open_checkpoint(path);
  Json record = parse_json(checkpoint.metadata().at("coca_training"), "record");
  REQUIRE(record.erase("classes") == 1);
  std::vector<TensorAnnouncement> announcements;
  for (const std::string& name : checkpoint.names())
    announcements.push_back({name, checkpoint.tensor(name).shape, DType::F32});
  const std::string old = data.folder().path("old.safetensors");
  SafetensorsWriter writer(old, announcements, {{"coca_training", record.dump()}});
  for (const std::string& name : checkpoint.names())
    writer.write(name, checkpoint.read_floats(name));
  writer.commit();
  std::filesystem::rename(old, path);
  check_all();
  CHECK(train_on(rows({"square", "circle", "circle", "square"}), true) == TrainingEnd::finished);
}
