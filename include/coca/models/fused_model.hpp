#pragma once
/// @file
/// A contrastive captioner that reads texts about pictures to conclude something from them, instead
/// of writing captions (arXiv 2205.01917, section 3.3 and appendix B): what its models share.

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "coca/models/concepts.hpp"
#include "coca/models/visible_texts.hpp"

namespace coca {

/// A captioner whose multimodal decoder gives its outputs before the words: any CoCaModel whose
/// decoder has `features`.
template <class M>
concept FusesTexts = requires(const M model, Context<typename M::backend_type>& context,
                              const Array<typename M::backend_type> x, const Tokens tokens) {
  { model.encode_image(context, x).tokens } -> std::convertible_to<Array<typename M::backend_type>>;
  {
    model.encode_text(context, tokens).tokens
    } -> std::convertible_to<Array<typename M::backend_type>>;
  {
    model.multimodal_decoder().features(context, x, x)
    } -> std::same_as<Array<typename M::backend_type>>;
  { model.multimodal_decoder().width } -> std::convertible_to<std::size_t>;
};

/// The captioner within a model of a task. Its parameters keep their names, so that any checkpoint
/// of the captioner can be loaded.
template <class Captioner>
class FusedModel {
  static_assert(FusesTexts<Captioner>,
                "FusedModel: a CoCaModel is needed whose multimodal decoder has features(), its "
                "outputs before they are projected to words");

 public:
  using backend_type = typename Captioner::backend_type;
  using B = backend_type;
  using captioner_type = Captioner;

  explicit FusedModel(Captioner captioner)
      : image_size(captioner.image_size),
        encoder_tokens(captioner.encoder_tokens),
        context_length(captioner.context_length),
        vocab_size(captioner.vocab_size),
        captioner_(std::move(captioner)) {}

  std::size_t image_size = 0;      ///< side in pixels
  std::size_t encoder_tokens = 0;  ///< of the image encoder
  std::size_t context_length = 0;  ///< most tokens of a text
  std::size_t vocab_size = 0;

  const B& backend() const noexcept { return captioner_.backend(); }
  const Captioner& captioner() const noexcept { return captioner_; }
  const auto& image_encoder() const noexcept { return captioner_.image_encoder(); }
  const auto& multimodal_decoder() const noexcept { return captioner_.multimodal_decoder(); }

  /// pixels [batch, 3, image_size, image_size] -> what texts are read about
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels) const {
    return captioner_.encode_image(context, pixels);
  }

  /// The same from only some of the encoder's tokens, if the encoder can leave out others.
  /// @param kept_tokens [batch, kept], rows of [batch * encoder_tokens]
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels,
                                const Indices<B>& kept_tokens) const requires
      requires(const Captioner& captioner) {
    captioner.encode_image(context, pixels, kept_tokens);
  }
  { return captioner_.encode_image(context, pixels, kept_tokens); }

  /// What the multimodal decoder makes of texts, one about each picture or about each `pictures`
  /// neighbouring ones. Each token's row depends only on the tokens up to it.
  /// @param image_tokens [batch * pictures, image tokens, width] of encode_image
  /// @param tokens       [batch, length], padded
  /// @return [batch * pictures, length, width], after the decoder's last norm
  Array<B> read(Context<B>& context, const Array<B>& image_tokens, const Tokens& tokens,
                std::size_t pictures = 1) const {
    const Array<B> text = captioner_.encode_text(context, tokens).tokens;  // [batch, length, width]
    return multimodal_decoder().features(context, repeated(context, text, pictures), image_tokens);
  }

  /// Calls visit(parameter) for each parameter of the captioner.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    Captioner::for_each_parameter(self.captioner_, visit);
  }

 private:
  // [batch, length, width] -> [batch * times, length, width], the copies of each text together.
  static Array<B> repeated(Context<B>& context, const Array<B>& text, std::size_t times) {
    if (times == 1) return text;
    const Shape shape = text.shape();
    std::vector<std::int32_t> rows;
    for (std::size_t i = 0; i < shape[0] * times; ++i)
      rows.push_back(static_cast<std::int32_t>(i / times));
    return gather_rows(context, text.reshaped({shape[0], shape[1] * shape[2]}),
                       context.to_device(rows, Shape{rows.size()}))
        .reshaped({shape[0] * times, shape[1], shape[2]});
  }

  Captioner captioner_;
};

namespace detail {

/// @throws ArgumentError for fewer than two outputs, or too many to count.
inline std::size_t checked_outputs(std::size_t outputs) {
  constexpr std::size_t most = 1'000'000;
  if (outputs < 2 || outputs > most)
    throw ArgumentError("a head with " + std::to_string(outputs) +
                        " outputs was requested, expected 2 to " + std::to_string(most));
  return outputs;
}

/// @throws ArgumentError if the decoder's width is no multiple of the head's.
inline std::size_t checked_heads(std::size_t heads, std::size_t width) {
  if (heads == 0 || width % heads != 0)
    throw ArgumentError("a head with " + std::to_string(heads) +
                        " attention heads was requested: the multimodal decoder's width of " +
                        std::to_string(width) + " must be a multiple of them");
  return heads;
}

}  // namespace detail

}  // namespace coca
