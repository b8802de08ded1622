#include "coca/nn/task_head.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "nn/layers.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

TaskHead<Near> small_head() {
  return {"vqa_head", {.width = 6, .key_width = 8, .heads = 2, .outputs = 4}};
}

}  // namespace

TEST_CASE("A head's parameters are below its name", "[task_head]") {
  const TaskHead<Near> head = small_head();
  std::vector<std::string> paths;
  TaskHead<Near>::for_each_parameter(
      head, [&](const auto& parameter) { paths.push_back(parameter.path()); });
  CHECK(paths.front() == "vqa_head.attn_pool.query");
  CHECK(paths[paths.size() - 2] == "vqa_head.weight");
  CHECK(paths.back() == "vqa_head.bias");
}

TEST_CASE("A head is its pooler with one query and a linear layer", "[task_head]") {
  TaskHead<Near> head = small_head();
  const auto weights = fill(head);
  AttentionalPooler<Near> pooler("vqa_head.attn_pool",
                                 {.width = 6, .key_width = 8, .queries = 1, .heads = 2});
  AttentionalPooler<Near>::for_each_parameter(pooler, [&](auto& parameter) {
    parameter.load(Near{}, source_of(parameter.shape(), weights.at(parameter.path())));
  });
  Context<Near> context;
  const auto tokens = random_array(context, {2, 5, 8}, 51);
  const auto logits = head(context, tokens);
  REQUIRE(logits.shape() == Shape{2, 4});
  const auto pooled = pooler(context, tokens);  // [2, 1, 6]
  for (std::size_t b = 0; b < 2; ++b)
    CHECK(first_difference(read(context, logits.slice(b, 1)),
                           plain_linear(read(context, pooled.slice(b, 1)),
                                        weights.at("vqa_head.weight"), weights.at("vqa_head.bias")),
                           1e-5) == "");
}

TEST_CASE("Hidden tokens change no bit of a head's logits", "[task_head]") {
  TaskHead<Near> head = small_head();
  fill(head);
  Context<Near> context;
  const auto tokens = random_array(context, {1, 3, 8}, 52),
             more = random_array(context, {1, 5, 8}, 53);
  const std::vector<float> own = context.to_host(tokens);
  std::vector<float> padded = context.to_host(more);
  std::copy(own.begin(), own.end(), padded.begin());
  const auto longer = context.to_device(padded, Shape{1, 5, 8});
  const auto hidden = context.to_device(std::vector<std::uint8_t>{0, 0, 0, 1, 1}, Shape{1, 5});
  const auto map = context.empty(Shape{1, 2, 1, 5});
  CHECK(context.to_host(head(context, longer, hidden, map)) ==
        context.to_host(head(context, tokens)));
  const auto looks = context.to_host(map);
  for (const std::size_t i : {3, 4, 8, 9}) CHECK(looks[i] == 0);
  CHECK(context.to_host(head(context, longer)) != context.to_host(head(context, tokens)));
}
