#include "coca/autograd/recompute.hpp"

#include <vector>

#include "autograd/finite_differences.hpp"
#include "backend/call.hpp"
#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/nn/transformer_block.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

/// Two blocks, one after the other.
double two_blocks(GradientCheck& check, const TransformerBlock<Exact>& block,
                  const Array<Exact>& input) {
  auto x = input;
  for (int i = 0; i < 2; ++i)
    x = recomputed(check.context(), x, [&](const Array<Exact>& value) {
      return block(check.context(), value, {.causal = true});
    });
  return check.weighted_sum(x);
}

}  // namespace

TEST_CASE("the gradients of recomputed blocks are right", "[recompute]") {
  for (const bool recompute : {false, true}) {
    GradientCheck check({.recompute_blocks = recompute});
    TransformerBlock<Exact> block("block", {.width = 6, .heads = 2, .mlp_width = 8});
    check.parameters_of(block);
    const auto x = check.variable("input", {2, 3, 6});
    check([&] { return two_blocks(check, block, x); });
  }
}

TEST_CASE("a recomputed block is one operation on the tape", "[recompute]") {
  for (const bool recompute : {false, true}) {
    Context<Exact> context;
    Tape<Exact> tape(context, {.recompute_blocks = recompute});
    const auto x = context.to_device(std::vector<double>{1, 2}, Shape{1, 2});
    const auto gradient = context.to_device(std::vector<double>{0, 0}, Shape{1, 2});
    tape.watch(x, gradient);
    int runs = 0;
    const Recording<Exact> recording(context, &tape);
    const auto y = recomputed(context, x, [&](const Array<Exact>& value) {
      ++runs;
      return l2_normalize(context, l2_normalize(context, value));
    });
    CHECK(tape.size() == (recompute ? 1 : 2));
    CHECK(runs == 1);
    call<ops::Fill>(context.backend(), tape.gradient(y), 1.0f);
    tape.backward();
    CHECK(runs == (recompute ? 2 : 1));
    CHECK(tape.size() == 0);
  }
}

TEST_CASE("a block that depends on nothing watched passes no gradient on", "[recompute]") {
  Context<Exact> context;
  Tape<Exact> tape(context, {.recompute_blocks = true});
  const auto x = context.to_device(std::vector<double>{1, 2}, Shape{1, 2});
  const Recording<Exact> recording(context, &tape);
  const auto y = recomputed(
      context, x, [&](const Array<Exact>& value) { return l2_normalize(context, value); });
  if (tape.follows(y)) call<ops::Fill>(context.backend(), tape.gradient(y), 1.0f);
  tape.backward();
  CHECK(tape.size() == 0);
  CHECK(!tape.follows(x));
}
