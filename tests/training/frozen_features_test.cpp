#include "coca/training/frozen_features.hpp"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/training/run_data.hpp"
#include "training/corners.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace frozen_features_test {
using coca_test::contains;
using coca_test::message_of;

namespace {

using Model = StandardClassifier<Cpu<float>>;

/// Of a frozen encoder, its tokens in a folder.
TrainingOptions frozen_options(const Corners& data, const std::string& name = "run") {
  TrainingOptions options = data.options(name);
  options.head = HeadChoice::pooler;
  options.step.freeze = {"visual"};
  options.step.steps = 12;
  options.validation_steps = 12;
  options.features.folder = data.folder().path("features");
  return options;
}

/// How often pictures were encoded, and the features.
struct Filled {
  std::shared_ptr<const FeatureSource> features;
  std::size_t encoded = 0;
};

Filled fill(const Model& model, const TrainingOptions& options, const FeatureRequest& request,
            std::size_t stop_after = 1'000'000) {
  std::atomic<bool> stop{false};
  Filled filled;
  const FeatureEvents events{.on_progress =
                                 [&](std::size_t done, std::size_t) {
                                   filled.encoded = done;
                                   if (done >= stop_after) stop = true;
                                 },
                             .stop = &stop};
  filled.features = frozen_features(
      model, feature_content(model, AnyConfig(tiny_config), options, request), request, events);
  return filled;
}

TrainingSubject subject_with(const Model& model, const TrainingOptions& options) {
  TrainingSubject subject{.config = tiny_config, .classes = training_classes(options.data)};
  const PreprocessConfig preprocess = run_preprocess(options, subject, model.image_size);
  subject.training_features =
      fill(model, options, training_features(options, subject, preprocess)).features;
  subject.validation_features =
      fill(model, options, *validation_features(options, subject, preprocess)).features;
  return subject;
}

FeatureRequest request_of(const Model& model, const TrainingOptions& options) {
  const TrainingSubject subject{.config = tiny_config, .classes = training_classes(options.data)};
  return training_features(options, subject, run_preprocess(options, subject, model.image_size));
}

}  // namespace

TEST_CASE("a head learns from cached tokens what it learns from pictures") {
  const Corners data;
  const TrainingOptions cached = frozen_options(data);
  const Model model = classifier(4, ClassifierHead::pooler);
  const TrainingSubject subject = subject_with(model, cached);
  REQUIRE(train_classifier(cached, false, 0, subject) == TrainingEnd::finished);
  TrainingOptions direct = frozen_options(data, "direct");
  direct.features = {};
  REQUIRE(train_classifier(direct) == TrainingEnd::finished);
  // Tokens are rounded to 11 bits; the logarithm of 4 is 1.39.
  const auto logged = log_of(cached.output), expected = log_of(direct.output);
  REQUIRE(logged.size() == expected.size());
  for (std::size_t i = 0; i + 1 < logged.size(); ++i)
    CHECK(std::abs(logged[i].at("classification_loss").get<double>() -
                   expected[i].at("classification_loss").get<double>()) <= 0.01);
  CHECK(std::abs(logged.back().at("validation").at("loss").get<double>() -
                 expected.back().at("validation").at("loss").get<double>()) <= 0.01);

  SECTION("and resumes bit for bit") {
    TrainingOptions parts = frozen_options(data, "parts");
    REQUIRE(train_classifier(parts, false, 7, subject) == TrainingEnd::stopped);
    REQUIRE(train_classifier(parts, true, 0, subject) == TrainingEnd::finished);
    CHECK(tensors_of(parts.output) == tensors_of(cached.output));
  }
}

TEST_CASE("cached tokens are those of the encoder, in the order of the data") {
  const Corners data;
  TrainingOptions options = frozen_options(data);
  const Model model = classifier(4, ClassifierHead::pooler);
  const FeatureRequest request = request_of(model, options);
  const auto features = fill(model, options, request).features;
  REQUIRE(features);
  REQUIRE(features->pictures() == 48);
  Loader loader(request.data, coca::detail::feature_loading(request.loading));
  Context<Cpu<float>> context(model.backend());
  const Batch batch = loader.next();
  const auto tokens =
      context.to_host(model.image_encoder()(context, to_device(context, batch.pixels)));
  std::vector<float> cached(features->tokens() * features->width());
  REQUIRE(cached.size() * batch.size() == tokens.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    features->read(i, 0, cached.data());
    for (std::size_t k = 0; k < cached.size(); ++k)
      if (cached[k] != static_cast<float>(float16(tokens[i * cached.size() + k])))
        FAIL("picture " << i << ", value " << k << ": " << cached[k]);
  }
}

TEST_CASE("views of a cache are the first epochs of augmented pictures") {
  const Corners data;
  TrainingOptions options = frozen_options(data);
  options.data.augment = true;
  options.data.augmentation.rand_augment = {2, 10};
  options.features.views = 2;
  const Model model = classifier(4, ClassifierHead::pooler);
  const FeatureRequest request = request_of(model, options);
  const auto features = fill(model, options, request).features;
  Context<Cpu<float>> context(model.backend());
  SampleReader reader(request.data, request.loading.sample);
  std::vector<float> cached(features->tokens() * features->width()), first = cached;
  features->read(5, 0, first.data());
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    const auto sample = std::get<Sample>(reader.read({options.seed, epoch % 2, 5}));
    const auto tokens =
        context.to_host(model.image_encoder()(context, to_device(context, sample.pixels)));
    features->read(5, epoch, cached.data());
    CHECK((cached == first) == (epoch % 2 == 0));
    // a picture's tokens do not depend on its batch but for the rounding of sums, and f16's
    for (std::size_t k = 0; k < cached.size(); ++k)
      CHECK(std::abs(cached[k] - tokens[k]) <= 2e-3f * (1 + std::abs(tokens[k])));
  }
}

TEST_CASE("features are computed once, and an interruption costs at most a shard") {
  const Corners data;
  TrainingOptions options = frozen_options(data);
  options.data.augment = true;
  options.features.views = 3;  // a shard each
  const Model model = classifier(4, ClassifierHead::pooler);
  const FeatureRequest request = request_of(model, options);
  const Filled stopped = fill(model, options, request, 80);
  CHECK_FALSE(stopped.features);
  const FeatureCache cache(request.folder,
                           feature_content(model, AnyConfig(tiny_config), options, request));
  CHECK(cache.missing().size() == 2);
  CHECK(contains(feature_size_text(cache), "features of 48 pictures in 3 views, 17 x 48 F16 each"));
  CHECK(fill(model, options, request).encoded == 96);
  CHECK(cache.missing().empty());
  CHECK(fill(model, options, request).encoded == 0);

  TrainingOptions other = options;
  other.seed = 1;
  CHECK(contains(message_of([&] { fill(model, other, request_of(model, other)); }),
                 "features.json: describes features of something else; augmentation: "));
  Model changed = classifier(4, ClassifierHead::pooler);
  initialize(changed, 2);
  const std::string message = message_of([&] { fill(changed, options, request); });
  CHECK(contains(message, "something else; weights: "));
  CHECK_FALSE(contains(message, "augmentation"));
}

TEST_CASE("features need a frozen encoder and whole pictures") {
  const Corners data;
  const Model model = classifier(4, ClassifierHead::pooler);
  TrainingOptions options = frozen_options(data);
  CHECK(message_of([&] { expect_frozen(model, options); }) == "no error");
  options.step.mixup = 0.8;
  CHECK(contains(message_of([&] { expect_frozen(model, options); }), "mixup, cutmix and"));
  options.step.mixup = 0;
  options.features.views = 2;
  CHECK(message_of([&] { expect_frozen(model, options); }) ==
        "cache_views are augmented pictures, but augment is false");
  options.step.freeze = {"visual.transformer"};
  CHECK(contains(message_of([&] { expect_frozen(model, options); }),
                 "but this one is trained; freeze visual (--freeze visual)"));
}

TEST_CASE("a broken picture stays broken in the cache, with its reason") {
  const SmallData data;
  TrainingOptions options = data.options();
  options.data.label_key = "kind";
  const std::string broken = data.folder().write("broken.png", "no picture");
  std::string list;
  for (const char* name : {"red_circle.png", "broken.png", "blue_cross.png", "red_square.png"})
    list += "{\"image\":\"" + std::string(name) + "\",\"caption\":\"x\",\"kind\":\"" +
            (std::string(name) == "red_circle.png" ? "a" : "b") + "\"}\n";
  options.data.training = options.data.validation = {data.folder().write("four.jsonl", list)};
  options.step.freeze = {"visual"};
  options.features.folder = data.folder().path("features");
  const Model model = classifier(2);
  const FeatureRequest request = request_of(model, options);
  const auto features = fill(model, options, request).features;
  LoaderOptions loading = validation_loader_options(options, request.loading.sample.preprocess);
  loading.sample.features = features;
  Loader loader(request.data, loading);
  const Batch batch = loader.next();
  CHECK(batch.size() == 3);
  CHECK(batch.pixels.values.empty());
  CHECK(batch.features.values.size() == 3 * features->tokens() * features->width());
  CHECK(batch.labels == std::vector<std::int32_t>{0, 1, 1});
  REQUIRE(loader.skipped().size() == 1);
  CHECK(contains(loader.skipped()[0].name, "broken.png"));
  CHECK(contains(loader.skipped()[0].reason, "broken.png"));
  std::vector<float> third(features->tokens() * features->width());
  features->read(3, 0, third.data());
  CHECK(std::equal(third.begin(), third.end(),
                   batch.features.values.end() - static_cast<std::ptrdiff_t>(third.size())));
  CHECK_THROWS_WITH(Loader(first_of(request.data, 2), loading),
                    "there are features of 4 pictures for a data set of 2");
}

TEST_CASE("a cache knows its pictures in another folder, but not other pictures") {
  const SmallData data;
  const coca_test::TemporaryFolder other;
  std::filesystem::copy(data.folder().path(), other.path("moved"),
                        std::filesystem::copy_options::recursive);
  const auto digest = [](const std::string& folder, const std::string& second,
                         const std::string& more = "") {
    std::string list;
    for (const std::string& name : {std::string("red_circle.png"), second})
      list += Json{{"image", folder + "/" + name}, {"caption", "x"}}.dump() + "\n";
    std::ofstream(folder + "/two.jsonl") << list << more;
    TrainingOptions options;
    options.data.training = {folder + "/two.jsonl"};
    return coca::detail::picture_digest(open_training_data(options.data, {}));
  };
  const std::string here = data.folder().path(), moved = other.path("moved"),
                    cross = "blue_cross.png";
  const std::string known = digest(here, cross);
  CHECK(digest(moved, cross) == known);
  CHECK(digest(moved, cross, "no row\n") != known);
  CHECK(digest(moved, cross, "no row\n") == digest(here, cross, "no row\n"));

  std::ofstream(moved + "/" + cross, std::ios::app) << ' ';
  CHECK(digest(moved, cross) != known);  // of another size
  std::filesystem::copy_file(here + "/" + cross, moved + "/" + cross,
                             std::filesystem::copy_options::overwrite_existing);
  CHECK(digest(moved, cross) == known);
  std::filesystem::rename(moved + "/" + cross, moved + "/cross.png");
  CHECK(digest(moved, "cross.png") != known);  // of another name
}

TEST_CASE("the folder that names have in common ends at a slash") {
  const auto length = [](std::vector<std::string> names) {
    return coca::detail::common_folder(names);
  };
  CHECK(length({}) == 0);
  CHECK(length({"", ""}) == 0);
  CHECK(length({"a.png"}) == 0);
  CHECK(length({"/a.png"}) == 1);
  CHECK(length({"x/y/a.png"}) == 4);
  CHECK(length({"x/yes/a.png", "x/yet/a.png", ""}) == 2);
  CHECK(length({"/x/a.png", "/y/a.png"}) == 1);
  CHECK(length({"x/a.png", "y/a.png"}) == 0);
}

}  // namespace frozen_features_test
