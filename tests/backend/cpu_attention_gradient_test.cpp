#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backend/bench.hpp"
#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"

namespace ops = coca::ops;
using coca::testing::add_columns;
using coca::testing::attention_gradients;
using coca::testing::call;
namespace {

using coca::InstructionSet;
using coca::Shape;
using Array = coca::Tensor<float>;
using coca::testing::Random;

Array array(const Shape& shape, const std::vector<float>& values) {
  Array made(coca::Buffer<coca::HostMemory>::allocate(shape.size() * sizeof(float)), shape);
  std::copy(values.begin(), values.end(), made.data());
  return made;
}

struct GradientCase {
  std::size_t batch, queries, keys, heads, head_width;
  bool causal = false, hidden = false, listed = false;
};

/// Inputs of one case: queries in separate rows, keys and values side by side.
struct GradientProblem {
  coca::AttentionArguments<float, coca::HostMemory> arguments;
  Array output, output_gradient;

  explicit GradientProblem(const GradientCase& c) {
    Random random(c.queries * 1000 + c.keys);
    const std::size_t width = c.heads * c.head_width, key_count = c.batch * c.keys;
    const auto normals = [&](const Shape& shape) {
      return array(shape, random.normals(shape.size()));
    };
    auto& a = arguments;
    a.batch = c.batch;
    a.heads = c.heads;
    a.query_tokens = c.queries;
    a.key_tokens = c.keys;
    a.causal = c.causal;
    a.query = {normals({c.batch * c.queries, width + 3}), 2, width};
    const Array pairs = normals({key_count, 2 * width});
    a.key = {pairs, 0, width};
    a.value = {pairs, width, width};
    const coca::Cpu<> cpu({.threads = 1});
    if (c.hidden) {
      a.hidden_keys = cpu.allocate<std::uint8_t>({c.batch, c.keys});
      for (std::size_t i = 0; i < key_count; ++i)
        a.hidden_keys.data()[i] = i % c.keys != 0 && random.below(3) == 0 ? 1 : 0;
    }
    if (c.listed) {
      a.key_rows = cpu.allocate<std::int32_t>({c.batch, c.keys});
      for (std::size_t i = 0; i < key_count; ++i)
        a.key_rows.data()[i] = static_cast<std::int32_t>(random.below(key_count));
    }
    output = cpu.allocate<float>({c.batch * c.queries, width});
    call<ops::Attention>(cpu, a, output);
    output_gradient = normals({c.batch * c.queries, width});
  }

  /// Gradients of queries, then those of keys and values, all added to ones.
  template <class B>
  std::vector<float> gradients(const B& backend) const {
    const std::size_t query_size = arguments.query.rows.size(),
                      key_size = arguments.key.rows.size();
    const Array query = array(arguments.query.rows.shape(), std::vector<float>(query_size, 1.0f));
    const Array pairs = array(arguments.key.rows.shape(), std::vector<float>(key_size, 1.0f));
    call<ops::AttentionGradient>(
        backend, arguments, output, output_gradient,
        attention_gradients(add_columns(query, 2, arguments.query.width),
                            add_columns(pairs, 0, arguments.query.width),
                            add_columns(pairs, arguments.query.width, arguments.query.width)));
    std::vector<float> all(query.data(), query.data() + query_size);
    all.insert(all.end(), pairs.data(), pairs.data() + key_size);
    return all;
  }
};

double largest_difference(const std::vector<float>& actual, const std::vector<float>& expected) {
  double worst = 0;
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const double size = std::max(1.0, std::abs(double{expected[i]}));
    const double error = std::abs(double{actual[i]} - double{expected[i]}) / size;
    worst = error <= worst ? worst : error;
  }
  return worst;
}

}  // namespace

TEST_CASE("attention's gradient over more queries than one block, around tiles and panels",
          "[cpu]") {
  // A block is 18 tiles of 14 queries with AVX-512 and of 6 elsewhere.
  const GradientCase cases[] = {{1, 300, 40, 1, 8},
                                {2, 109, 33, 2, 5},
                                {1, 260, 260, 1, 17, true},
                                {1, 111, 130, 1, 64, true, true},
                                {2, 15, 31, 3, 33, false, true, true}};
  for (const GradientCase& c : cases) {
    const GradientProblem problem(c);
    const auto expected = problem.gradients(coca::Reference<float>());
    for (const auto set :
         {InstructionSet::baseline, InstructionSet::avx2, InstructionSet::avx512}) {
      if (set > coca::detail::best_instruction_set()) continue;
      INFO(coca::to_string(set) << " " << c.queries << " queries, " << c.keys << " keys");
      const coca::Cpu<> cpu({.threads = 3, .instruction_set = set});
      const auto actual = problem.gradients(cpu);
      CHECK(largest_difference(actual, expected) <= 2e-5);
      CHECK(actual == problem.gradients(cpu));
    }
  }
}

TEST_CASE("a query that sees no key has no effect", "[cpu]") {
  GradientProblem problem({1, 6, 6, 1, 4, true});
  problem.arguments.hidden_keys = coca::Cpu<>().allocate<std::uint8_t>({1, 6});
  std::fill_n(problem.arguments.hidden_keys.data(), 6, std::uint8_t{0});
  problem.arguments.hidden_keys.data()[0] = 1;  // all that query 0 could see
  const coca::Cpu<> cpu({.threads = 1});
  call<ops::Attention>(cpu, problem.arguments, problem.output);
  CHECK(std::isnan(problem.output.data()[0]));
  const auto actual = problem.gradients(cpu);
  CHECK(largest_difference(actual, problem.gradients(coca::Reference<float>())) <= 2e-5);
  for (std::size_t i = 0; i < 4; ++i) CHECK(actual[2 + i] == 1.0f);
}

TEST_CASE("absent gradients of attention are not computed", "[cpu]") {
  const GradientProblem problem({1, 20, 30, 2, 8});
  const coca::Cpu<> cpu({.threads = 1});
  const auto all = problem.gradients(cpu);
  const std::size_t width = problem.arguments.query.width;
  const Array query = array(problem.arguments.query.rows.shape(),
                            std::vector<float>(problem.arguments.query.rows.size(), 1.0f));
  call<ops::AttentionGradient>(
      cpu, problem.arguments, problem.output, problem.output_gradient,
      coca::AttentionGradients<float, coca::HostMemory>{.query = add_columns(query, 2, width)});
  CHECK(std::equal(query.data(), query.data() + query.size(), all.begin()));
  const Array pairs = array(problem.arguments.key.rows.shape(),
                            std::vector<float>(problem.arguments.key.rows.size(), 1.0f));
  call<ops::AttentionGradient>(
      cpu, problem.arguments, problem.output, problem.output_gradient,
      coca::AttentionGradients<float, coca::HostMemory>{.value = add_columns(pairs, width, width)});
  for (std::size_t i = 0; i < pairs.size(); ++i)
    REQUIRE(pairs.data()[i] == (i % (2 * width) < width ? 1.0f : all[query.size() + i]));
}
