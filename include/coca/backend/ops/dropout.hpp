#pragma once
/// @file
/// Dropout, and stochastic depth: dropout of whole samples.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "coca/backend/operands.hpp"
#include "coca/core/error.hpp"
#include "coca/core/random.hpp"

namespace coca {

/// What is dropped: a function of only (seed, step, layer, element), so that it is the same
/// whenever a step is recomputed, on any device and with any number of threads.
///
/// Element e belongs to draw d = e / group. Draw d is word d % 4 of philox(seed, step,
/// layer * 2^40 + d / 4), and its elements are kept where that, as a uniform number, is at least
/// the rate.
struct Dropping {
  float rate = 0.0f;  ///< how much is dropped, in [0, 1); what is kept is divided by 1 - rate
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint32_t layer = 0;
  std::size_t group = 1;  ///< elements dropped together: all of a sample, or each separately

  /// Draws 4 * block to 4 * block + 3: 1 / (1 - rate) for what is kept, else 0.
  std::array<float, 4> factors(std::size_t block) const {
    const auto words = philox(seed, step, (std::uint64_t{layer} << 40) + block);
    std::array<float, 4> result{};
    for (std::size_t i = 0; i < 4; ++i)
      result[i] = to_uniform(words[i]) >= rate ? 1.0f / (1.0f - rate) : 0.0f;
    return result;
  }
};

namespace ops {

/// input gradient = output gradient times the factors that the input was multiplied with.
template <class T, class M>
struct DropoutGradient {
  static constexpr const char* name = "dropout_gradient";
  In<T, M> output_gradient;
  Dropping dropping;
  Update<T, M> input_gradient;  ///< as output gradient; nothing: not computed

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("output_gradient", self.output_gradient...);
    visit("dropping", self.dropping...);
    visit("input_gradient", self.input_gradient...);
  }

  void check() const {
    if (input_gradient)
      expect_shape(input_gradient, output_gradient.shape(), "dropout_gradient: input gradient");
  }
};

/// output = input / (1 - rate), or 0 for what is dropped, see Dropping.
template <class T, class M>
struct Dropout {
  static constexpr const char* name = "dropout";
  using Gradients = OperationList<DropoutGradient<T, M>>;
  In<T, M> input;
  Dropping dropping;
  Out<T, M> output{};  ///< as input

  template <class Visit, class... Self>
  static void fields(Visit&& visit, Self&... self) {
    visit("input", self.input...);
    visit("dropping", self.dropping...);
    visit("output", self.output...);
  }

  Shape output_shape() const { return input.shape(); }

  /// @throws ArgumentError for a rate outside [0, 1), or empty groups.
  void check() const {
    if (!(dropping.rate >= 0 && dropping.rate < 1))
      throw ArgumentError("dropout: the rate must be at least 0 and below 1, got " +
                          std::to_string(dropping.rate));
    if (dropping.group == 0) throw ArgumentError("dropout: no elements in a group");
  }

  template <class Pass>
  void backward(Pass& g) const {
    g.run(DropoutGradient<T, M>{g.of(output), dropping, g.update(input)});
  }
};

/// What a backend that trains runs of these.
template <class B>
using DropoutOperations = OperationList<On<B, Dropout>>;

}  // namespace ops
}  // namespace coca
