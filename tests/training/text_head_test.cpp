#include "coca/training/text_head.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "coca/pipelines/classify.hpp"
#include "coca/training/partial_weights.hpp"
#include "training/corners.hpp"
#include "training/small_training.hpp"

using namespace coca;
using namespace coca::testing;

namespace text_head_test {

TEST_CASE("a head of class embeddings ranks classes as zero-shot classification does") {
  const SmallData data;
  const TinyModel teacher = tiny_model(5);
  Context<Cpu<float>> context(teacher.backend());
  const AnyTokenizer tokenizer = *data.subject().tokenizer;
  const std::vector<std::string> names{"red", "green circle", "blue"}, templates{"a {}", "the {}"};
  const ZeroShotClassifier zero_shot(context, teacher, tokenizer, names, templates);
  const coca_test::TemporaryFolder folder;
  save_weights(teacher, folder.path("teacher.safetensors"));
  StandardClassifier<Cpu<float>> model = classifier(3);
  load_known_weights(model, open_checkpoint(folder.path("teacher.safetensors")));

  const Array<Cpu<float>> pixels = SmallTraining<Cpu<float>>().pixels();
  const auto pooled = context.to_host(model.encode_image(context, pixels));
  const float norm = mean_norm(pooled, model.embed_dim);
  CHECK(norm > 0);
  set_class_weights(model, zero_shot.embeddings(), zero_shot.logit_scale() / norm);
  const auto logits = context.to_host(model.classify(context, model.encode_image(context, pixels)));
  const auto embedded = context.to_host(teacher.encode_image(context, pixels).embedding);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto own = std::span(logits).subspan(i * 3, 3);
    const auto best = std::max_element(own.begin(), own.end()) - own.begin();
    const auto expected =
        zero_shot(std::span(embedded).subspan(i * model.embed_dim, model.embed_dim));
    CHECK(names[static_cast<std::size_t>(best)] == expected.front().label);
    // logits differ by the picture's norm over the mean norm alone
    double sum = 0;
    for (std::size_t k = 0; k < model.embed_dim; ++k) {
      const double value = pooled[i * model.embed_dim + k];
      sum += value * value;
    }
    for (std::size_t c = 0; c < 3; ++c) {
      const double similar =
          similarity(std::span(embedded).subspan(i * model.embed_dim, model.embed_dim),
                     zero_shot.embeddings()[c]);
      const double wanted = zero_shot.logit_scale() * similar * std::sqrt(sum) / norm;
      CHECK(std::abs(own[c] - wanted) <= 1e-4 * (1 + std::abs(wanted)));
    }
  }
  CHECK_THROWS_AS(set_class_weights(model, Embeddings{{1, 2}, 1, 2}, 1), ShapeError);
  CHECK_THROWS_WITH(set_class_weights(model, zero_shot.embeddings(), 0),
                    "the factor of class embeddings is 0.000000, expected a number above 0");
  CHECK_THROWS_AS(
      set_class_weights(model, zero_shot.embeddings(), std::numeric_limits<float>::quiet_NaN()),
      ArgumentError);
}

TEST_CASE("the mean norm of rows") {
  CHECK(mean_norm(std::vector<float>{3, 4, 0, 1}, 2) == 3);
  CHECK_THROWS_AS(mean_norm(std::vector<float>{}, 2), ShapeError);
  CHECK_THROWS_AS(mean_norm(std::vector<float>{1, 2, 3}, 2), ShapeError);
}

}  // namespace text_head_test
