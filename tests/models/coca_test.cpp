#include "coca/models/coca.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

// What OpenCLIP computed with the same weights, stage by stage.

namespace {

constexpr std::size_t vocabulary = 49408, length = 23;

// What the model gives for the first `rows` pictures and their captions, under the names of the
// file.
template <Backend B>
std::map<std::string, std::vector<float>> stages(const CoCa<stamps_coca, B>& model,
                                                 std::size_t rows) {
  Context<B> context(model.backend());
  const Checkpoint& file = stamps_forward();
  const auto image = model.encode_image(context, device_rows(context, file, "pixels", rows));
  const Tokens tokens = tokens_of(file, "tokens", rows);
  const auto text = model.encode_text(context, tokens);
  return {{"image_pooled", context.to_host(image.pooled)},
          {"image_features", context.to_host(image.embedding)},
          {"image_tokens", context.to_host(image.tokens)},
          {"text_latent", context.to_host(text.latent)},
          {"text_features", context.to_host(text.embedding)},
          {"text_tokens", context.to_host(text.tokens)},
          {"logits", context.to_host(model.caption_logits(context, image.tokens, tokens))}};
}

std::vector<float> log_sums(const std::vector<float>& logits) {
  std::vector<float> sums;
  for (auto row = logits.begin(); row != logits.end(); row += vocabulary) {
    const double most = *std::max_element(row, row + vocabulary);
    const double sum = std::accumulate(row, row + vocabulary, 0.0, [&](double all, float logit) {
      return all + std::exp(static_cast<double>(logit) - most);
    });
    sums.push_back(static_cast<float>(most + std::log(sum)));
  }
  return sums;
}

// Logits of the ten words that OpenCLIP found the best of each row.
std::vector<float> logits_of_best(const std::vector<float>& logits) {
  const auto best = stamps_forward().read_int64("logits_top10_indices");
  std::vector<float> values;
  for (std::size_t i = 0; i < logits.size() / vocabulary * 10; ++i)
    values.push_back(logits[i / 10 * vocabulary + static_cast<std::size_t>(best[i])]);
  return values;
}

// How many words of each row have a logit above the tenth of OpenCLIP's.
std::vector<float> better_than_tenth(const std::vector<float>& logits,
                                     const std::vector<float>& best) {
  std::vector<float> counts;
  for (std::size_t row = 0; row < logits.size() / vocabulary; ++row) {
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * vocabulary);
    const float tenth = best[row * 10 + 9];
    counts.push_back(static_cast<float>(std::count_if(
        begin, begin + vocabulary, [&](float logit) { return logit > tenth + 1e-4f; })));
  }
  return counts;
}

template <Backend B>
void check_stages(const CoCa<stamps_coca, B>& model, std::size_t rows) {
  const auto actual = stages(model, rows);
  const Checkpoint& file = stamps_forward();
  for (const char* stage : {"image_pooled", "image_features", "image_tokens", "text_latent",
                            "text_features", "text_tokens"}) {
    INFO(stage);
    CHECK(first_difference(actual.at(stage), rows_of(file, stage, rows), 1e-4) == "");
  }
  const std::vector<float>& logits = actual.at("logits");
  REQUIRE(logits.size() == rows * length * vocabulary);
  const std::vector<float> first(logits.begin(), logits.begin() + 6 * vocabulary);
  CHECK(first_difference(first, file.read_floats("logits_row0_first6"), 1e-4) == "");
  CHECK(first_difference(log_sums(logits), rows_of(file, "logits_logsumexp", rows), 1e-4) == "");
  const auto best = rows_of(file, "logits_top10_values", rows);
  CHECK(first_difference(logits_of_best(logits), best, 1e-4) == "");
  for (const float better : better_than_tenth(logits, best)) CHECK(better <= 9);
}

}  // namespace

TEST_CASE("CoCa computes what OpenCLIP computes, on the reference backend", "[coca]") {
  check_stages(stamps_model<Reference<float>>(), 16);
}

TEST_CASE("CoCa computes what OpenCLIP computes, on a remote device", "[coca]") {
  check_stages(stamps_model<Remote>(), 16);
}

TEST_CASE("CoCa computes what OpenCLIP computes, on the processor", "[coca]") {
  for (const GemmKind kind : gemm_kinds()) {
    INFO(to_string(kind));
    check_stages(load<CoCa<stamps_coca, Cpu<float>>>(stamps_folder + "/model.safetensors",
                                                     Cpu<float>(CpuOptions{.gemm = kind})),
                 16);
  }
}

TEST_CASE("CoCa in bfloat16 points in the direction of OpenCLIP in float", "[coca]") {
  const auto actual = stages(stamps_model<Cpu<bfloat16>>(), 16);
  for (const char* stage : {"image_pooled", "image_features", "image_tokens", "text_latent",
                            "text_features", "text_tokens"}) {
    INFO(stage);
    CHECK(cosine(actual.at(stage), stamps_forward().read_floats(stage)) >= 0.999);
  }
  const auto logits = actual.at("logits");
  CHECK(cosine({logits.begin(), logits.begin() + 6 * vocabulary},
               stamps_forward().read_floats("logits_row0_first6")) >= 0.999);
}

TEST_CASE("CoCa's temperature is the checkpoint's", "[coca]") {
  const auto& model = stamps_model<Cpu<float>>();
  const Context<Cpu<float>> context(model.backend());
  const Checkpoint weights = open_checkpoint(stamps_folder + "/model.safetensors");
  CHECK(context.to_host(model.logit_scale()) == weights.read_floats("logit_scale"));
}
