#include "coca/pipelines/image_features.hpp"

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "catch.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace image_features_test {

namespace {

using B = Reference<float>;

std::vector<float> values_of(const auto& model, const std::string& name) {
  std::vector<float> values;
  for_each_parameter(model, [&](const auto& parameter) {
    if (parameter.path() != name) return;
    const WeightSource source = parameter.store(model.backend());
    values.resize(source.shape.size());
    source.read(0, source.rows(), values.data());
  });
  return values;
}

/// The embedding is the projection of the pooled vector, and embed_images() normalises it.
template <class Model>
void check_features(std::size_t pooled_width) {
  const Model model = random_model<Model>(2);
  Context<B> context;
  std::vector<Pixels> pictures;
  for (unsigned picture = 0; picture < 2; ++picture) {
    pictures.push_back({3, 32, 32, std::vector<float>(3 * 32 * 32)});
    for (std::size_t i = 0; i < pictures.back().values.size(); ++i)
      pictures.back().values[i] = 2 * to_uniform(philox(picture, 1, i)[0]) - 1;
  }
  const Embeddings pooled = image_features(context, model, pictures, ImageFeature::pooled);
  const Embeddings embedding = image_features(context, model, pictures, ImageFeature::embedding);
  const Embeddings normalized = embed_images(context, model, pictures);
  REQUIRE(pooled.width == pooled_width);
  REQUIRE(embedding.width == normalized.width);
  const std::vector<float> projection = values_of(model, "visual.proj");  // [pooled, embedding]
  REQUIRE(projection.size() == pooled.width * embedding.width);
  for (std::size_t i = 0; i < 2; ++i) {
    double norm = 0;
    for (const float value : embedding[i]) norm += double{value} * double{value};
    for (std::size_t o = 0; o < embedding.width; ++o) {
      double sum = 0;
      for (std::size_t k = 0; k < pooled.width; ++k)
        sum += double{pooled[i][k]} * double{projection[k * embedding.width + o]};
      // at most 48 products of numbers of about 1, each rounded to 24 bits
      CHECK(std::abs(double{embedding[i][o]} - sum) <= 1e-5);
      CHECK(std::abs(double{embedding[i][o]} / std::sqrt(norm) - double{normalized[i][o]}) <= 1e-6);
    }
  }
}

}  // namespace

TEST_CASE("features of pictures before and after the projection") {
  check_features<CoCa<plain, B>>(32);               // what its first query gathers
  check_features<CoCa<cascade_variant, B>>(32);     // the query of the second pooler
  check_features<CoCa<class_token_config, B>>(32);  // the class token
  check_features<Clip<plain_clip, B>>(48);
}

}  // namespace image_features_test
