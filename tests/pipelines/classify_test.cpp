#include "coca/pipelines/classify.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "comparison.hpp"
#include "io/temporary_folder.hpp"
#include "pipelines/stamps.hpp"

using namespace coca;
using coca_test::message_of;

namespace {

using B = Cpu<float>;

// Normalises a vector.
std::vector<double> unit(std::vector<double> values) {
  double norm = 0;
  for (const double value : values) norm += value * value;
  for (double& value : values) value /= std::sqrt(norm);
  return values;
}

template <class Model>
void set_weight(Model& model, const std::string& path, float value) {
  for_each_parameter(model, [&](auto& parameter) {
    if (parameter.path() != path) return;
    const auto read = [value](std::size_t, std::size_t, float* out) { *out = value; };
    parameter.load(model.backend(), {Shape{}, read});
  });
}

}  // namespace

TEST_CASE("fill_template puts the label wherever {} stands") {
  CHECK(fill_template("a photo of a {}.", "cat") == "a photo of a cat.");
  CHECK(fill_template("{}", "{}") == "{}");
  CHECK(fill_template("{} and {}", "x") == "x and x");
  CHECK(message_of([] { fill_template("a photo", "cat"); }) ==
        "the prompt template \"a photo\" has no {} for the label");
}

TEST_CASE("classify: softmax of scaled similarities to normalised means") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const std::vector<std::string> labels{"dragonfly", "fort", "broccoli", "quarter note"};
  const std::vector<std::string> templates{"{}.", "A {}.", "a picture of a {}."};
  const ZeroShotClassifier classifier(context, model, tokenizer, labels, std::span(templates));
  CHECK(classifier.labels() == labels);

  const std::vector<Pixels> pictures = coca::testing::stamps_pixels(4, 3);
  const Embeddings images = embed_images(context, model, std::span(pictures));
  const double scale = std::exp(double{context.to_host(model.logit_scale()).at(0)});
  for (std::size_t picture = 0; picture < 3; ++picture) {
    std::map<std::string, double> expected;
    double total = 0;
    for (const std::string& label : labels) {
      std::vector<double> mean(64, 0);
      for (const std::string& text : templates) {
        const std::string prompt = fill_template(text, label);
        const Embeddings one = embed_texts(context, model, tokenizer, std::span(&prompt, 1));
        for (std::size_t i = 0; i < 64; ++i) mean[i] += double{one.values[i]} / 3;
      }
      mean = unit(mean);
      double cosine = 0;
      for (std::size_t i = 0; i < 64; ++i) cosine += mean[i] * double{images[picture][i]};
      total += expected[label] = std::exp(scale * cosine);
    }
    const auto found = classifier(images[picture]);
    REQUIRE(found.size() == 4);
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(coca::testing::close(double{found[i].probability}, expected[found[i].label] / total,
                                 1e-4));
      if (i > 0) CHECK(found[i].probability <= found[i - 1].probability);
      sum += double{found[i].probability};
    }
    CHECK(coca::testing::close(sum, 1, 1e-5));
  }
}

TEST_CASE("classify: with SigLIP's bias each label is judged separately") {
  Context<B> context;
  using Model = CoCa<coca::testing::stamps_coca, B>;
  auto model = load<Model>(coca::testing::stamps_folder + "/model.safetensors");
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const std::vector<std::string> labels{"dragonfly", "fort", "broccoli"}, templates{"a {}."};
  const auto classifier = [&] {
    return ZeroShotClassifier(context, model, tokenizer, labels, std::span(templates));
  };
  const std::vector<Pixels> pictures = coca::testing::stamps_pixels(4, 1);
  const Embeddings images = embed_images(context, model, std::span(pictures));
  const double scale = std::exp(double{context.to_host(model.logit_scale()).at(0)});
  const auto among = classifier()(images[0]);
  model.add_logit_bias();
  for (const float bias : {-10.0f, -0.5f}) {
    set_weight(model, "logit_bias", bias);
    const auto alone = classifier();
    const auto found = alone(images[0]);
    REQUIRE(found.size() == labels.size());
    for (std::size_t i = 0; i < labels.size(); ++i) {
      CHECK(found[i].label == among[i].label);  // the order is the similarities'
      const auto place = std::find(labels.begin(), labels.end(), found[i].label);
      const auto label = static_cast<std::size_t>(place - labels.begin());
      const double cosine = double{similarity(images[0], alone.embeddings()[label])};
      CHECK(coca::testing::close(double{found[i].probability},
                                 1 / (1 + std::exp(-(scale * cosine + double{bias}))), 1e-5));
    }
  }
  set_weight(model, "logit_bias", std::numeric_limits<float>::infinity());
  CHECK(message_of(classifier) ==
        "the model's logit_bias is inf, so that its logits are not finite");
}

TEST_CASE("classify: NaN is reported, not printed as a probability") {
  Context<B> context;
  auto model = load<CoCa<coca::testing::stamps_coca, B>>(coca::testing::stamps_folder +
                                                         "/model.safetensors");
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const std::vector<std::string> templates{"{}"};
  const auto classifier = [&] {
    return ZeroShotClassifier(context, model, tokenizer, {"cat", "dog"}, std::span(templates));
  };
  std::vector<float> image(64, 0.125f);
  CHECK(classifier()(image).size() == 2);
  image[63] = std::numeric_limits<float>::quiet_NaN();
  CHECK(message_of([&] { classifier()(image); }) ==
        "the logits of the labels are NaN: the picture's embedding holds NaN or infinity");
  for (const float scale : {std::numeric_limits<float>::quiet_NaN(), 100.0f}) {
    set_weight(model, "logit_scale", scale);
    CHECK(message_of(classifier) == std::string("the model's logit_scale is ") +
                                        (scale == 100 ? "100" : "nan") +
                                        ", so that its logits are not finite");
  }
}

TEST_CASE("classify: without labels or templates") {
  Context<B> context;
  const auto& model = coca::testing::stamps_model<B>();
  const AnyTokenizer tokenizer{ClipTokenizer{}};
  const std::vector<std::string> templates{"{}"};
  CHECK(message_of([&] {
          ZeroShotClassifier(context, model, tokenizer, {}, std::span(templates));
        }) == "there are no labels to choose from");
  CHECK(message_of([&] {
          ZeroShotClassifier(context, model, tokenizer, {"cat"}, std::span<const std::string>());
        }) == "there are no prompt templates");
}
