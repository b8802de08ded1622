#pragma once
/// @file
/// CLIP (arXiv 2103.00020): an image encoder and a text encoder with a shared embedding space.

#include <concepts>
#include <cstddef>
#include <utility>

#include "coca/models/concepts.hpp"
#include "coca/models/contrastive_logits.hpp"
#include "coca/models/runtime_model.hpp"
#include "coca/models/vision_transformer.hpp"

namespace coca {

/// Any image encoder, pooler and text encoder that fit together. Sizes that are constants of the
/// components are compared by the compiler, all others when the model is made.
template <ImageEncoder Encoder, Pooler PoolerType, TextEncoder Text>
class ClipModel {
  static_assert(std::same_as<typename PoolerType::backend_type, typename Encoder::backend_type> &&
                    std::same_as<typename Text::backend_type, typename Encoder::backend_type>,
                "ClipModel: all components must have the same backend");
  static_assert(detail::may_equal(detail::static_width<Encoder>,
                                  detail::static_read_width<PoolerType>),
                "ClipModel: the pooler's input_width must equal the image encoder's width");
  static_assert(detail::may_equal(detail::static_embed_dim<PoolerType>,
                                  detail::static_embed_dim<Text>),
                "ClipModel: pooler and text encoder must have the same embed_dim");

 public:
  using backend_type = typename Encoder::backend_type;
  using B = backend_type;

  std::size_t image_size, encoder_tokens, embed_dim, context_length, vocab_size;

  /// A model of these components, without weights: load them, or call initialize.
  /// @throws ArgumentError for components that do not fit together.
  ClipModel(Encoder encoder, PoolerType pooler, Text text, B backend = B{})
      : image_size(encoder.image_size),
        encoder_tokens(encoder.tokens),
        embed_dim(text.embed_dim),
        context_length(text.context_length),
        vocab_size(text.vocab_size),
        backend_(std::move(backend)),
        encoder_(std::move(encoder)),
        pooler_(std::move(pooler)),
        text_(std::move(text)) {
    detail::expect_equal(
        pooler_.input_width, encoder_.width,
        "ClipModel: the pooler's input_width must equal the image encoder's width");
    detail::expect_equal(pooler_.embed_dim, text_.embed_dim,
                         "ClipModel: pooler and text encoder must have the same embed_dim");
  }

  /// The same, of components that are constructed only from their paths.
  explicit ClipModel(B backend = B{}) requires(
      std::constructible_from<Encoder, std::string>&& std::constructible_from<
          PoolerType, std::string>&& std::constructible_from<Text, std::string>)
      : ClipModel(Encoder("visual"), PoolerType("visual"), Text(""), std::move(backend)) {}

  const B& backend() const noexcept { return backend_; }
  const Encoder& image_encoder() const noexcept { return encoder_; }
  const PoolerType& pooler() const noexcept { return pooler_; }
  const Text& text_encoder() const noexcept { return text_; }
  /// Logarithm of the factor between cosine similarities and logits, a scalar.
  const Array<B>& logit_scale() const { return logits_.scale(); }
  /// Whether the similarities also have SigLIP's bias.
  bool has_logit_bias() const noexcept { return logits_.has_bias(); }
  /// The bias added to the logits, a scalar. @throws Error if there is none.
  const Array<B>& logit_bias() const { return logits_.bias(); }
  /// Adds SigLIP's bias to the model, a parameter like the others, initially -10. Call it before a
  /// Trainable binds the parameters; a model that has one is unchanged.
  void add_logit_bias() { logits_.add_bias(backend_); }
  /// What `initialize` gives logit_scale from now on; ln(1 / 0.07) if not called.
  void set_initial_logit_scale(float logarithm) { logits_.set_initial_scale(logarithm); }

  /// pixels [batch, 3, image_size, image_size] -> embedding [batch, embed_dim]
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels) const {
    const PooledTokens<B> pooled = pooler_(context, encoder_(context, pixels));
    return {pooled.pooled, l2_normalize(context, pooled.pooled), {}};
  }

  /// tokens [batch, length], padded -> embedding [batch, embed_dim]
  TextFeatures<B> encode_text(Context<B>& context, const Tokens& tokens) const {
    return text_(context, tokens);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.encoder_, self.pooler_, self.text_, self.logits_);
  }

 private:
  B backend_;
  Encoder encoder_;
  PoolerType pooler_;
  Text text_;
  ContrastiveLogits<B> logits_;
};

/// The standard composition, for a configuration known at run time.
template <Backend B>
class StandardClip : public ClipModel<VisionTransformer<B>, TokenPooler<B>, ClipTextEncoder<B>> {
 public:
  using runtime_type = StandardClip;

  /// A model without weights: load them, or call initialize.
  /// @throws ArgumentError for a configuration that does not fit together.
  explicit StandardClip(const ClipConfig& config, B backend = B{})
      : StandardClip::ClipModel(VisionTransformer<B>(config.vision, "visual"),
                                TokenPooler<B>(detail::token_pooler_options(config), "visual"),
                                ClipTextEncoder<B>({config.text, config.embed_dim}, ""),
                                std::move(backend)),
        config_(config) {
    this->set_initial_logit_scale(static_cast<float>(config.init_logit_scale.value()));
  }

  const ClipConfig& config() const noexcept { return config_; }

 private:
  ClipConfig config_;
};

/// The standard composition that a configuration describes, checked by the compiler. A thin type
/// over StandardClip, with sizes that are constants.
template <ClipConfig configuration, Backend B>
class Clip : public StandardClip<B> {
  static_assert(detail::ClipRules<configuration>::hold);

 public:
  static constexpr std::size_t image_size = detail::size(configuration.vision.image_size);
  static constexpr std::size_t encoder_tokens = detail::size(configuration.vision.tokens());
  static constexpr std::size_t embed_dim = detail::size(configuration.embed_dim);
  static constexpr std::size_t context_length = detail::size(configuration.text.context_length);
  static constexpr std::size_t vocab_size = detail::size(configuration.text.vocab_size);

  /// A model without weights: load them, or call initialize.
  explicit Clip(B backend = B{}) : StandardClip<B>(configuration, std::move(backend)) {}
};

}  // namespace coca
