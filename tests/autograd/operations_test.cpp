#include "coca/autograd/operations.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"

using namespace coca;
using coca::testing::first_difference;
using coca::testing::Remote;

// The backends' arithmetic has its own tests; here the shapes and the checks.

namespace {

template <class B>
struct Fixture {
  Context<B> context;

  Array<B> array(const Shape& shape, std::vector<float> values) {
    return context.to_device(values, shape);
  }
  Array<B> zeros(const Shape& shape) { return array(shape, std::vector<float>(shape.size(), 0)); }
  coca::Indices<B> indices(const Shape& shape, std::vector<std::int32_t> values) {
    return context.to_device(values, shape);
  }
  typename B::Matrix matrix(std::size_t out, std::size_t in, std::vector<float> values) {
    const WeightSource source{Shape{out, in}, [=](std::size_t first, std::size_t count, float* to) {
                                std::copy_n(values.data() + first * in, count * in, to);
                              }};
    return context.backend().pack(source, {.rows = out});
  }
};

using Near = Fixture<Reference<float>>;

// One query and two keys of the same width.
AttentionArguments<float, HostMemory> small_attention(Near& f) {
  return {.query = {f.array({1, 2}, {1, 0}), 0, 2},
          .key = {f.array({2, 2}, {1, 0, 0, 1}), 0, 2},
          .value = {f.array({2, 2}, {10, 0, 0, 20}), 0, 2},
          .batch = 1,
          .query_tokens = 1,
          .key_tokens = 2,
          .heads = 1};
}

}  // namespace

TEMPLATE_TEST_CASE("linear multiplies the innermost axis", "[operations]", Reference<float>,
                   Remote) {
  Fixture<TestType> f;
  const auto weight = f.matrix(2, 3, {1, 2, 3, 4, 5, 6});
  const auto input = f.array({2, 1, 3}, {1, 0, -1, 2, 1, 0});
  const auto output = linear(f.context, input, weight, {.bias = f.array({2}, {10, 20})});
  CHECK(output.shape() == Shape{2, 1, 2});
  CHECK(f.context.to_host(output) == std::vector<float>{8, 18, 14, 33});
  const auto end =
      linear(f.context, input, weight,
             {.scale = f.array({2}, {2, 0}), .residual = f.array({2, 1, 2}, {1, 2, 3, 4})});
  CHECK(f.context.to_host(end) == std::vector<float>{-3, 2, 11, 4});
}

TEST_CASE("linear refuses what does not fit", "[operations]") {
  Near f;
  const auto weight = f.matrix(2, 3, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(linear(f.context, f.zeros({1, 4}), weight),
                    "linear: the input has shape [1, 4], the weight expects rows of 3");
  CHECK_THROWS_AS(linear(f.context, Array<Reference<float>>{}, weight), ShapeError);
  const auto input = f.zeros({1, 3});
  CHECK_THROWS_WITH(linear(f.context, input, weight, {.bias = f.zeros({3})}),
                    "linear: bias: got [3], expected [2]");
  CHECK_THROWS_WITH(linear(f.context, input, weight, {.scale = f.zeros({1})}),
                    "linear: scale: got [1], expected [2]");
  CHECK_THROWS_WITH(linear(f.context, input, weight, {.residual = f.zeros({2, 2})}),
                    "linear: residual: got [2, 2], expected [1, 2]");
}

TEMPLATE_TEST_CASE("layer_norm gives mean 0 and deviation 1", "[operations]", Reference<float>,
                   Remote) {
  Fixture<TestType> f;
  const auto output = layer_norm(f.context, f.array({1, 2, 2}, {1, 3, -5, 5}), f.array({2}, {1, 2}),
                                 f.array({2}, {0, 1}));
  CHECK(output.shape() == Shape{1, 2, 2});
  CHECK(first_difference(f.context.to_host(output), std::vector<float>{-1, 3, -1, 3}, 1e-4) == "");
}

TEST_CASE("layer_norm refuses weights of another width", "[operations]") {
  Near f;
  CHECK_THROWS_WITH(layer_norm(f.context, f.zeros({2, 3}), f.zeros({2}), f.zeros({3})),
                    "layer_norm: weight: got [2], expected [3]");
  CHECK_THROWS_WITH(layer_norm(f.context, f.zeros({2, 3}), f.zeros({3}), f.zeros({4})),
                    "layer_norm: bias: got [4], expected [3]");
}

TEMPLATE_TEST_CASE("rms_norm gives rows of mean square 1", "[operations]", Reference<float>,
                   Remote) {
  Fixture<TestType> f;
  const auto output =
      rms_norm(f.context, f.array({1, 2, 2}, {3, 4, -7, 1}), f.array({2}, {1, 2}), 0);
  CHECK(output.shape() == Shape{1, 2, 2});
  const auto root = static_cast<float>(std::sqrt(12.5));  // (9 + 16) / 2; the other row's is 5
  CHECK(first_difference(f.context.to_host(output),
                         std::vector<float>{3 / root, 8 / root, -1.4f, 0.4f}, 1e-6) == "");
  Near near;
  CHECK_THROWS_WITH(rms_norm(near.context, near.zeros({2, 3}), near.zeros({2})),
                    "rms_norm: weight: got [2], expected [3]");
}

TEMPLATE_TEST_CASE("sum and product take a row for every row", "[operations]", Reference<float>,
                   Remote) {
  Fixture<TestType> f;
  const auto rows = f.array({1, 2, 2}, {1, 2, 3, 4}), row = f.array({2}, {10, 20});
  CHECK(sum(f.context, rows, row).shape() == Shape{1, 2, 2});
  CHECK(f.context.to_host(sum(f.context, rows, row)) == std::vector<float>{11, 22, 13, 24});
  CHECK(f.context.to_host(product(f.context, rows, row)) == std::vector<float>{10, 40, 30, 80});
  CHECK(f.context.to_host(sum(f.context, rows, rows)) == std::vector<float>{2, 4, 6, 8});
  CHECK(f.context.to_host(product(f.context, rows, rows)) == std::vector<float>{1, 4, 9, 16});
  Near near;
  CHECK_THROWS_WITH(sum(near.context, near.zeros({2, 3}), near.zeros({2})),
                    "sum: right: got [2], expected [2, 3]");
  CHECK_THROWS_WITH(product(near.context, near.zeros({2, 3}), near.zeros({3, 2})),
                    "product: right: got [3, 2], expected [2, 3]");
}

TEMPLATE_TEST_CASE("copy gives the same elements in other memory", "[operations]", Reference<float>,
                   Remote) {
  Fixture<TestType> f;
  const auto input = f.array({2, 2}, {1, 2, 3, 4});
  const auto output = copy(f.context, input);
  CHECK(output.shape() == input.shape());
  CHECK(output.buffer().id() != input.buffer().id());
  CHECK(f.context.to_host(output) == std::vector<float>{1, 2, 3, 4});
}

TEST_CASE("run refuses an output of another size", "[operations]") {
  Near f;
  using Activate = coca::ops::On<Reference<float>, coca::ops::Activate>;
  CHECK_THROWS_WITH(coca::run(f.context, Activate{.input = f.zeros({2}),
                                                  .activation = Activation::relu,
                                                  .output = coca::ops::Out(f.zeros({3}))}),
                    "activate: output: got [3], expected [2]");
}

TEST_CASE("what is dropped depends only on seed, step, layer and element", "[operations]") {
  Near f;
  const auto ones = [&](const Shape& shape) {
    return f.context.to_device(std::vector<float>(shape.size(), 1), shape);
  };
  const auto values = [&](const Array<Reference<float>>& array) {
    return f.context.to_host(array);
  };
  const Dropping dropping{.rate = 0.25f, .seed = 5, .step = 9, .layer = 2};
  const auto all = values(dropout(f.context, ones({4000}), dropping));
  std::size_t kept = 0;
  for (const float value : all) {
    if (value != 0) CHECK(value == 1 / 0.75f);
    kept += value != 0 ? 1 : 0;
  }
  CHECK(std::abs(static_cast<double>(kept) - 3000) < 5 * std::sqrt(4000 * 0.25 * 0.75));
  const auto fewer = values(dropout(f.context, ones({1001}), dropping));
  CHECK(std::equal(fewer.begin(), fewer.end(), all.begin()));
  for (const Dropping& other : {Dropping{.rate = 0.25f, .seed = 6, .step = 9, .layer = 2},
                                Dropping{.rate = 0.25f, .seed = 5, .step = 8, .layer = 2},
                                Dropping{.rate = 0.25f, .seed = 5, .step = 9, .layer = 3}})
    CHECK(values(dropout(f.context, ones({4000}), other)) != all);
  const auto samples = values(drop_samples(f.context, ones({500, 2, 3}), dropping));
  for (std::size_t i = 0; i < samples.size(); ++i) CHECK(samples[i] == all[i / 6]);
  CHECK_THROWS_WITH(dropout(f.context, ones({2}), {.rate = 1}),
                    "dropout: the rate must be at least 0 and below 1, got 1.000000");
}

TEST_CASE("attention mixes values by softmax", "[operations]") {
  Near f;
  auto arguments = small_attention(f);
  arguments.probabilities = coca::ops::Out(f.zeros({1, 1, 1, 2}));
  const auto output = attention(f.context, arguments);
  CHECK(output.shape() == Shape{1, 1, 2});
  const auto first = static_cast<float>(1 / (1 + std::exp(-1 / std::sqrt(2.0))));
  CHECK(first_difference(f.context.to_host(output),
                         std::vector<float>{10 * first, 20 * (1 - first)}, 1e-5) == "");
  CHECK(first_difference(f.context.to_host(arguments.probabilities),
                         std::vector<float>{first, 1 - first}, 1e-6) == "");
}

TEST_CASE("attention refuses what does not fit", "[operations]") {
  Near f;
  const auto message = [&](auto change) {
    auto arguments = small_attention(f);
    change(arguments);
    try {
      attention(f.context, arguments);
    } catch (const ShapeError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  CHECK(message([](auto&) {}) == "no error");
  CHECK(message([](auto& a) { a.query_tokens = 2; }) ==
        "attention: query needs 2 rows with columns up to 2, got [1, 2]");
  CHECK(message([](auto& a) { a.value.first = 1; }) ==
        "attention: value needs 2 rows with columns up to 3, got [2, 2]");
  CHECK(message([](auto& a) { a.heads = 3; }) ==
        "attention: widths of query, key and value must be equal and a multiple of 3 heads, got 2, "
        "2 and 2");
  CHECK(message([](auto& a) { a.heads = 0; }).find("0 heads") != std::string::npos);
  CHECK(message([](auto& a) { a.key.width = 1; }).find("got 2, 1 and 2") != std::string::npos);
  CHECK(message([&](auto& a) {
          a.key_rows = f.indices({1, 1}, {0});
        }) == "attention: key_rows: got [1, 1], expected [1, 2]");
  CHECK(message([&](auto& a) {
          a.hidden_keys = f.context.to_device(std::vector<std::uint8_t>{0}, Shape{1});
        }) == "attention: hidden_keys: got [1], expected [1, 2]");
  CHECK(message([&](auto& a) {
          a.probabilities = coca::ops::Out(f.zeros({1, 1, 2, 1}));
        }) == "attention: probabilities: got [1, 1, 2, 1], expected [1, 1, 1, 2]");
  CHECK(message([&](auto& a) {
          a.query.rows = f.zeros({3, 2});
          a.query_tokens = 3;
          a.causal = true;
        }) == "attention: more queries than keys under a causal mask");
}

TEMPLATE_TEST_CASE("embed adds words and positions", "[operations]", Reference<float>, Remote) {
  Fixture<TestType> f;
  const auto table = f.array({3, 2}, {0, 1, 10, 11, 20, 21});
  const auto positions = f.array({3, 2}, {100, 100, 200, 200, 300, 300});
  const auto ids = f.indices({2, 2}, {2, 0, 1, 1});
  CHECK(f.context.to_host(embed(f.context, ids, table, positions, 1)) ==
        std::vector<float>{220, 221, 300, 301, 210, 211, 310, 311});
  CHECK_THROWS_WITH(embed(f.context, ids, table, positions, 2),
                    "embed: 4 tokens, but there are only positions for 3");
  CHECK_THROWS_AS(embed(f.context, ids, table, f.zeros({3, 4})), ShapeError);
}

TEST_CASE("unfold gives the windows of a convolution", "[operations]") {
  Near f;
  const auto picture = f.array({1, 1, 2, 4}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Unfold windows{.channels = 1, .height = 2, .width = 4, .kernel = 2, .stride = 2};
  const auto output = unfold(f.context, picture, windows);
  CHECK(output.shape() == Shape{1, 2, 4});
  CHECK(f.context.to_host(output) == std::vector<float>{1, 2, 5, 6, 3, 4, 7, 8});
  Unfold large = windows;
  large.kernel = 3;
  CHECK_THROWS_WITH(unfold(f.context, picture, large),
                    "unfold: a window of 3 pixels does not fit a picture of 4 x 2");
  Unfold still = windows;
  still.stride = 0;
  CHECK_THROWS_AS(unfold(f.context, picture, still), ShapeError);
  CHECK_THROWS_WITH(unfold(f.context, f.zeros({1, 1, 2, 3}), windows),
                    "unfold: got [1, 1, 2, 3], expected 8 values a picture");
}

TEST_CASE("l2_normalize gives rows of norm 1", "[operations]") {
  Near f;
  const auto output = l2_normalize(f.context, f.array({2, 2}, {3, 4, 0, -2}));
  CHECK(first_difference(f.context.to_host(output), std::vector<float>{0.6f, 0.8f, 0, -1}, 1e-6) ==
        "");
}

TEST_CASE("write_tokens writes some tokens of every entry", "[operations]") {
  Near f;
  auto output = f.zeros({2, 2, 1});
  write_tokens(f.context, f.array({1, 1, 1}, {7}), f.array({2, 1}, {10, 20}), 1, output);
  CHECK(f.context.to_host(output) == std::vector<float>{0, 27, 0, 27});
  write_tokens(f.context, f.array({2, 1, 1}, {1, 2}), {}, 0, output);
  CHECK(f.context.to_host(output) == std::vector<float>{1, 27, 2, 27});
  CHECK_THROWS_WITH(write_tokens(f.context, f.zeros({2, 2, 1}), {}, 1, output),
                    "write_tokens: [2, 2, 1] does not fit into [2, 2, 1] from token 1 on");
  CHECK_THROWS_AS(write_tokens(f.context, f.zeros({3, 1, 1}), {}, 0, output), ShapeError);
  CHECK_THROWS_WITH(write_tokens(f.context, f.zeros({1, 1, 1}), f.zeros({1, 1}), 1, output),
                    "write_tokens: positions [1, 1] are too few for [2, 2, 1]");
}

TEST_CASE("gather_rows takes rows in any order", "[operations]") {
  Near f;
  const auto output =
      gather_rows(f.context, f.array({1, 3, 2}, {0, 1, 2, 3, 4, 5}), f.indices({4}, {2, 0, 0, 1}));
  CHECK(output.shape() == Shape{4, 2});
  CHECK(f.context.to_host(output) == std::vector<float>{4, 5, 0, 1, 0, 1, 2, 3});
}
