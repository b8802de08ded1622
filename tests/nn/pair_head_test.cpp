#include "coca/nn/pair_head.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace pair_head_test {

namespace {

PairHead<Near> small_head(PairHeadKind kind) {
  return {"pair_head", {.width = 6, .key_width = 8, .heads = 2, .outputs = 2, .kind = kind}};
}

std::vector<std::string> paths_of(const PairHead<Near>& head) {
  std::vector<std::string> paths;
  PairHead<Near>::for_each_parameter(
      head, [&](const auto& parameter) { paths.push_back(parameter.path()); });
  return paths;
}

}  // namespace

TEST_CASE("Only a head with a hidden layer has its weights", "[pair_head]") {
  const auto plain = paths_of(small_head(PairHeadKind::linear));
  const auto deep = paths_of(small_head(PairHeadKind::mlp));
  CHECK(plain.front() == "pair_head.attn_pool.query");
  CHECK(plain.back() == "pair_head.bias");
  CHECK(std::count(plain.begin(), plain.end(), "pair_head.hidden.weight") == 0);
  CHECK(std::count(deep.begin(), deep.end(), "pair_head.hidden.weight") == 1);
  CHECK(deep.size() == plain.size() + 2);
  CHECK(small_head(PairHeadKind::mlp).kind() == PairHeadKind::mlp);
  CHECK(small_head(PairHeadKind::linear).kind() == PairHeadKind::linear);
}

TEST_CASE("A pair's head classifies what one query gathers of both pictures", "[pair_head]") {
  for (const PairHeadKind kind : {PairHeadKind::linear, PairHeadKind::mlp}) {
    PairHead<Near> head = small_head(kind);
    const auto weights = fill(head);
    AttentionalPooler<Near> pooler("pair_head.attn_pool",
                                   {.width = 6, .key_width = 8, .queries = 1, .heads = 2});
    AttentionalPooler<Near>::for_each_parameter(pooler, [&](auto& parameter) {
      parameter.load(Near{}, source_of(parameter.shape(), weights.at(parameter.path())));
    });
    Context<Near> context;
    const auto tokens = random_array(context, {4, 5, 8}, 51);  // two samples
    const auto logits = head(context, tokens);
    REQUIRE(logits.shape() == Shape{2, 2});
    const auto pooled = read(context, pooler(context, tokens));  // [4, 1, 6]
    for (std::size_t sample = 0; sample < 2; ++sample) {
      const auto first = pooled.begin() + static_cast<std::ptrdiff_t>(12 * sample);
      Numbers both(first, first + 12);  // left, then right
      if (kind == PairHeadKind::mlp) {
        both = plain_linear(both, weights.at("pair_head.hidden.weight"),
                            weights.at("pair_head.hidden.bias"));
        for (double& x : both) x *= 0.5 * (1 + std::erf(x / std::sqrt(2.0)));
      }
      CHECK(first_difference(
                read(context, logits.slice(sample, 1)),
                plain_linear(both, weights.at("pair_head.weight"), weights.at("pair_head.bias")),
                1e-5) == "");
    }
  }
}

TEST_CASE("A pair's head needs both pictures", "[pair_head]") {
  PairHead<Near> head = small_head(PairHeadKind::linear);
  fill(head);
  Context<Near> context;
  CHECK_THROWS_WITH(head(context, random_array(context, {3, 5, 8}, 51)),
                    "a head on two pictures got the tokens of 3 pictures, expected an even number");
}

}  // namespace pair_head_test
