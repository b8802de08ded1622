#pragma once
/// @file
/// Classification of pictures: an image encoder, a pooler and a linear layer (Dosovitskiy et al.
/// 2021, arXiv 2010.11929).

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/models/concepts.hpp"
#include "coca/nn/linear.hpp"

namespace coca {

/// Any image encoder and pooler that fit together, with any number of classes. The
/// encoder's parameters have the same names as in a CLIP or a CoCa, so that their weights can be
/// loaded; the linear layer is "head".
template <ImageEncoder Encoder, Pooler PoolerType>
class ImageClassifier {
  static_assert(std::same_as<typename PoolerType::backend_type, typename Encoder::backend_type>,
                "ImageClassifier: all components must have the same backend");

 public:
  using backend_type = typename Encoder::backend_type;
  using B = backend_type;

  /// A model without weights: load them, or call initialize.
  /// @throws ArgumentError for fewer than two classes; ShapeError for a pooler of other widths.
  ImageClassifier(std::size_t class_count, Encoder encoder, PoolerType pooler, B backend = B{})
      : image_size(encoder.image_size),
        encoder_tokens(encoder.tokens),
        encoder_width(encoder.width),
        embed_dim(pooler.embed_dim),
        classes(checked(class_count)),
        backend_(std::move(backend)),
        encoder_(std::move(encoder)),
        pooler_(std::move(pooler)),
        head_("head", {.in = pooler_.embed_dim, .out = class_count, .deviation = 0.01f}) {
    if (encoder_.width != pooler_.input_width)
      throw ShapeError("ImageClassifier: the pooler reads tokens of width " +
                       std::to_string(pooler_.input_width) + ", the encoder's have " +
                       std::to_string(encoder_.width));
  }

  /// The same, of components that are made from their paths only.
  explicit ImageClassifier(std::size_t class_count, B backend = B{}) requires(
      std::constructible_from<Encoder, std::string>&&
          std::constructible_from<PoolerType, std::string>)
      : ImageClassifier(class_count, Encoder("visual"), PoolerType("visual"), std::move(backend)) {}

  std::size_t image_size = 0;      ///< side in pixels
  std::size_t encoder_tokens = 0;  ///< of the encoder
  std::size_t encoder_width = 0;   ///< of each of them
  std::size_t embed_dim = 0;       ///< of what the linear layer reads
  std::size_t classes = 0;

  const B& backend() const noexcept { return backend_; }
  const Encoder& image_encoder() const noexcept { return encoder_; }
  const PoolerType& pooler() const noexcept { return pooler_; }

  /// pixels [batch, 3, image_size, image_size] -> [batch, embed_dim]
  Array<B> encode_image(Context<B>& context, const Array<B>& pixels) const {
    return pool(context, encoder_(context, pixels));
  }

  /// The second half of encode_image, such as for tokens that a frozen encoder gave before.
  /// tokens [batch, encoder_tokens, encoder_width] -> [batch, embed_dim]
  Array<B> pool(Context<B>& context, const Array<B>& tokens) const {
    return pooler_(context, tokens).pooled;
  }

  /// The same from only some of the encoder's tokens, if the encoder can leave out others.
  /// @param kept_tokens [batch, kept], rows of [batch * encoder_tokens]
  Array<B> encode_image(Context<B>& context, const Array<B>& pixels,
                        const Indices<B>& kept_tokens) const requires
      requires(const Encoder& encoder) {
    encoder(context, pixels, kept_tokens);
  }
  { return pool(context, encoder_(context, pixels, kept_tokens)); }

  /// [batch, embed_dim] of encode_image -> logits [batch, classes]
  Array<B> classify(Context<B>& context, const Array<B>& pooled) const {
    return head_(context, pooled);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    Encoder::for_each_parameter(self.encoder_, visit);
    PoolerType::for_each_parameter(self.pooler_, visit);
    Linear<B>::for_each_parameter(self.head_, visit);
  }

 private:
  static std::size_t checked(std::size_t classes) {
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    if (classes < 2 || classes > most)
      throw ArgumentError("a classifier of " + counted(classes, "class", "classes") +
                          " was requested, expected at least 2");
    return classes;
  }

  B backend_;
  Encoder encoder_;
  PoolerType pooler_;
  Linear<B> head_;
};

}  // namespace coca
