#pragma once
/// @file
/// The contrastive captioner (arXiv 2205.01917), composed of an image encoder, a pooler, a text
/// decoder and a multimodal decoder.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/models/concepts.hpp"
#include "coca/models/contrastive_logits.hpp"
#include "coca/models/multimodal_decoder.hpp"
#include "coca/models/runtime_model.hpp"
#include "coca/models/vision_transformer.hpp"

namespace coca {

namespace detail {

// Sizes are template arguments of small checkers, so that the compiler's message shows both
// numbers.
template <std::size_t encoder_width, std::size_t pooler_input_width>
struct PoolerReadsEncoder {
  static_assert(may_equal(encoder_width, pooler_input_width),
                "CoCaModel: the pooler's input_width must equal the image encoder's width");
  static constexpr bool value = true;
};
template <std::size_t image_embed_dim, std::size_t text_embed_dim>
struct EmbeddingsMeet {
  static_assert(may_equal(image_embed_dim, text_embed_dim),
                "CoCaModel: pooler and text decoder must have the same embed_dim");
  static constexpr bool value = true;
};
template <std::size_t text_width, std::size_t decoder_width>
struct DecoderReadsText {
  static_assert(may_equal(text_width, decoder_width),
                "CoCaModel: text decoder and multimodal decoder must have the same width");
  static constexpr bool value = true;
};
template <std::size_t image_token_width, std::size_t decoder_image_width>
struct DecoderReadsImage {
  static_assert(
      may_equal(image_token_width, decoder_image_width),
      "CoCaModel: the multimodal decoder's image_token_width must equal the pooler's width");
  static constexpr bool value = true;
};

}  // namespace detail

/// Any four components that fit together. Sizes that are constants of the components are compared
/// by the compiler, all others when the model is constructed.
///
/// A loaded model is immutable: threads may share it, each with its own Context.
template <ImageEncoder Encoder, Pooler PoolerType, CausalTextEncoder Text, CaptionDecoder Decoder>
class CoCaModel {
  static_assert(std::same_as<typename PoolerType::backend_type, typename Encoder::backend_type> &&
                    std::same_as<typename Text::backend_type, typename Encoder::backend_type> &&
                    std::same_as<typename Decoder::backend_type, typename Encoder::backend_type>,
                "CoCaModel: all components must have the same backend");
  static_assert(detail::PoolerReadsEncoder<detail::static_width<Encoder>,
                                           detail::static_read_width<PoolerType>>::value);
  static_assert(detail::EmbeddingsMeet<detail::static_embed_dim<PoolerType>,
                                       detail::static_embed_dim<Text>>::value);
  static_assert(
      detail::DecoderReadsText<detail::static_width<Text>, detail::static_width<Decoder>>::value);
  static_assert(detail::DecoderReadsImage<detail::static_width<PoolerType>,
                                          detail::static_read_width<Decoder>>::value);

 public:
  using backend_type = typename Encoder::backend_type;
  using B = backend_type;

  std::size_t image_size, encoder_tokens, embed_dim, context_length, vocab_size;

  /// A model of these components, without weights: load them, or call initialize.
  /// @throws ArgumentError for components that do not fit together.
  CoCaModel(Encoder encoder, PoolerType pooler, Text text, Decoder decoder, B backend = B{})
      : image_size(encoder.image_size),
        encoder_tokens(encoder.tokens),
        embed_dim(text.embed_dim),
        context_length(text.context_length),
        vocab_size(text.vocab_size),
        backend_(std::move(backend)),
        encoder_(std::move(encoder)),
        pooler_(std::move(pooler)),
        text_(std::move(text)),
        decoder_(std::move(decoder)) {
    expect_fit();
  }

  /// The same, of components that are constructed only from their paths.
  explicit CoCaModel(B backend = B{}) requires(
      std::constructible_from<Encoder, std::string>&& std::constructible_from<
          PoolerType, std::string>&& std::constructible_from<Text, std::string>&&
          std::constructible_from<Decoder, std::string>)
      : CoCaModel(Encoder("visual"), PoolerType("visual"), Text("text"), Decoder("text_decoder"),
                  std::move(backend)) {}

  const B& backend() const noexcept { return backend_; }
  const Encoder& image_encoder() const noexcept { return encoder_; }
  const PoolerType& pooler() const noexcept { return pooler_; }
  const Text& text_decoder() const noexcept { return text_; }
  const Decoder& multimodal_decoder() const noexcept { return decoder_; }
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

  /// pixels [batch, 3, image_size, image_size] -> embedding [batch, embed_dim] and caption tokens
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels) const {
    return pooled(context, encoder_(context, pixels));
  }

  /// The same from only some of the encoder's tokens, if the encoder can leave out others.
  /// @param kept_tokens [batch, kept], rows of [batch * encoder_tokens]
  ImageFeatures<B> encode_image(Context<B>& context, const Array<B>& pixels,
                                const Indices<B>& kept_tokens) const requires
      requires(const Encoder& encoder) {
    encoder(context, pixels, kept_tokens);
  }
  { return pooled(context, encoder_(context, pixels, kept_tokens)); }

  /// tokens [batch, length], padded -> embedding [batch, embed_dim] and tokens [batch, length,
  /// width]
  TextFeatures<B> encode_text(Context<B>& context, const Tokens& tokens) const {
    return text_(context, tokens);
  }

  /// The logits of given captions, [batch, length, vocab_size], row t for the token that
  /// follows token t.
  /// @param image_tokens [batch, tokens, width] of encode_image
  Array<B> caption_logits(Context<B>& context, const Array<B>& image_tokens,
                          const Tokens& tokens) const {
    return decoder_(context, text_(context, tokens).tokens, image_tokens);
  }

  /// Captions being generated: sequences of equal length, each about one picture.
  class Decoding {
   public:
    std::size_t sequences() const noexcept { return table_.sequences(); }
    std::size_t length() const noexcept { return table_.length(); }
    /// The picture that each sequence is about.
    const std::vector<std::size_t>& pictures() const noexcept { return pictures_; }

   private:
    friend class CoCaModel;
    SequenceTable table_;
    std::vector<std::size_t> pictures_;
    typename Text::Cache text_;
    typename Decoder::Cache decoder_;

    Decoding(SequenceTable table, std::vector<std::size_t> pictures, typename Text::Cache text,
             typename Decoder::Cache decoder)
        : table_(std::move(table)),
          pictures_(std::move(pictures)),
          text_(std::move(text)),
          decoder_(std::move(decoder)) {}
  };

  /// Starts with one empty sequence per picture.
  /// @param image_tokens [pictures, tokens, width] of encode_image
  /// @param capacity     cache rows: tokens of all sequences that will ever be added
  Decoding start_decoding(Context<B>& context, const Array<B>& image_tokens,
                          std::size_t capacity) const {
    const std::size_t pictures = image_tokens.shape()[0];
    std::vector<std::size_t> own(pictures);
    for (std::size_t i = 0; i < pictures; ++i) own[i] = i;
    Decoding decoding(SequenceTable(pictures, capacity), own, text_.make_cache(context, capacity),
                      decoder_.make_cache(context, image_tokens, capacity));
    decoder_.look_at(context, decoding.decoder_, own);
    return decoding;
  }

  /// Adds tokens [sequences, new tokens]. -> logits [sequences, vocab_size] of what follows the
  /// last. An error leaves the decoding unchanged.
  /// @throws ShapeError beyond context_length, ArgumentError for unknown ids or if the cache is
  /// full.
  Array<B> extend(Context<B>& context, Decoding& decoding, const Tokens& tokens) const {
    SequenceTable& table = decoding.table_;
    expect_extension(table, tokens);
    const std::vector<std::int32_t> fresh = table.append(tokens.length);
    const std::vector<std::int32_t> rows = table.rows();
    const CacheStep<B> step{
        .batch = tokens.batch,
        .new_tokens = tokens.length,
        .length = table.length(),
        .write_rows = context.to_device(fresh, Shape{fresh.size()}),
        .key_rows = context.to_device(rows, Shape{tokens.batch, table.length()})};
    const Array<B> text = text_.extend(context, tokens, decoding.text_, step, rows, fresh);
    return decoder_.extend(context, text, decoding.decoder_, step);
  }

  /// Sequence i continues the previous sequence parents[i]; their number may change.
  /// @throws ArgumentError for a parent that does not exist.
  void reorder(Context<B>& context, Decoding& decoding,
               const std::vector<std::size_t>& parents) const {
    decoding.table_.reorder(parents);
    std::vector<std::size_t> pictures;
    for (const std::size_t parent : parents) pictures.push_back(decoding.pictures_[parent]);
    if (pictures == decoding.pictures_) return;
    decoding.pictures_ = std::move(pictures);
    decoder_.look_at(context, decoding.decoder_, decoding.pictures_);
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.encoder_, self.pooler_, self.text_, self.decoder_, self.logits_);
  }

 private:
  void expect_fit() const {
    detail::expect_equal(
        pooler_.input_width, encoder_.width,
        "CoCaModel: the pooler's input_width must equal the image encoder's width");
    detail::expect_equal(pooler_.embed_dim, text_.embed_dim,
                         "CoCaModel: pooler and text decoder must have the same embed_dim");
    detail::expect_equal(text_.width, decoder_.width,
                         "CoCaModel: text decoder and multimodal decoder must have the same width");
    detail::expect_equal(
        decoder_.image_token_width, pooler_.width,
        "CoCaModel: the multimodal decoder's image_token_width must equal the pooler's width");
  }

  ImageFeatures<B> pooled(Context<B>& context, const Array<B>& encoded) const {
    PooledTokens<B> tokens = pooler_(context, encoded);
    return {tokens.pooled, l2_normalize(context, tokens.pooled), std::move(tokens.tokens)};
  }

  void expect_extension(const SequenceTable& table, const Tokens& tokens) const {
    if (tokens.batch != table.sequences())
      throw ShapeError("extend: got tokens for " + counted(tokens.batch, "sequence") +
                       ", expected " + std::to_string(table.sequences()));
    if (tokens.length == 0) throw ShapeError("extend: got no tokens");
    if (table.length() + tokens.length > context_length)
      throw ShapeError("extend: " + counted(table.length() + tokens.length, "token") +
                       " are more than the context of " + std::to_string(context_length));
    expect_known_tokens(tokens, vocab_size);
  }

  B backend_;
  Encoder encoder_;
  PoolerType pooler_;
  Text text_;
  Decoder decoder_;
  ContrastiveLogits<B> logits_;
};

/// The standard composition, for a configuration known at run time.
template <Backend B>
class StandardCoCa
    : public CoCaModel<VisionTransformer<B>, AnyPooler<B>, TextDecoder<B>, MultimodalDecoder<B>> {
 public:
  using runtime_type = StandardCoCa;

  /// A model without weights: load them, or call initialize.
  /// @throws ArgumentError for a configuration that does not fit together.
  explicit StandardCoCa(const CoCaConfig& config, B backend = B{})
      : StandardCoCa::CoCaModel(
            VisionTransformer<B>(config.vision, "visual"), configured_pooler<B>(config, "visual"),
            TextDecoder<B>({config.text, config.embed_dim}, "text"),
            MultimodalDecoder<B>(
                {config.multimodal, config.text.vocab_size, config.caption_width()},
                "text_decoder"),
            std::move(backend)),
        config_(config) {
    this->set_initial_logit_scale(static_cast<float>(config.init_logit_scale.value()));
  }

  const CoCaConfig& config() const noexcept { return config_; }

 private:
  CoCaConfig config_;
};

/// The standard composition that a configuration describes, checked by the compiler. A thin type
/// over StandardCoCa, with sizes that are constants.
template <CoCaConfig configuration, Backend B>
class CoCa : public StandardCoCa<B> {
  static_assert(detail::CoCaRules<configuration>::hold);

 public:
  static constexpr std::size_t image_size = detail::size(configuration.vision.image_size);
  static constexpr std::size_t encoder_tokens = detail::size(configuration.vision.tokens());
  static constexpr std::size_t embed_dim = detail::size(configuration.embed_dim);
  static constexpr std::size_t context_length = detail::size(configuration.text.context_length);
  static constexpr std::size_t vocab_size = detail::size(configuration.text.vocab_size);

  /// A model without weights: load them, or call initialize.
  explicit CoCa(B backend = B{}) : StandardCoCa<B>(configuration, std::move(backend)) {}
};

}  // namespace coca
