#include "coca/autograd/recorded.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include "autograd/finite_differences.hpp"
#include "catch.hpp"

using namespace coca;
using namespace coca::testing;

// Every operation against differences.

TEST_CASE("the gradients of linear are right with every end", "[gradients]") {
  for (const bool transposed : {false, true})
    for (const Activation activation : {Activation::none, Activation::gelu, Activation::quick_gelu})
      for (const unsigned present : {0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u}) {
        const bool bias = present & 1, scale = present & 2, residual = present & 4;
        INFO("transposed " << transposed << ", activation " << static_cast<int>(activation)
                           << ", bias " << bias << ", scale " << scale << ", residual "
                           << residual);
        GradientCheck check;
        const auto x = check.variable("input", {2, 3, 4});
        const auto w = check.variable("weight", transposed ? Shape{4, 5} : Shape{5, 4});
        LinearOptions<Exact> end{.activation = activation};
        if (bias) end.bias = check.variable("bias", {5});
        if (scale) end.scale = check.variable("scale", {5});
        if (residual) end.residual = check.variable("residual", {2, 3, 5});
        check([&] {
          return check.weighted_sum(
              linear(check.context(), x, check.context().backend().view(w, transposed), end));
        });
      }
}

TEST_CASE("linear adds to its own input", "[gradients]") {
  for (const bool scaled : {false, true})
    for (const Activation activation : {Activation::none, Activation::gelu}) {
      INFO("scale " << scaled << ", activation " << static_cast<int>(activation));
      GradientCheck check;
      const auto x = check.variable("input", {3, 4}), w = check.variable("weight", {4, 4});
      LinearOptions<Exact> end{.activation = activation, .residual = x};
      if (scaled) end.scale = check.variable("scale", {4});
      check([&] {
        return check.weighted_sum(
            linear(check.context(), x, check.context().backend().view(w, false), end));
      });
    }
}

TEST_CASE("gradients of an array that is used twice add up", "[gradients]") {
  GradientCheck check;
  const auto x = check.variable("input", {3, 4}), w = check.variable("weight", {4, 4});
  check([&] {
    auto& context = check.context();
    const auto matrix = context.backend().view(w, false);
    const auto once = linear(context, x, matrix);
    const auto twice = linear(context, once, matrix, {.residual = x});
    const auto sum = linear(context, twice, matrix, {.residual = once});
    return check.weighted_sum(sum) + check.weighted_sum(twice, 51);
  });
}

TEST_CASE("weights may be parts of a weight, and inputs rows of an array", "[gradients]") {
  GradientCheck check;
  const auto x = check.variable("input", {4, 3}), w = check.variable("weight", {6, 3});
  const auto b = check.variable("bias", {6});
  check([&] {
    auto& context = check.context();
    const auto part = [&](std::size_t first, std::size_t count) {
      return linear(context, x.slice(first / 2, 2),
                    context.backend().view(w.slice(first, count), false),
                    {.bias = b.slice(first, count)});
    };
    return check.weighted_sum(part(0, 2)) + check.weighted_sum(part(2, 4), 51);
  });
}

TEST_CASE("the gradients of layer_norm are right", "[gradients]") {
  GradientCheck check;
  const auto x = check.variable("input", {2, 3, 5});
  const auto w = check.variable("weight", {5}), b = check.variable("bias", {5});
  check([&] { return check.weighted_sum(layer_norm(check.context(), x, w, b)); });
}

namespace {

constexpr std::size_t width = 6;

/// Self-attention over one array of queries, keys and values.
double self_attention(GradientCheck& check, const Array<Exact>& qkv, bool causal,
                      const Tensor<std::uint8_t>& hidden) {
  const std::size_t tokens = qkv.shape()[1];
  return check.weighted_sum(attention(check.context(), {.query = {qkv, 0, width},
                                                        .key = {qkv, width, width},
                                                        .value = {qkv, 2 * width, width},
                                                        .batch = 2,
                                                        .query_tokens = tokens,
                                                        .key_tokens = tokens,
                                                        .heads = 2,
                                                        .causal = causal,
                                                        .hidden_keys = hidden}));
}

}  // namespace

TEST_CASE("the gradients of self-attention are right under every mask", "[gradients]") {
  for (const bool causal : {false, true})
    for (const bool some_hidden : {false, true}) {
      INFO("causal " << causal << ", hidden keys " << some_hidden);
      GradientCheck check;
      const auto qkv = check.variable("qkv", {2, 4, 3 * width});
      Tensor<std::uint8_t> hidden;
      if (some_hidden)
        hidden = check.context().to_device(std::vector<std::uint8_t>{0, 1, 0, 0, 0, 0, 1, 1},
                                           Shape{2, 4});
      check([&] { return self_attention(check, qkv, causal, hidden); }, 1000);
    }
}

TEST_CASE("the gradients of attention between arrays are right", "[gradients]") {
  for (const bool causal : {false, true}) {
    GradientCheck check;
    const auto q = check.variable("query", {2, 2, width});
    const auto k = check.variable("key", {2, 5, width}), v = check.variable("value", {2, 5, width});
    check(
        [&] {
          return check.weighted_sum(attention(check.context(), {.query = {q, 0, width},
                                                                .key = {k, 0, width},
                                                                .value = {v, 0, width},
                                                                .batch = 2,
                                                                .query_tokens = 2,
                                                                .key_tokens = 5,
                                                                .heads = 3,
                                                                .causal = causal}));
        },
        1000);
  }
}

TEST_CASE("the gradients of attention are right where rows are picked, and shared", "[gradients]") {
  GradientCheck check;
  const auto q = check.variable("query", {2, 2, width});
  const auto kv = check.variable("keys and values", {5, 2 * width});
  const auto rows = check.indices({2, 3}, {4, 0, 1, 1, 3, 4});
  const auto hidden =
      check.context().to_device(std::vector<std::uint8_t>{0, 0, 0, 0, 1, 0}, Shape{2, 3});
  check(
      [&] {
        return check.weighted_sum(attention(check.context(), {.query = {q, 0, width},
                                                              .key = {kv, 0, width},
                                                              .value = {kv, width, width},
                                                              .batch = 2,
                                                              .query_tokens = 2,
                                                              .key_tokens = 3,
                                                              .heads = 2,
                                                              .causal = true,
                                                              .hidden_keys = hidden,
                                                              .key_rows = rows}));
      },
      1000);
}

TEST_CASE("the gradients of embed are right", "[gradients]") {
  GradientCheck check;
  const auto table = check.variable("table", {6, 3}),
             positions = check.variable("positions", {5, 3});
  const auto ids = check.indices({2, 3}, {1, 5, 1, 0, 2, 1});
  check([&] { return check.weighted_sum(embed(check.context(), ids, table, positions, 2)); });
}

TEST_CASE("the gradients of unfold are right", "[gradients]") {
  for (const Unfold windows :
       {Unfold{.channels = 3, .height = 4, .width = 6, .kernel = 2, .stride = 2},
        Unfold{.channels = 3, .height = 4, .width = 6, .kernel = 3, .stride = 1, .padding = 1}}) {
    GradientCheck check;
    const auto x = check.variable("input", {2, 3, 4, 6});
    check([&] { return check.weighted_sum(unfold(check.context(), x, windows)); });
  }
}

TEST_CASE("the gradients of l2_normalize are right", "[gradients]") {
  GradientCheck check;
  const auto x = check.variable("input", {3, 4});
  check([&] { return check.weighted_sum(l2_normalize(check.context(), x)); });
}

TEST_CASE("the gradients of write_tokens are right", "[gradients]") {
  for (const bool everywhere : {false, true}) {
    INFO("one source for all " << everywhere);
    GradientCheck check;
    const auto first = check.variable("first", {everywhere ? 1u : 2u, 1, 3});
    const auto others = check.variable("others", {2, 2, 3});
    const auto positions = check.variable("positions", {4, 3});
    check([&] {
      auto output = check.context().empty(Shape{2, 3, 3});
      write_tokens(check.context(), first, positions, 0, output);
      write_tokens(check.context(), others, everywhere ? Array<Exact>{} : positions, 1, output);
      return check.weighted_sum(output);
    });
  }
}

TEST_CASE("the gradients of gather_rows are right", "[gradients]") {
  GradientCheck check;
  const auto x = check.variable("input", {2, 2, 3});
  const auto indices = check.indices({5}, {3, 0, 3, 1, 3});
  check([&] { return check.weighted_sum(gather_rows(check.context(), x, indices)); });
}
