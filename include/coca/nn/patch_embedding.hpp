#pragma once
/// @file
/// A picture as tokens: patches from a convolution without bias, preceded by a class token, with
/// positions.

#include <cmath>
#include <cstddef>
#include <string>

#include "coca/autograd/operations.hpp"
#include "coca/nn/parameter.hpp"

namespace coca {

template <Backend B>
class PatchEmbedding {
 public:
  struct Options {
    std::size_t image_size = 224;
    std::size_t patch_size = 16;
    std::size_t width = 768;
  };

  /// @param path prefix of ".conv1.weight", ".class_embedding" and ".positional_embedding"
  PatchEmbedding(const ParameterPath& path, const Options& options)
      : options_(options),
        conv1_(path + ".conv1.weight", {options.width, 3, options.patch_size, options.patch_size},
               Initializer::normal(
                   1 / std::sqrt(static_cast<float>(3 * options.patch_size * options.patch_size)))),
        class_embedding_(path + ".class_embedding", {options.width}, deviation(options),
                         ParameterRole::query),
        positional_embedding_(path + ".positional_embedding", {tokens(), options.width},
                              deviation(options), ParameterRole::position) {}

  /// Patches and the class token.
  std::size_t tokens() const noexcept {
    const std::size_t side = options_.image_size / options_.patch_size;
    return side * side + 1;
  }

  /// pixels [batch, 3, height, width] -> [batch, tokens, width], patches in row-major order
  /// @throws ShapeError for pictures of another size.
  Array<B> operator()(Context<B>& context, const Array<B>& pixels) const {
    const std::size_t size = options_.image_size, width = options_.width;
    const std::size_t batch = pixels.shape()[0];
    expect_shape(pixels, {batch, 3, size, size}, "pixels");
    const Array<B> windows = unfold(context, pixels,
                                    {.channels = 3,
                                     .height = size,
                                     .width = size,
                                     .kernel = options_.patch_size,
                                     .stride = options_.patch_size});
    const Array<B> patches = linear(context, windows, conv1_.value());
    const Array<B>& positions = positional_embedding_.value();
    Array<B> output = context.empty(Shape{batch, tokens(), width});
    write_tokens(context, class_embedding_.value().reshaped({1, 1, width}), positions, 0, output);
    write_tokens(context, patches, positions, 1, output);
    return output;
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.conv1_, self.class_embedding_, self.positional_embedding_);
  }

 private:
  static Initializer deviation(const Options& options) {
    return Initializer::normal(1 / std::sqrt(static_cast<float>(options.width)));
  }

  Options options_;
  MatrixParameter<B> conv1_;
  ArrayParameter<B> class_embedding_;
  ArrayParameter<B> positional_embedding_;
};

}  // namespace coca
