#pragma once
/// @file
/// Cases of attention and of its gradient.

#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "backend/attention_case.hpp"
#include "backend/operation_cases.hpp"

namespace coca::testing {

/// Calls take(case) for every option, head width and number of tokens.
template <class Function>
void for_each_attention(const Function& take) {
  for (const bool causal : {false, true})
    for (const bool hidden : {false, true})
      for (const KeyRows rows : {KeyRows::in_order, KeyRows::shared, KeyRows::permuted})
        for (const bool fused : {false, true})
          for (const bool probabilities : {false, true})
            take({.batch = 3,
                  .queries = 5,
                  .keys = 9,
                  .heads = 2,
                  .head_width = 12,
                  .causal = causal,
                  .hidden = hidden,
                  .rows = rows,
                  .fused = fused,
                  .probabilities = probabilities});
  for (const std::size_t head_width : {1, 3, 5, 12, 16, 17, 33, 64, 65, 88, 130})
    for (const std::size_t heads : {1, 3})
      for (const bool fused : {false, true})
        take({.batch = 2,
              .queries = 7,
              .keys = 7,
              .heads = heads,
              .head_width = head_width,
              .causal = fused,
              .fused = fused});
  for (const std::size_t keys :
       {1, 2, 3, 8, 15, 16, 17, 31, 33, 50, 64, 65, 77, 129, 130, 257, 300})
    for (const std::size_t queries : {std::size_t{1}, (keys + 1) / 2, keys})
      for (const bool causal : {false, true})
        take({.batch = 1,
              .queries = queries,
              .keys = keys,
              .heads = 2,
              .head_width = 20,
              .causal = causal,
              .hidden = keys % 2 == 0});
  // A bias, a separate mask for each query, and another scale.
  for (const unsigned option : {1u, 2u, 3u, 4u, 7u})
    for (const KeyRows rows : {KeyRows::in_order, KeyRows::shared, KeyRows::permuted})
      for (const std::size_t head_width : {5, 32})
        take({.batch = 3,
              .queries = 5,
              .keys = 9,
              .heads = 2,
              .head_width = head_width,
              .causal = option == 1 || option == 7,
              .hidden = option == 2 || option == 7,
              .rows = rows,
              .fused = rows == KeyRows::in_order,
              .probabilities = true,
              .bias = (option & 1) != 0,
              .pairs = (option & 2) != 0,
              .score_scale = (option & 4) != 0 ? 0.3f : 0.0f});
  take({.batch = 2,
        .queries = 50,
        .keys = 65,
        .heads = 3,
        .head_width = 20,
        .bias = true,
        .pairs = true});
  // The same around the edges of blocks and tiles, and where queries are computed one by one.
  for (const std::size_t queries : {1, 3, 17, 40})
    for (const std::size_t keys : {40, 77})
      for (const bool bias : {false, true})
        for (const bool hidden : {false, true})
          take({.batch = 2,
                .queries = queries,
                .keys = keys,
                .heads = 2,
                .head_width = 12,
                .causal = hidden == bias,
                .hidden = hidden,
                .rows = bias ? KeyRows::in_order : KeyRows::permuted,
                .probabilities = true,
                .bias = bias,
                .pairs = hidden || !bias});
  // More queries than keys.
  take({.batch = 2, .queries = 256, .keys = 50, .heads = 3, .head_width = 8});
  take({.batch = 1, .queries = 9, .keys = 1, .heads = 1, .head_width = 5});
  // Scores of some hundreds, whose exponentials overflow unless the largest is taken off.
  for (const bool causal : {false, true})
    take({.batch = 2,
          .queries = 40,
          .keys = 40,
          .heads = 2,
          .head_width = 16,
          .causal = causal,
          .probabilities = true,
          .scale = 100});
}

template <>
struct Cases<Judged<ops::Attention>> {
  static void each(const Take<Judged<ops::Attention>>& take) {
    Random random(20);
    const auto take_case = [&](const AttentionCase& c) {
      const AttentionInputs inputs(c, random);
      Bench<Judge> bench{Judge()};
      take({.arguments = inputs.on(bench),
            .output = ops::Out(bench.output({c.batch * c.queries, c.width()}))},
           within(inputs.tolerance()));
    };
    for_each_attention(take_case);
    // Decoding steps.
    for (const std::size_t keys : {1, 6, 20, 77})
      take_case({.batch = 12,
                 .queries = 1,
                 .keys = keys,
                 .heads = 4,
                 .head_width = 64,
                 .causal = true,
                 .hidden = true,
                 .rows = KeyRows::permuted,
                 .fused = true});
    // Six beams that share a picture of 255 tokens.
    take_case({.batch = 6,
               .queries = 1,
               .keys = 255,
               .heads = 4,
               .head_width = 64,
               .rows = KeyRows::shared});
  }
};

template <>
struct Cases<Judged<ops::AttentionGradient>> {
  using Operation = Judged<ops::AttentionGradient>;

  static void each(const Take<Operation>& take) {
    Random random(80);
    const auto take_case = [&](AttentionCase c, Present present = {}) {
      c.probabilities = false;
      one(take, c, random, present);
    };
    for_each_attention(take_case);
    // Sequences that share the rows of one: queries of the poolers do, here keys.
    take_case({.batch = 17,
               .queries = 3,
               .keys = 33,
               .heads = 4,
               .head_width = 16,
               .hidden = true,
               .rows = KeyRows::shared});
    for (unsigned present = 0; present < 8; ++present)
      take_case({.batch = 2, .queries = 9, .keys = 17, .heads = 2, .head_width = 12},
                {(present & 1) != 0, (present & 2) != 0, (present & 4) != 0});
  }

 private:
  struct Present {
    bool query = true, key = true, value = true;
  };

  static void one(const Take<Operation>& take, const AttentionCase& c, Random& random,
                  const Present& present) {
    const AttentionInputs inputs(c, random);
    Part gradient(c.batch * c.queries, c.width(), 0, c.width());
    for (std::size_t r = 0; r < gradient.rows; ++r) gradient.fill(r, random, 1);
    Bench<Judge> bench{Judge()};
    Operation operation{.arguments = inputs.on(bench),
                        .output = {},
                        .output_gradient = gradient.on(bench).rows,
                        .gradients = {}};
    const auto output = bench.output({gradient.rows, gradient.width});
    Judge().run(Judged<ops::Attention>{operation.arguments, ops::Out(output)});
    operation.output = output;
    const auto place = [&](const Part& part, bool wanted) {
      AddColumns<double, HostMemory> columns{{}, part.first, part.width};
      if (wanted) columns.rows = ops::Add(start_of(part, random).on(bench).rows.tensor());
      return columns;
    };
    operation.gradients = {place(inputs.query, present.query),
                           place(inputs.key, present.key),
                           place(inputs.value, present.value),
                           {}};
    const Shape table{c.heads, c.queries, c.keys};
    if (c.bias)
      operation.gradients.bias = ops::Add(Arguments::array(random.normals(table.size()), table));
    take(operation, tolerance(inputs, gradient, present));
  }

  // What the gradients are added to: numbers in the columns that are used, NaN next to them.
  static Part start_of(const Part& like, Random& random) {
    Part part(like.rows, like.row_width, like.first, like.width);
    for (std::size_t r = 0; r < part.rows; ++r) part.fill(r, random, 1);
    return part;
  }

  // The gradient of a score is p (g v - mean), of two sums of products of which each is at most
  // |g| |v|; p has the score's error twice. Keys and values collect it from all queries.
  static Tolerance tolerance(const AttentionInputs& forward, const Part& gradient,
                             const Present& present) {
    const AttentionCase& c = forward.the;
    const double scale = c.scale_of_scores();
    const double queries =
        static_cast<double>(c.queries * (c.rows == KeyRows::shared ? c.batch : 1));
    const double terms = static_cast<double>(c.head_width) + static_cast<double>(c.keys) + queries;
    const double relative = 2 * forward.score_error() + (8 * std::sqrt(terms) + 32) * u;
    const double g = forward.longest(gradient);
    const double score = 2 * relative * g * forward.longest(forward.value) * scale;
    std::vector<double> each;  // of the outputs that are present, in the order of the fields
    if (present.query) each.push_back(score * forward.longest(forward.key));
    if (present.key) each.push_back(queries * score * forward.longest(forward.query));
    if (present.value) each.push_back(queries * relative * g);
    if (c.bias)
      each.push_back(2 * relative * g * forward.longest(forward.value) *
                     static_cast<double>(c.batch));
    return [each, next = std::size_t{0}](const std::string&,
                                         const std::vector<double>& expected) mutable {
      return std::vector<double>(expected.size(), each[next++ % each.size()] + 16 * u);
    };
  }
};

}  // namespace coca::testing
