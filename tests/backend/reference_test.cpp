// Every primitive against values that were worked out by hand, or (erf, exp, logarithms) with
// another language's mathematical library.

#include "coca/backend/reference/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "catch.hpp"
#include "comparison.hpp"

namespace ops = coca::ops;
using coca::Activation;
using coca::HostMemory;
using coca::Reference;
using coca::Shape;
using coca::Tensor;
using coca::testing::absent;
using coca::testing::call;
using coca::testing::columns;
using coca::testing::first_difference;
using coca::testing::first_inequality;
using coca::testing::infinity;
using coca::testing::not_a_number;

namespace {

template <class T>
Tensor<T> tensor(const std::vector<double>& values, const Shape& shape) {
  const auto result = Reference<double>().allocate<T>(shape);
  REQUIRE(values.size() == result.size());
  std::transform(values.begin(), values.end(), result.data(),
                 [](double value) { return static_cast<T>(value); });
  return result;
}

Tensor<std::int32_t> indices(const std::vector<double>& values) {
  return tensor<std::int32_t>(values, {values.size()});
}

// An output, filled with something that is never a result.
template <class T>
Tensor<T> blank(const Shape& shape) {
  return tensor<T>(std::vector<double>(shape.size(), -77), shape);
}

template <class T>
std::vector<double> values(const Tensor<T>& tensor) {
  return {tensor.data(), tensor.data() + tensor.size()};
}

coca::WeightSource source(const std::vector<float>& values, const Shape& shape) {
  const std::size_t width = coca::WeightSource{shape, {}}.row_size();
  return {shape, [values, width](std::size_t first, std::size_t count, float* out) {
            std::copy_n(values.data() + first * width, count * width, out);
          }};
}

// Ten digits of double, or what float leaves of them.
template <class T>
constexpr double tolerance = sizeof(T) == 8 ? 1e-10 : 2e-6;

}  // namespace

TEMPLATE_TEST_CASE("copies and packed weights come back", "[reference]", float, double) {
  const Reference<TestType> backend;
  const auto array = backend.template allocate<TestType>({3});
  const std::vector<TestType> host{1, 2, 3};
  backend.copy_in(std::span<const TestType>(host), array);
  std::vector<TestType> back(3);
  backend.copy_out(array, std::span<TestType>(back));
  CHECK(back == host);

  const auto stored = source({1, 2, 3, 4, 5, 6}, {3, 2});
  const auto part = backend.pack(stored, {.first_row = 1, .rows = 2});
  CHECK(part.out_features() == 2);
  CHECK(part.in_features() == 2);
  std::vector<float> rows(2);
  backend.unpack(part, 1, 1, rows.data());
  CHECK(rows == std::vector<float>{5, 6});

  const auto turned = backend.pack(stored, {.transposed = true});
  CHECK(turned.out_features() == 2);
  CHECK(turned.in_features() == 3);
  rows.resize(6);
  backend.unpack(turned, 0, 2, rows.data());
  CHECK(rows == std::vector<float>{1, 3, 5, 2, 4, 6});
}

TEMPLATE_TEST_CASE("matmul multiplies by the transposed weight", "[reference]", float, double) {
  const Reference<TestType> backend;
  const auto input = tensor<TestType>({1, 2, 3, -1}, {2, 2});
  const auto weight = backend.pack(source({1, 1, 2, 0, 0, -3}, {3, 2}), {.rows = 3});
  const auto output = blank<TestType>({2, 3});
  call<ops::Matmul>(backend, input, weight, absent, output);
  CHECK(values(output) == std::vector<double>{3, 2, -6, 2, 6, 3});

  // residual + scale * (product + bias)
  coca::Epilogue<TestType, HostMemory> epilogue;
  epilogue.bias = tensor<TestType>({1, -1, 0.5}, {3});
  call<ops::Matmul>(backend, input, weight, epilogue, output);
  CHECK(values(output) == std::vector<double>{4, 1, -5.5, 3, 5, 3.5});
  epilogue.scale = tensor<TestType>({2, 1, -1}, {3});
  call<ops::Matmul>(backend, input, weight, epilogue, output);
  CHECK(values(output) == std::vector<double>{8, 1, 5.5, 6, 5, -3.5});
  epilogue.residual = tensor<TestType>({1, 2, 3, 4, 5, 6}, {2, 3});
  call<ops::Matmul>(backend, input, weight, epilogue, epilogue.residual.tensor());
  CHECK(values(epilogue.residual) == std::vector<double>{9, 3, 8.5, 10, 10, 2.5});
}

TEMPLATE_TEST_CASE("activations come after the bias and before the scale", "[reference]", float,
                   double) {
  const Reference<TestType> backend;
  const auto input = tensor<TestType>({1}, {1, 1});
  const auto weight = backend.pack(source({0, -3, -1, 2}, {4, 1}), {.rows = 4});
  const auto output = blank<TestType>({1, 4});
  coca::Epilogue<TestType, HostMemory> epilogue;
  epilogue.bias = tensor<TestType>({1, 1, 1, 1}, {4});  // 1, -2, 0, 3
  epilogue.scale = tensor<TestType>({1, 1, 1, 10}, {4});
  epilogue.activation = Activation::gelu;
  call<ops::Matmul>(backend, input, weight, epilogue, output);
  CHECK(first_difference(
            values(output),
            std::vector<double>{0.8413447460685429, -0.04550026389635842, 0.0, 29.9595030590511},
            10 * tolerance<TestType>) == "");
  epilogue.activation = Activation::quick_gelu;
  call<ops::Matmul>(backend, input, weight, epilogue, output);
  CHECK(first_difference(
            values(output),
            std::vector<double>{0.8457957659328212, -0.06434137685579186, 0.0, 29.81928690292214},
            10 * tolerance<TestType>) == "");
}

TEMPLATE_TEST_CASE("layer_norm normalises each row", "[reference]", float, double) {
  // 1, 2, 3, 6: mean 3, variance 3.5; the second row is constant, its variance 0.
  const auto input = tensor<TestType>({1, 2, 3, 6, 5, 5, 5, 5}, {2, 4});
  const auto output = blank<TestType>({2, 4});
  call<ops::LayerNorm>(Reference<TestType>(), input, tensor<TestType>({1, 2, 1, -1}, {4}),
                       tensor<TestType>({0, 0, 7, 1}, {4}), output);
  CHECK(first_difference(values(output),
                         std::vector<double>{-1.0690434404458735, -1.0690434404458735, 7,
                                             1 - 1.6035651606688102, 0, 0, 7, 1},
                         tolerance<TestType>) == "");
}

TEMPLATE_TEST_CASE("attention weighs values by softmax", "[reference]", float, double) {
  // One head of width 1 and query 1: the scores are the keys, e^key = 1, 2, 5.
  const Reference<TestType> backend;
  const auto keys = tensor<TestType>({0, std::log(2.0), std::log(5.0)}, {3, 1});
  const auto numbers = tensor<TestType>({8, 80, 800}, {3, 1});
  coca::AttentionArguments<TestType, HostMemory> arguments{
      .query = {tensor<TestType>({1, 1}, {2, 1}), 0, 1},
      .key = {keys, 0, 1},
      .value = {numbers, 0, 1},
      .batch = 1,
      .query_tokens = 2,
      .key_tokens = 3,
      .heads = 1};
  arguments.probabilities = coca::ops::Out(blank<TestType>({1, 1, 2, 3}));
  const auto output = blank<TestType>({2, 1});
  const double wide = 1000 * tolerance<TestType>;

  call<ops::Attention>(backend, arguments, output);  // (8 + 2 * 80 + 5 * 800) / 8
  CHECK(first_difference(values(output), std::vector<double>{521, 521}, wide) == "");
  CHECK(first_difference(values(arguments.probabilities),
                         std::vector<double>{0.125, 0.25, 0.625, 0.125, 0.25, 0.625},
                         tolerance<TestType>) == "");

  arguments.causal = true;  // query 0 stands at key 1: (8 + 2 * 80) / 3
  call<ops::Attention>(backend, arguments, output);
  CHECK(first_difference(values(output), std::vector<double>{56, 521}, wide) == "");
  CHECK(first_difference(values(arguments.probabilities),
                         std::vector<double>{1 / 3.0, 2 / 3.0, 0, 0.125, 0.25, 0.625},
                         tolerance<TestType>) == "");

  arguments.hidden_keys = tensor<std::uint8_t>({0, 1, 0}, {1, 3});  // (8 + 5 * 800) / 6
  call<ops::Attention>(backend, arguments, output);
  CHECK(first_difference(values(output), std::vector<double>{8, 668}, wide) == "");

  arguments.causal = false;
  arguments.hidden_keys = {};
  arguments.key_rows = tensor<std::int32_t>({2, 0, 0}, {1, 3});  // (5 * 800 + 8 + 8) / 7
  call<ops::Attention>(backend, arguments, output);
  CHECK(first_difference(values(output), std::vector<double>{4016 / 7.0, 4016 / 7.0}, wide) == "");
}

TEMPLATE_TEST_CASE("attention finds heads in fused columns", "[reference]", float, double) {
  // Two heads of width 1 and two sequences of one query and two keys; columns: key, value, query.
  const double two = std::log(2.0), three = std::log(3.0);
  const auto fused = tensor<TestType>({0,     0,     3, 30, 1,  1,  //
                                       two,   three, 6, 70, 9,  9,  //
                                       three, two,   4, 12, -1, 1,  //
                                       0,     0,     8, 24, 9,  9},
                                      {4, 6});
  const auto queries = tensor<TestType>({7, 1, 1, 7, -1, 1}, {2, 3});
  const auto output = blank<TestType>({2, 2});
  call<ops::Attention>(Reference<TestType>(),
                       coca::AttentionArguments<TestType, HostMemory>{.query = {queries, 1, 2},
                                                                      .key = {fused, 0, 2},
                                                                      .value = {fused, 2, 2},
                                                                      .batch = 2,
                                                                      .query_tokens = 1,
                                                                      .key_tokens = 2,
                                                                      .heads = 2},
                       output);
  // Weights 1:2 and 1:3 in the first sequence, 1/3:1 and 2:1 in the second.
  CHECK(first_difference(values(output),
                         std::vector<double>{(3 + 2 * 6) / 3.0, (30 + 3 * 70) / 4.0,
                                             (4 + 3 * 8) / 4.0, (2 * 12 + 24) / 3.0},
                         100 * tolerance<TestType>) == "");
}

TEMPLATE_TEST_CASE("attention divides scores by the root of the head width", "[reference]", float,
                   double) {
  // Width 4: scores (4 * 2 a) / 2 = 4 a for keys a = 0 and ln(3) / 4.
  const double a = std::log(3.0) / 4;
  const auto output = blank<TestType>({1, 4});
  call<ops::Attention>(Reference<TestType>(),
                       coca::AttentionArguments<TestType, HostMemory>{
                           .query = {tensor<TestType>({2, 2, 2, 2}, {1, 4}), 0, 4},
                           .key = {tensor<TestType>({0, 0, 0, 0, a, a, a, a}, {2, 4}), 0, 4},
                           .value = {tensor<TestType>({0, 1, 2, 3, 4, 5, 6, 7}, {2, 4}), 0, 4},
                           .batch = 1,
                           .query_tokens = 1,
                           .key_tokens = 2,
                           .heads = 1},
                       output);
  CHECK(first_difference(values(output), std::vector<double>{3, 4, 5, 6},
                         10 * tolerance<TestType>) == "");
}

TEMPLATE_TEST_CASE("embed adds word and position", "[reference]", float, double) {
  const auto ids = tensor<std::int32_t>({2, 0, 1, 2}, {2, 2});
  const auto table = tensor<TestType>({1, 2, 10, 20, 100, 200}, {3, 2});
  const auto positions = tensor<TestType>({0.5, 0.25, 1000, 2000, 3000, 4000}, {3, 2});
  const auto output = blank<TestType>({2, 2, 2});
  call<ops::Embed>(Reference<TestType>(), ids, table, positions, 1, output);
  CHECK(values(output) == std::vector<double>{1100, 2200, 3001, 4002, 1010, 2020, 3100, 4200});
}

TEMPLATE_TEST_CASE("unfold lays windows out as rows", "[reference]", float, double) {
  // 0 1 2      10 11 12
  // 3 4 5  and 13 14 15, windows of 2 x 2, a step apart
  const auto first = tensor<TestType>({0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15}, {1, 2, 2, 3});
  const coca::Unfold windows{.channels = 2, .height = 2, .width = 3, .kernel = 2};
  const std::vector<double> expected{0, 1, 3, 4, 10, 11, 13, 14, 1, 2, 4, 5, 11, 12, 14, 15};
  auto output = blank<TestType>({2, 8});
  call<ops::Unfold>(Reference<TestType>(), first, windows, output);
  CHECK(values(output) == expected);

  const auto last = tensor<TestType>({0, 10, 1, 11, 2, 12, 3, 13, 4, 14, 5, 15}, {1, 2, 3, 2});
  coca::Unfold channels_last = windows;
  channels_last.channels_last = true;
  output = blank<TestType>({2, 8});
  call<ops::Unfold>(Reference<TestType>(), last, channels_last, output);
  CHECK(values(output) == expected);
}

TEMPLATE_TEST_CASE("unfold pads with zeros and steps by the stride", "[reference]", float, double) {
  const auto input = tensor<TestType>({1, 2, 3, 4}, {1, 1, 2, 2});
  const auto output = blank<TestType>({4, 4});
  call<ops::Unfold>(
      Reference<TestType>(), input,
      coca::Unfold{.channels = 1, .height = 2, .width = 2, .kernel = 2, .stride = 2, .padding = 1},
      output);
  CHECK(values(output) == std::vector<double>{0, 0, 0, 1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0, 0});
}

TEMPLATE_TEST_CASE("l2_normalize divides by the norm", "[reference]", float, double) {
  const auto input = tensor<TestType>({3, -4, 0, 0, 5e-13, 0}, {3, 2});
  const auto output = blank<TestType>({3, 2});
  call<ops::L2Normalize>(Reference<TestType>(), input, output);
  CHECK(first_difference(values(output), std::vector<double>{0.6, -0.8, 0, 0, 0.5, 0},
                         tolerance<TestType>) == "");
}

TEMPLATE_TEST_CASE("write_tokens writes after existing tokens", "[reference]", float, double) {
  const Reference<TestType> backend;
  const auto source = tensor<TestType>({1, 2}, {2, 1, 1});
  const auto positions = tensor<TestType>({10, 20, 30}, {3, 1});
  auto output = blank<TestType>({2, 3, 1});
  call<ops::WriteTokens>(backend, source, positions, 1, output);
  CHECK(values(output) == std::vector<double>{-77, 21, -77, -77, 22, -77});

  // One source for the whole batch, no positions.
  output = blank<TestType>({2, 3, 1});
  call<ops::WriteTokens>(backend, tensor<TestType>({5, 6}, {1, 2, 1}), absent, 1, output);
  CHECK(values(output) == std::vector<double>{-77, 5, 6, -77, 5, 6});
}

TEMPLATE_TEST_CASE("rows are gathered and scattered", "[reference]", float, double) {
  const auto input = tensor<TestType>({1, 2, 3, 4, 5, 6}, {2, 3});
  auto output = blank<TestType>({3, 3});
  call<ops::GatherRows>(Reference<TestType>(), input, indices({1, 0, 1}), output);
  CHECK(values(output) == std::vector<double>{4, 5, 6, 1, 2, 3, 4, 5, 6});

  output = blank<TestType>({3, 2});
  call<ops::ScatterRows>(Reference<TestType>(), columns(input, 1, 2), indices({2, 0}), output);
  CHECK(values(output) == std::vector<double>{5, 6, -77, -77, 2, 3});
}

TEMPLATE_TEST_CASE("log_softmax normalises large scores and minus infinity", "[reference]", float,
                   double) {
  const auto scores = tensor<TestType>({0, 1, 2, 1000, 1000, -infinity}, {2, 3});
  call<ops::LogSoftmax>(Reference<TestType>(), scores);
  CHECK(
      first_difference(values(scores),
                       std::vector<double>{-2.40760596444438, -1.40760596444438, -0.40760596444438,
                                           -0.6931471805599453, -0.6931471805599453, -infinity},
                       tolerance<TestType>) == "");
}

TEMPLATE_TEST_CASE("scores are edited at their flat positions", "[reference]", float, double) {
  const Reference<TestType> backend;
  const auto scores = tensor<TestType>({1, -2, 3, 4, -5, 0}, {2, 3});
  call<ops::EditScores>(backend, scores, indices({0, 4}), tensor<TestType>({2, 2}, {2}),
                        coca::ScoreEdit::penalize);
  CHECK(values(scores) == std::vector<double>{0.5, -2, 3, 4, -10, 0});
  call<ops::EditScores>(backend, scores, indices({2, 1}), tensor<TestType>({1, 0.5}, {2}),
                        coca::ScoreEdit::subtract);
  CHECK(values(scores) == std::vector<double>{0.5, -2.5, 2, 4, -10, 0});
  call<ops::EditScores>(backend, scores, indices({3}), tensor<TestType>({9}, {1}),
                        coca::ScoreEdit::forbid);
  CHECK(values(scores) == std::vector<double>{0.5, -2.5, 2, -infinity, -10, 0});
}

TEMPLATE_TEST_CASE("warping cuts what sampling must not draw", "[reference]", float, double) {
  const auto warped = [](const std::vector<double>& scores, const coca::SamplingWarp& warp) {
    const auto array = tensor<TestType>(scores, {1, scores.size()});
    call<ops::WarpScores>(Reference<TestType>(), array, warp);
    return values(array);
  };
  using Values = std::vector<double>;
  constexpr double out = -infinity;
  CHECK(warped({1, 4, 2, 3}, {.temperature = 0.5f}) == Values{2, 8, 4, 6});
  CHECK(warped({1, 4, 2, 3}, {.top_k = 2}) == Values{out, 4, out, 3});
  CHECK(warped({1, 4, 3, 3}, {.top_k = 2}) == Values{out, 4, 3, 3});  // ties of the last stay
  CHECK(warped({1, 4, 2, 3}, {.top_k = 9}) == Values{1, 4, 2, 3});
  CHECK(warped({1, 4, 2, 3}, {.top_k = 1, .min_keep = 3}) == Values{out, 4, 2, 3});

  // Probabilities 0.5, 0.3, 0.2: a word stays while those before it sum to less than top_p.
  const Values scores{std::log(0.5), std::log(0.2), std::log(0.3)};
  const auto kept = [&](const coca::SamplingWarp& warp) {
    Values result = warped(scores, warp);
    for (double& value : result) value = std::isinf(value) ? 0 : 1;
    return result;
  };
  CHECK(kept({.top_p = 0.4f}) == Values{1, 0, 0});
  CHECK(kept({.top_p = 0.6f}) == Values{1, 0, 1});
  CHECK(kept({.top_p = 0.9f}) == Values{1, 1, 1});
  CHECK(kept({.top_p = 0.0f}) == Values{1, 0, 0});
  CHECK(kept({.top_p = 0.4f, .min_keep = 2}) == Values{1, 0, 1});
  // Of the two words that top-k leaves, the first has 0.5 / 0.8 = 0.625.
  CHECK(kept({.top_k = 2, .top_p = 0.6f}) == Values{1, 0, 0});
  CHECK(kept({.top_k = 2, .top_p = 0.65f}) == Values{1, 0, 1});
  // At half the temperature the probabilities are 25, 9 and 4 of 38: 0.658 for the first.
  CHECK(kept({.temperature = 0.5f, .top_p = 0.63f}) == Values{1, 0, 0});
}

TEMPLATE_TEST_CASE("a row with NaN loses nothing to warping", "[reference]", float, double) {
  std::vector<double> scores(40);
  std::iota(scores.begin(), scores.end(), 0.0);
  scores[7] = scores[30] = not_a_number;
  const auto array = tensor<TestType>(scores, {1, 40});
  call<ops::WarpScores>(Reference<TestType>(), array,
                        coca::SamplingWarp{.top_k = 3, .top_p = 0.5f});
  CHECK(first_inequality(values(array), scores) == "");
}

TEMPLATE_TEST_CASE("best_candidates orders a group's words", "[reference]", float, double) {
  // Two groups of two rows of three words.
  const auto scores =
      tensor<TestType>({1, 5, 2, 4, 0, 5, -infinity, -1, -3, -2, -infinity, -2}, {4, 3});
  const auto best = blank<TestType>({2, 3});
  const auto ids = blank<std::int32_t>({2, 3});
  const Reference<TestType> backend;
  call<ops::BestCandidates>(backend, scores, absent, coca::GumbelNoise{}, best, ids);
  CHECK(values(best) == std::vector<double>{5, 5, 4, -1, -2, -2});
  CHECK(values(ids) == std::vector<double>{1, 5, 3, 1, 3, 5});

  call<ops::BestCandidates>(backend, scores, tensor<TestType>({0, 10, 0, 1.5}, {4}),
                            coca::GumbelNoise{}, best, ids);
  CHECK(values(best) == std::vector<double>{15, 14, 10, -0.5, -0.5, -1});
  CHECK(values(ids) == std::vector<double>{5, 3, 4, 3, 5, 1});
}

TEMPLATE_TEST_CASE("best_candidates shows NaN first", "[reference]", float, double) {
  const auto scores = tensor<TestType>({infinity, not_a_number, 2, not_a_number}, {1, 4});
  const auto best = blank<TestType>({1, 4});
  const auto ids = blank<std::int32_t>({1, 4});
  call<ops::BestCandidates>(Reference<TestType>(), scores, absent, coca::GumbelNoise{}, best, ids);
  CHECK(values(ids) == std::vector<double>{1, 3, 0, 2});
  CHECK(first_inequality(values(best),
                         std::vector<double>{not_a_number, not_a_number, infinity, 2}) == "");
}

TEMPLATE_TEST_CASE("best_candidates ranks with noise and answers without it", "[reference]", float,
                   double) {
  // Gumbel noise of philox(1, 2, e / 4)[e % 4] for e = 0..9, by another implementation:
  // 2.2840 0.5160 -0.3376 -1.1751 1.1031 1.8578 -0.2783 -1.0657 0.6007 -0.0388
  const auto scores = tensor<TestType>({0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {2, 5});
  const auto best = blank<TestType>({1, 10});
  const auto ids = blank<std::int32_t>({1, 10});
  const Reference<TestType> backend;
  const coca::GumbelNoise noise{.enabled = true, .seed = 1, .step = 2, .rows_per_picture = 2};
  call<ops::BestCandidates>(backend, scores, absent, noise, best, ids);
  CHECK(values(ids) == std::vector<double>{0, 5, 4, 8, 1, 9, 6, 2, 7, 3});
  CHECK(values(best) == std::vector<double>(10, 0));

  // Each picture's rows draw the same noise; scores 0, 2, 0, 0, 0 make 2.284 and 2.516 the best.
  const auto pictures = tensor<TestType>({0, 2, 0, 0, 0, 0, 0, 0, 0, 0}, {2, 5});
  const auto firsts = blank<TestType>({2, 2});
  const auto words = blank<std::int32_t>({2, 2});
  call<ops::BestCandidates>(backend, pictures, absent,
                            coca::GumbelNoise{.enabled = true, .seed = 1, .step = 2}, firsts,
                            words);
  CHECK(values(words) == std::vector<double>{1, 0, 0, 4});
  CHECK(values(firsts) == std::vector<double>{2, 0, 0, 0});
}
