#pragma once
/// @file
/// A picture as tokens: patches from a convolution, preceded by a class token if there is one, with
/// positions.

#include <cmath>
#include <cstddef>
#include <optional>
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
    bool bias = false;  ///< of the convolution
    bool class_token = true;
  };

  /// @param path prefix of ".conv1.weight", ".conv1.bias", ".class_embedding" and
  ///             ".positional_embedding"
  PatchEmbedding(const ParameterPath& path, const Options& options)
      : options_(options),
        conv1_(path + ".conv1.weight", {options.width, 3, options.patch_size, options.patch_size},
               Initializer::normal(
                   1 / std::sqrt(static_cast<float>(3 * options.patch_size * options.patch_size)))),
        positional_embedding_(path + ".positional_embedding", {tokens(), options.width},
                              deviation(options), ParameterRole::position) {
    if (options.bias)
      bias_.emplace(path + ".conv1.bias", Shape{options.width}, Initializer::constant(0),
                    ParameterRole::bias);
    if (options.class_token)
      class_embedding_.emplace(path + ".class_embedding", Shape{options.width}, deviation(options),
                               ParameterRole::query);
  }

  /// 1 or 0: class tokens before the patches.
  std::size_t class_tokens() const noexcept { return options_.class_token ? 1 : 0; }
  /// Patches and the class token, if there is one.
  std::size_t tokens() const noexcept {
    const std::size_t side = options_.image_size / options_.patch_size;
    return side * side + class_tokens();
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
    const Array<B> patches =
        linear(context, windows, conv1_.value(), {.bias = bias_ ? bias_->value() : Array<B>()});
    const Array<B>& positions = positional_embedding_.value();
    Array<B> output = context.empty(Shape{batch, tokens(), width});
    if (class_embedding_)
      write_tokens(context, class_embedding_->value().reshaped({1, 1, width}), positions, 0,
                   output);
    write_tokens(context, patches, positions, class_tokens(), output);
    return output;
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.conv1_, self.bias_, self.class_embedding_,
                     self.positional_embedding_);
  }

 private:
  static Initializer deviation(const Options& options) {
    return Initializer::normal(1 / std::sqrt(static_cast<float>(options.width)));
  }

  Options options_;
  MatrixParameter<B> conv1_;
  std::optional<ArrayParameter<B>> bias_;
  std::optional<ArrayParameter<B>> class_embedding_;
  ArrayParameter<B> positional_embedding_;
};

}  // namespace coca
