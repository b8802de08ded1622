#include "coca/generation/score_rules.hpp"

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"
#include "generation/table_model.hpp"

using namespace coca;
using coca::testing::first_inequality;

namespace {

constexpr float forbidden = -std::numeric_limits<float>::infinity();

// Scores of rows of four words after the rules.
std::vector<float> ruled(const std::vector<float>& scores, const std::vector<Sequence>& sequences,
                         const GenerationOptions& options) {
  Context<Reference<float>> context;
  Tensor<float> array = context.to_device(scores, Shape{sequences.size(), 4});
  std::vector<const Sequence*> pointers;
  for (const Sequence& sequence : sequences) pointers.push_back(&sequence);
  apply_score_rules(context, array, pointers, options);
  return context.to_host(array);
}

}  // namespace

TEST_CASE("score rules: repetition penalty divides what is positive, multiplies what is negative") {
  GenerationOptions options = coca::testing::small_options();
  options.repetition_penalty = 2;
  // A word that occurs twice is penalised once.
  CHECK(first_inequality(ruled({1, 2, -3, 4, 1, 2, -3, 4}, {{1, 2, 2}, {0, 3}}, options),
                         std::vector<float>{1, 1, -6, 4, 0.5f, 2, -3, 2}) == "");
  options.repetition_penalty = 1;
  CHECK(first_inequality(ruled({1, 2, -3, 4}, {{1, 2, 2}}, options),
                         std::vector<float>{1, 2, -3, 4}) == "");
}

TEST_CASE("score rules: words that would repeat an n-gram") {
  using coca::detail::repeated_ngrams;
  using Words = std::set<std::int32_t>;
  CHECK(repeated_ngrams({1, 5, 6, 5}, 0) == Words{});
  CHECK(repeated_ngrams({1, 5, 6, 5}, 1) == Words{1, 5, 6});
  CHECK(repeated_ngrams({1, 5, 6, 5}, 2) == Words{6});
  CHECK(repeated_ngrams({1, 5, 6, 5, 7, 5}, 2) == Words{6, 7});
  CHECK(repeated_ngrams({1, 5, 6, 5}, 3) == Words{});
  CHECK(repeated_ngrams({5, 6, 7, 5, 6}, 3) == Words{7});
  CHECK(repeated_ngrams({5, 6}, 3) == Words{});
  CHECK(repeated_ngrams({5, 6}, 9) == Words{});
  CHECK(repeated_ngrams({5, 5}, 2) == Words{5});
}

TEST_CASE("score rules: the n-gram rule forbids") {
  GenerationOptions options = coca::testing::small_options();
  options.no_repeat_ngram = 2;
  CHECK(first_inequality(ruled({1, 2, 3, 4}, {{1, 3, 0, 1}}, options),
                         std::vector<float>{1, 2, 3, forbidden}) == "");
}

TEST_CASE("score rules: no end token below the minimum length") {
  GenerationOptions options = coca::testing::small_options();
  options.min_length = 3;
  CHECK(first_inequality(ruled({1, 2, 3, 4, 1, 2, 3, 4}, {{1, 3}, {1, 3}}, options),
                         std::vector<float>{1, 2, forbidden, 4, 1, 2, forbidden, 4}) == "");
  CHECK(first_inequality(ruled({1, 2, 3, 4}, {{1, 3, 3}}, options),
                         std::vector<float>{1, 2, 3, 4}) == "");
}

TEST_CASE("score rules: OpenCLIP 3.3 only knows the minimum length") {
  GenerationOptions options = coca::testing::small_options();
  options.rules = SearchRules::open_clip_3_3;
  options.repetition_penalty = 2;
  options.no_repeat_ngram = 1;
  options.min_length = 9;
  CHECK(first_inequality(ruled({1, 2, 3, 4}, {{1, 3, 0, 1}}, options),
                         std::vector<float>{1, 2, forbidden, 4}) == "");
}

TEST_CASE("score rules: diversity counts the beams that chose a word") {
  Context<Reference<float>> context;
  Tensor<float> scores = context.to_device(std::vector<float>{1, 2, 3, 4, 1, 2, 3, 4}, Shape{2, 4});
  apply_diversity(context, scores, {{3, 3, 1}, {}}, 0.5f);
  CHECK(first_inequality(context.to_host(scores), std::vector<float>{1, 1.5f, 3, 3, 1, 2, 3, 4}) ==
        "");
}
