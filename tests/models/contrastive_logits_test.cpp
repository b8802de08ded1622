#include "coca/models/contrastive_logits.hpp"

#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "coca/models/clip.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

template <class Model>
bool has_parameter(const Model& model, const std::string& path) {
  bool found = false;
  for_each_parameter(model,
                     [&](const auto& parameter) { found = found || parameter.path() == path; });
  return found;
}

}  // namespace

TEMPLATE_TEST_CASE("a model has SigLIP's bias only if one was added", "[initialize]",
                   Reference<float>, Remote, Cpu<float>) {
  using Model = CoCa<plain, TestType>;
  Model model = random_model<Model>(1);
  Context<TestType> context(model.backend());
  CHECK_FALSE(model.has_logit_bias());
  CHECK_FALSE(has_parameter(model, "logit_bias"));
  CHECK_THROWS_WITH(
      model.logit_bias(),
      "the model has no logit_bias, which SigLIP's loss needs: call add_logit_bias() first");

  model.add_logit_bias();
  CHECK(has_parameter(model, "logit_bias"));
  CHECK(count_parameters(model) == parameter_count(plain) + 1);
  CHECK(context.to_host(model.logit_bias()) == std::vector<float>{-10});
  CHECK(std::abs(context.to_host(model.logit_scale())[0] - std::log(1 / 0.07f)) <= 1e-6f);

  initialize(model, 1);
  CHECK(std::abs(context.to_host(model.logit_scale())[0] - std::log(10.0f)) <= 1e-6f);
  const auto set = [&](auto& parameter) {
    if (parameter.path() != "logit_bias") return;
    const auto three = [](std::size_t, std::size_t, float* out) { *out = 3; };
    parameter.load(model.backend(), WeightSource{parameter.shape(), three});
  };
  for_each_parameter(model, set);
  model.add_logit_bias();  // has one
  CHECK(context.to_host(model.logit_bias()) == std::vector<float>{3});
}

TEST_CASE("CLIP may have SigLIP's bias too", "[initialize]") {
  Clip<ClipConfig{.embed_dim = 16,
                  .vision = {.image_size = 16,
                             .patch_size = 8,
                             .width = 16,
                             .layers = 1,
                             .heads = 2,
                             .mlp_width = 32},
                  .text = {.context_length = 5,
                           .vocab_size = 20,
                           .width = 16,
                           .layers = 1,
                           .heads = 2,
                           .mlp_width = 32}},
       Reference<float>>
      model;
  model.add_logit_bias();
  CHECK(model.has_logit_bias());
  CHECK(has_parameter(model, "logit_bias"));
}
