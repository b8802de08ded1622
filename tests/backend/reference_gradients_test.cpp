// Every gradient of Reference<double> against central differences of its forward primitive.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "backend/differences.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "comparison.hpp"

using namespace coca::testing;
using coca::Activation;
using coca::Shape;
using coca::Write;

namespace {

using Double = coca::Reference<double>;
using DoubleArray = coca::Tensor<double>;
using Forward = std::function<void(const DoubleArray& output)>;
using Backward = std::function<void(const DoubleArray& output_gradient, Write write)>;

const Double backend;

// An input of the operation under test, and the gradient that the operation gives for it.
struct Leaf {
  explicit Leaf(const Shape& shape, bool always_adds = false, double scale = 1)
      : values(random_array(shape, scale)), gradient(random_array(shape)), adds(always_adds) {}
  DoubleArray values, gradient;
  bool adds;  // regardless of Write
};

// The loss is a sum of the outputs with random factors, which are then the outputs' gradients.
void check(const Forward& forward, const Shape& output_shape, const Backward& backward,
           const std::vector<Leaf>& leaves) {
  const DoubleArray output = blank_array(output_shape), factors = random_array(output_shape);
  const auto loss = [&] {
    forward(output);
    double sum = 0;
    for (std::size_t i = 0; i < output.size(); ++i) sum += output.data()[i] * factors.data()[i];
    return sum;
  };
  for (const Write write : {Write::add, Write::assign}) {
    std::vector<std::vector<double>> before;
    for (const Leaf& leaf : leaves) {
      before.push_back(copy_of(leaf.gradient));
      if (leaf.adds || write == Write::add) continue;
      before.back().assign(leaf.gradient.size(), 0);
      call<ops::Fill>(backend, leaf.gradient, not_a_number);
    }
    backward(factors, write);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      CAPTURE(i, static_cast<int>(write));
      std::vector<double> added = copy_of(leaves[i].gradient);
      for (std::size_t k = 0; k < added.size(); ++k) added[k] -= before[i][k];
      CHECK(relative_error(added, central_differences(leaves[i].values, loss)) < 1e-6);
    }
  }
}

}  // namespace

TEST_CASE("gradients of a matrix product", "[reference][gradients]") {
  const Leaf input({5, 3}), weight({4, 3}, true);
  check(
      [&](auto& out) {
        call<ops::Matmul>(backend, input.values, backend.view(weight.values), absent, out);
      },
      {5, 4},
      [&](auto& gradient, Write write) {
        call<ops::MatmulInputGradient>(backend, gradient, backend.view(weight.values),
                                       ops::Update(input.gradient, write));
        call<ops::MatmulWeightGradient>(backend, gradient, input.values,
                                        ops::Update(weight.gradient, Write::add));
      },
      {input, weight});
}

TEST_CASE("gradients of a product with a transposed matrix", "[reference][gradients]") {
  const Leaf input({5, 3}), weight({3, 4}, true);
  const auto matrix = backend.view(weight.values, true);
  CHECK(matrix.out_features() == 4);
  CHECK(matrix.in_features() == 3);
  CHECK(matrix.transposed());
  CHECK(matrix.values().data() == weight.values.data());
  check([&](auto& out) { call<ops::Matmul>(backend, input.values, matrix, absent, out); }, {5, 4},
        [&](auto& gradient, Write write) {
          call<ops::MatmulInputGradient>(backend, gradient, matrix,
                                         ops::Update(input.gradient, write));
          call<ops::MatmulWeightGradient>(backend, input.values, gradient,
                                          ops::Update(weight.gradient, Write::add));
        },
        {input, weight});
}

TEST_CASE("a packed matrix has no gradient", "[reference][gradients]") {
  const auto packed = backend.pack(source_of(Floats(6, 1.0f), {2, 3}), {.rows = 2});
  CHECK_FALSE(static_cast<bool>(packed.values()));
  CHECK_FALSE(packed.transposed());
  const DoubleArray gradient = random_array({1, 2}), output = blank_array({1, 3});
  CHECK_THROWS_AS(
      call<ops::MatmulInputGradient>(backend, gradient, packed, ops::Update(output, Write::assign)),
      coca::ArgumentError);
  CHECK_THROWS_WITH(
      call<ops::MatmulInputGradient>(backend, gradient, packed, ops::Update(output, Write::assign)),
      "matmul_input_gradient: weights that are packed for inference have no gradients");
}

TEST_CASE("a sum of rows is the gradient of a bias", "[reference][gradients]") {
  const Leaf bias({4}, true);
  const DoubleArray input = random_array({5, 3}), weight = random_array({4, 3});
  check(
      [&](auto& out) {
        call<ops::Matmul>(backend, input, backend.view(weight),
                          coca::Epilogue<double, coca::HostMemory>{.bias = bias.values}, out);
      },
      {5, 4}, [&](auto& gradient, Write) { call<ops::SumRows>(backend, gradient, bias.gradient); },
      {bias});
}

// From PyTorch's formulas, worked out with twenty digits at x = 1 and x = -2.
TEST_CASE("activations by their names", "[reference]") {
  const auto at = [](Activation activation, double x) {
    const DoubleArray input = array_of({x}, {1}), output = blank_array({1});
    call<ops::Activate>(backend, input, activation, output);
    return output.data()[0];
  };
  CHECK(at(Activation::relu, 1) == 1);
  CHECK(at(Activation::relu, -2) == 0);
  CHECK(close(at(Activation::silu, 1), 0.73105857863000488, 1e-15));
  CHECK(close(at(Activation::silu, -2), -0.23840584404423510, 1e-15));
  CHECK(close(at(Activation::tanh, 1), 0.76159415595576489, 1e-15));
  CHECK(close(at(Activation::sigmoid, -2), 0.11920292202211755, 1e-15));
  CHECK(close(at(Activation::gelu_tanh, 1), 0.84119199060827684, 1e-15));
  CHECK(close(at(Activation::gelu_tanh, -2), -0.04540230591222494, 1e-15));
}

TEST_CASE("standalone activations are those of a product", "[reference][gradients]") {
  const DoubleArray input = random_array({4, 3}, 2), identity = blank_array({3, 3});
  for (std::size_t i = 0; i < 9; ++i) identity.data()[i] = i % 4 == 0 ? 1 : 0;
  for (const Activation activation : coca::all_activations) {
    const DoubleArray expected = blank_array({4, 3}), output = blank_array({4, 3});
    call<ops::Matmul>(backend, input, backend.view(identity),
                      coca::Epilogue<double, coca::HostMemory>{.activation = activation}, expected);
    call<ops::Activate>(backend, input, activation, output);
    CHECK(first_inequality(copy_of(output), copy_of(expected)) == "");
  }
}

TEST_CASE("gradients of activations", "[reference][gradients]") {
  for (const Activation activation : {Activation::none, Activation::gelu, Activation::quick_gelu}) {
    CAPTURE(static_cast<int>(activation));
    const Leaf input({6, 5}, false, 2);
    check([&](auto& out) { call<ops::Activate>(backend, input.values, activation, out); }, {6, 5},
          [&](auto& gradient, Write write) {
            call<ops::ActivationGradient>(backend, input.values, activation, gradient,
                                          ops::Update(input.gradient, write));
          },
          {input});
  }
}

TEST_CASE("gradients of scaled columns", "[reference][gradients]") {
  const Leaf input({5, 3}), scale({3}, true), residual({5, 3}, true);
  check(
      [&](auto& out) {
        call<ops::Product>(backend, input.values, scale.values, residual.values, out);
      },
      {5, 3},
      [&](auto& gradient, Write write) {
        call<ops::ProductGradient>(backend, input.values, scale.values, gradient,
                                   ops::Update(input.gradient, write),
                                   ops::Update(scale.gradient, Write::add));
        call<ops::Accumulate>(backend, gradient, residual.gradient);
      },
      {input, scale, residual});
  check([&](auto& out) { call<ops::Product>(backend, input.values, scale.values, absent, out); },
        {5, 3},
        [&](auto& gradient, Write write) {
          call<ops::ProductGradient>(backend, input.values, scale.values, gradient,
                                     ops::Update(input.gradient, write),
                                     ops::Update(scale.gradient, Write::add));
        },
        {input, scale});
}

TEST_CASE("gradients of layer_norm", "[reference][gradients]") {
  for (const double scale : {1.0, 0.01}) {  // the second with a variance near the 1e-5
    CAPTURE(scale);
    const Leaf input({4, 7}, false, scale), weight({7}, true), bias({7}, true);
    check(
        [&](auto& out) {
          call<ops::LayerNorm>(backend, input.values, weight.values, bias.values, out);
        },
        {4, 7},
        [&](auto& gradient, Write write) {
          call<ops::LayerNormGradient>(backend, input.values, weight.values, gradient,
                                       ops::Update(input.gradient, write), weight.gradient,
                                       bias.gradient);
        },
        {input, weight, bias});
  }
}

TEST_CASE("gradients of l2_normalize", "[reference][gradients]") {
  const Leaf input({4, 5});
  check([&](auto& out) { call<ops::L2Normalize>(backend, input.values, out); }, {4, 5},
        [&](auto& gradient, Write write) {
          call<ops::L2NormalizeGradient>(backend, input.values, gradient,
                                         ops::Update(input.gradient, write));
        },
        {input});
}

// There the divisor is constant.
TEST_CASE("the gradient of l2_normalize near 0", "[reference][gradients]") {
  const DoubleArray input = blank_array({1, 2}), gradient = blank_array({1, 2});
  const DoubleArray output = blank_array({1, 2});
  input.data()[0] = 0, input.data()[1] = 1e-13;
  gradient.data()[0] = 2, gradient.data()[1] = -3;
  call<ops::L2NormalizeGradient>(backend, input, gradient, ops::Update(output, Write::assign));
  CHECK(close(output.data()[0], 2e12, 1));
  CHECK(close(output.data()[1], -3e12, 1));
}

TEST_CASE("gradients of an embedding", "[reference][gradients]") {
  const Leaf table({5, 3}, true), positions({6, 3}, true);
  const coca::Tensor<std::int32_t> ids = backend.allocate<std::int32_t>({2, 4});
  for (std::size_t i = 0; i < 8; ++i) ids.data()[i] = static_cast<std::int32_t>(i * i % 5);
  check([&](auto& out) { call<ops::Embed>(backend, ids, table.values, positions.values, 2, out); },
        {2, 4, 3},
        [&](auto& gradient, Write) {
          call<ops::EmbedGradient>(backend, ids, gradient, 2, table.gradient, positions.gradient);
        },
        {table, positions});
}

TEST_CASE("gradients of windows", "[reference][gradients]") {
  for (const bool channels_last : {false, true}) {
    CAPTURE(channels_last);
    const coca::Unfold windows{.channels = 2,
                               .height = 5,
                               .width = 4,
                               .kernel = 3,
                               .stride = 2,
                               .padding = 1,
                               .channels_last = channels_last};
    const Leaf input(channels_last ? Shape{2, 5, 4, 2} : Shape{2, 2, 5, 4}, true);
    check([&](auto& out) { call<ops::Unfold>(backend, input.values, windows, out); },
          {2 * windows.rows() * windows.columns(), 18},
          [&](auto& gradient, Write) {
            call<ops::UnfoldGradient>(backend, gradient, windows, input.gradient);
          },
          {input});
  }
}

TEST_CASE("gradients of written tokens", "[reference][gradients]") {
  for (const std::size_t sources : {1, 2}) {
    CAPTURE(sources);
    const Leaf source({sources, 3, 4}, true), positions({6, 4}, true);
    check(
        [&](auto& out) {
          call<ops::Fill>(backend, out, 0);
          call<ops::WriteTokens>(backend, source.values, positions.values, 1, out);
        },
        {2, 5, 4},
        [&](auto& gradient, Write) {
          call<ops::WriteTokensGradient>(backend, gradient, 1, 3, source.gradient,
                                         positions.gradient);
        },
        {source, positions});
  }
}

TEST_CASE("gradients of gathered rows", "[reference][gradients]") {
  const Leaf input({4, 3}, true);
  const coca::Tensor<std::int32_t> rows = backend.allocate<std::int32_t>({5});
  for (std::size_t i = 0; i < 5; ++i) rows.data()[i] = static_cast<std::int32_t>(i * i % 4);
  check([&](auto& out) { call<ops::GatherRows>(backend, input.values, rows, out); }, {5, 3},
        [&](auto& gradient, Write) {
          call<ops::GatherRowsGradient>(backend, gradient, rows, input.gradient);
        },
        {input});
}

TEST_CASE("gradients of a learned scale", "[reference][gradients]") {
  const Leaf input({4, 3}), exponent({1}, true);
  check([&](auto& out) { call<ops::ScaleByExp>(backend, input.values, exponent.values, out); },
        {4, 3},
        [&](auto& gradient, Write write) {
          call<ops::ScaleByExpGradient>(backend, input.values, exponent.values, gradient,
                                        ops::Update(input.gradient, write), exponent.gradient);
        },
        {input, exponent});
}

namespace {

// Queries in the middle of fused rows; keys and values side by side in others.
void check_attention(bool causal, bool hidden, bool shared_rows) {
  CAPTURE(causal, hidden, shared_rows);
  const std::size_t batch = 2, queries = 3, keys = 4, heads = 2, width = 6;
  const Leaf query({batch * queries, width + 3}, true);
  const Leaf pair({batch * keys, 2 * width + 1}, true);
  coca::AttentionArguments<double, coca::HostMemory> arguments{
      .query = {query.values, 2, width},
      .key = {pair.values, 0, width},
      .value = {pair.values, width + 1, width},
      .batch = batch,
      .query_tokens = queries,
      .key_tokens = keys,
      .heads = heads,
      .causal = causal,
      .hidden_keys = {},
      .key_rows = {},
      .probabilities = {}};
  if (hidden) {
    arguments.hidden_keys = backend.allocate<std::uint8_t>({batch, keys});
    for (std::size_t i = 0; i < batch * keys; ++i)
      arguments.hidden_keys.data()[i] = i % keys != 0 && i % 3 == 0;
  }
  if (shared_rows) {
    arguments.key_rows = backend.allocate<std::int32_t>({batch, keys});
    for (std::size_t i = 0; i < batch * keys; ++i)
      arguments.key_rows.data()[i] = static_cast<std::int32_t>(i * 3 % 5);
  }
  check([&](auto& out) { call<ops::Attention>(backend, arguments, out); }, {batch * queries, width},
        [&](auto& gradient, Write) {
          const DoubleArray output = blank_array({batch * queries, width});
          call<ops::Attention>(backend, arguments, output);
          call<ops::AttentionGradient>(
              backend, arguments, output, gradient,
              attention_gradients(add_columns(query.gradient, 2, width),
                                  add_columns(pair.gradient, 0, width),
                                  add_columns(pair.gradient, width + 1, width)));
        },
        {query, pair});
}

}  // namespace

TEST_CASE("gradients of attention", "[reference][gradients]") {
  for (const bool causal : {false, true})
    for (const bool hidden : {false, true})
      for (const bool shared_rows : {false, true}) check_attention(causal, hidden, shared_rows);
}
