#include "coca/models/poolers.hpp"

#include <vector>

#include "catch.hpp"
#include "coca/models/initialize.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Near = Reference<float>;

constexpr PoolerSizes sizes{.width = 8, .tokens = 5, .embed_dim = 6, .queries = 4, .heads = 2};

template <class P>
P random_pooler(const typename P::Options& options = sizes) {
  P pooler(options, "visual");
  for_each_parameter(pooler,
                     [](auto& parameter) { parameter.load(Near{}, initial_values(parameter, 4)); });
  return pooler;
}

Array<Near> encoded(Context<Near>& context, std::size_t batch) {
  std::vector<float> values(batch * 5 * 8);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((i * 37 + i / 11) % 19) / 10 - 0.9f;
  return context.to_device(values, Shape{batch, 5, 8});
}

// Each query's attention over the five tokens sums to 1.
void check_map(const Context<Near>& context, const Array<Near>& map, const Shape& shape) {
  REQUIRE(map.shape() == shape);
  const auto values = context.to_host(map);
  for (std::size_t row = 0; row < values.size(); row += 5) {
    double sum = 0;
    for (std::size_t i = 0; i < 5; ++i) sum += static_cast<double>(values[row + i]);
    CHECK(close(sum, 1, 1e-5));
  }
}

}  // namespace

TEST_CASE("The pooler of a configuration is of the requested kind", "[poolers]") {
  const auto same = [](Pooling kind, const auto& pooler) {
    const auto any = random_pooler<AnyPooler<Near>>({kind, sizes});
    CHECK(any.input_width == pooler.input_width);
    CHECK(any.embed_dim == pooler.embed_dim);
    CHECK(any.tokens == pooler.tokens);
    CHECK(any.width == pooler.width);
    Context<Near> context;
    const auto x = encoded(context, 2);
    const auto one = any(context, x), other = pooler(context, x);
    CHECK(context.to_host(one.pooled) == context.to_host(other.pooled));
    CHECK(context.to_host(one.tokens) == context.to_host(other.tokens));
    CHECK(context.to_host(any.attention_map(context, x)) ==
          context.to_host(pooler.attention_map(context, x)));
  };
  same(Pooling::class_token, random_pooler<ClassTokenPooler<Near>>());
  same(Pooling::single, random_pooler<SinglePooler<Near>>());
  same(Pooling::parallel, random_pooler<ParallelPooler<Near>>());
  same(Pooling::cascade, random_pooler<CascadePooler<Near>>());
}

TEST_CASE("pooler_sizes are the configuration's", "[poolers]") {
  CHECK(pooler_sizes(plain) ==
        PoolerSizes{.width = 48, .tokens = 17, .embed_dim = 32, .queries = 9, .heads = 4});
}

TEST_CASE("Without attentional pooler the class token is projected, the others pass", "[poolers]") {
  const auto pooler = random_pooler<ClassTokenPooler<Near>>();
  Context<Near> context;
  const auto x = encoded(context, 2);
  const auto pooled = pooler(context, x);
  CHECK(pooled.pooled.shape() == Shape{2, 6});
  REQUIRE(pooled.tokens.shape() == Shape{2, 4, 8});
  // ln_post starts with weight 1 and bias 0.
  const Array<Near> ones = context.to_device(std::vector<float>(8, 1), Shape{8});
  const Array<Near> zeros = context.to_device(std::vector<float>(8, 0), Shape{8});
  const auto normed = context.to_host(layer_norm(context, x, ones, zeros));
  std::vector<float> patches(normed.begin() + 8, normed.begin() + 40);
  patches.insert(patches.end(), normed.begin() + 48, normed.end());
  CHECK(first_difference(context.to_host(pooled.tokens), patches, 1e-6) == "");
  check_map(context, pooler.attention_map(context, x), Shape{2, 1, 4, 5});
  CHECK(context.to_host(pooler.attention_map(context, x))[5 + 2] == 1);  // token 1 is patch 2
}

TEST_CASE("A single pooler's first query is the embedding's", "[poolers]") {
  const auto pooler = random_pooler<SinglePooler<Near>>();
  Context<Near> context;
  const auto x = encoded(context, 2);
  const auto pooled = pooler(context, x);
  CHECK(pooled.pooled.shape() == Shape{2, 6});
  CHECK(pooled.tokens.shape() == Shape{2, 3, 6});
  check_map(context, pooler.attention_map(context, x), Shape{2, 2, 4, 5});
}

TEST_CASE("Two poolers: the cascade attends to caption tokens, the parallel one does not",
          "[poolers]") {
  const auto parallel = random_pooler<ParallelPooler<Near>>();
  const auto cascade = random_pooler<CascadePooler<Near>>();
  Context<Near> context;
  const auto x = encoded(context, 2);
  const auto one = parallel(context, x), other = cascade(context, x);
  REQUIRE(one.tokens.shape() == Shape{2, 4, 6});
  CHECK(first_difference(context.to_host(one.tokens), context.to_host(other.tokens), 1e-6) == "");
  CHECK(first_difference(context.to_host(one.pooled), context.to_host(other.pooled), 1e-3) != "");
  check_map(context, cascade.attention_map(context, x), Shape{2, 2, 4, 5});
  std::vector<Shape> shapes;
  for_each_parameter(cascade, [&](const auto& parameter) {
    if (parameter.path() == "visual.attn_pool_contrastive.ln_k.weight")
      shapes.push_back(parameter.shape());
  });
  CHECK(shapes == std::vector<Shape>{Shape{6}});
}

TEST_CASE("select_tokens takes the same tokens of every entry", "[poolers]") {
  Context<Near> context;
  const std::vector<float> values{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  const auto x = context.to_device(values, Shape{2, 3, 2});
  const auto middle = coca::detail::select_tokens(context, x, 1, 1);
  CHECK(middle.shape() == Shape{2, 1, 2});
  CHECK(context.to_host(middle) == std::vector<float>{2, 3, 8, 9});
  CHECK(context.to_host(coca::detail::select_tokens(context, x, 0, 3)) == values);
}
