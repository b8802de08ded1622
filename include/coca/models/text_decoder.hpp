#pragma once
/// @file
/// The text towers: CoCa's unimodal text decoder with its class token, and CLIP's text encoder.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coca/models/block_options.hpp"
#include "coca/models/config_rules.hpp"
#include "coca/models/poolers.hpp"
#include "coca/nn/kv_cache.hpp"
#include "coca/nn/token_embedding.hpp"
#include "coca/nn/transformer_block.hpp"

namespace coca {

/// A text, encoded.
template <Backend B>
struct TextFeatures {
  Array<B> latent;     ///< [batch, embed_dim], before normalisation
  Array<B> embedding;  ///< [batch, embed_dim], of Euclidean norm 1
  Array<B> tokens;     ///< [batch, length, width], input of the multimodal decoder; empty in Clip
};

/// A text tower: its transformer, and the width of its embedding.
struct TextTowerOptions {
  TextConfig config{};
  int embed_dim = 512;
};

/// CoCa's text tower: causal blocks over the words and a class token after them, whose row becomes
/// the embedding, while the rows of the words go to the multimodal decoder.
///
/// Keys of padding are hidden as in OpenCLIP: key j (from 1) if token j - 1 is padding,
/// which is off by one (the class token sees one position of padding, and not itself) but is what
/// every published checkpoint was trained with. TextConfig::correct_cls_mask does what was meant.
template <Backend B>
class TextDecoder {
 public:
  using backend_type = B;
  using Options = TextTowerOptions;

  std::size_t context_length, vocab_size, width, embed_dim;

  /// @param path prefix of all parameters, "text" in OpenCLIP's checkpoints
  /// @throws ArgumentError for a configuration that does not fit together.
  explicit TextDecoder(const TextTowerOptions& options, const std::string& path = "text")
      : context_length(detail::size(checked_decoder(options.config).context_length)),
        vocab_size(detail::size(options.config.vocab_size)),
        width(detail::size(options.config.width)),
        embed_dim(detail::size(options.embed_dim)),
        pad_id_(options.config.pad_id),
        correct_cls_mask_(options.config.correct_cls_mask),
        embedding_(ParameterPath(path + ".", detail::size(options.config.layers) + 1),
                   {.vocab_size = vocab_size, .positions = context_length + 1, .width = width}),
        cls_emb_(ParameterPath(path + ".cls_emb", detail::size(options.config.layers) + 1), {width},
                 Initializer::normal(0.01f), ParameterRole::query),
        blocks_(detail::transformer_blocks<B>(path + ".", options.config, MatrixUse::few_rows)),
        ln_final_(path + ".ln_final", width, {.epsilon = options.config.norm_epsilon.value()}),
        text_projection_(detail::projection<B>(path + ".text_projection", width, embed_dim,
                                               MatrixUse::few_rows)) {}

  /// tokens [batch, length], padded -> latent [batch, embed_dim] and tokens [batch, length, width]
  /// @throws ShapeError for more than context_length tokens, ArgumentError for unknown ids.
  TextFeatures<B> operator()(Context<B>& context, const Tokens& tokens) const {
    const std::size_t batch = tokens.batch, length = tokens.length;
    Array<B> x = context.empty(Shape{batch, length + 1, width});
    write_tokens(context, embedding_(context, tokens), Array<B>{}, 0, x);
    write_tokens(context, cls_emb_.value().reshaped({1, 1, width}), embedding_.positions(), length,
                 x);
    const AttentionMask<B> mask{
        .causal = true,
        .hidden_keys = context.to_device(hidden_keys(tokens), Shape{batch, length + 1})};
    x = blocks_(context, x,
                [&context, mask](const TransformerBlock<B>& block, const Array<B>& input) {
                  return block(context, input, mask);
                });
    const Array<B> last = detail::select_tokens(context, x, length, 1).reshaped({batch, width});
    const Array<B> latent = linear(context, ln_final_(context, last), text_projection_.value());
    return {latent, l2_normalize(context, latent), detail::select_tokens(context, x, 0, length)};
  }

  /// Keys and values of the words decoded so far.
  struct Cache {
    std::vector<KvCache<B>> layers;
    std::vector<std::int32_t> token_of_row;  // the word in each cache row
  };

  Cache make_cache(Context<B>& context, std::size_t capacity) const {
    return {blocks_.make_caches(context, capacity, width), std::vector<std::int32_t>(capacity)};
  }

  /// New words after those in the cache: tokens [sequences, new tokens] -> [sequences, new tokens,
  /// width]
  /// @param rows the table of the cache, the new rows included; fresh: only the new rows
  Array<B> extend(Context<B>& context, const Tokens& tokens, Cache& cache, const CacheStep<B>& step,
                  const std::vector<std::int32_t>& rows,
                  const std::vector<std::int32_t>& fresh) const {
    for (std::size_t i = 0; i < fresh.size(); ++i)
      cache.token_of_row[static_cast<std::size_t>(fresh[i])] = tokens.ids[i];
    const auto hidden = hidden_keys(cache, rows, step.length);
    const bool any = std::any_of(hidden.begin(), hidden.end(), [](auto flag) { return flag != 0; });
    const auto hidden_on_device = any ? context.to_device(hidden, Shape{step.batch, step.length})
                                      : Tensor<std::uint8_t, typename B::memory_type>{};
    return blocks_.extend(
        embedding_(context, tokens, step.length - step.new_tokens),
        [&](const TransformerBlock<B>& block, std::size_t layer, const Array<B>& x) {
          return block.extend(context, x, cache.layers[layer], step, hidden_on_device);
        });
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.embedding_, self.cls_emb_, self.blocks_, self.ln_final_,
                     self.text_projection_);
  }

 private:
  // [batch, length + 1], the class token last.
  std::vector<std::uint8_t> hidden_keys(const Tokens& tokens) const {
    const std::size_t shift = correct_cls_mask_ ? 0 : 1;
    std::vector<std::uint8_t> hidden(tokens.batch * (tokens.length + 1), 0);
    for (std::size_t b = 0; b < tokens.batch; ++b)
      for (std::size_t t = 0; t < tokens.length; ++t)
        hidden[b * (tokens.length + 1) + t + shift] = tokens(b, t) == pad_id_ ? 1 : 0;
    return hidden;
  }

  // [sequences, length] of cached rows.
  std::vector<std::uint8_t> hidden_keys(const Cache& cache, const std::vector<std::int32_t>& rows,
                                        std::size_t length) const {
    const std::size_t shift = correct_cls_mask_ ? 0 : 1;
    std::vector<std::uint8_t> hidden(rows.size(), 0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const bool key_0 = i % length == 0 && shift == 1;  // nothing precedes it
      if (key_0) continue;
      const auto row = static_cast<std::size_t>(rows[i - shift]);
      hidden[i] = cache.token_of_row[row] == pad_id_ ? 1 : 0;
    }
    return hidden;
  }

  std::int32_t pad_id_;
  bool correct_cls_mask_;
  TokenEmbedding<B> embedding_;
  ArrayParameter<B> cls_emb_;
  BlockStack<B, TransformerBlock<B>> blocks_;
  LayerNorm<B> ln_final_;
  MatrixParameter<B> text_projection_;
};

/// CLIP's text tower: blocks, causal or not, then `ln_final` and the projection of one row: in CLIP
/// that of the largest id, which is the end token (OpenCLIP's TextTransformer without class token).
/// Padding is visible, so without a causal mask texts must be padded as the model was trained.
template <Backend B>
class ClipTextEncoder {
 public:
  using backend_type = B;
  using Options = TextTowerOptions;

  std::size_t context_length, vocab_size, width, embed_dim;

  /// @param path prefix of all parameters, with its point; "" in OpenAI's and most checkpoints
  /// @throws ArgumentError for a configuration that does not fit together.
  explicit ClipTextEncoder(const TextTowerOptions& options, const std::string& path = "")
      : context_length(detail::size(checked(options.config).context_length)),
        vocab_size(detail::size(options.config.vocab_size)),
        width(detail::size(options.config.width)),
        embed_dim(detail::size(options.embed_dim)),
        embedding_(ParameterPath(path, detail::size(options.config.layers) + 1),
                   {.vocab_size = vocab_size, .positions = context_length, .width = width}),
        blocks_(detail::transformer_blocks<B>(path, options.config, MatrixUse::many_rows)),
        ln_final_(path + "ln_final", width, {.epsilon = options.config.norm_epsilon.value()}),
        text_projection_(make_projection(path + "text_projection", options)),
        causal_(!options.config.no_causal_mask),
        pool_type_(options.config.pool_type),
        eos_id_(options.config.eos_id) {
    if (options.config.proj_bias)
      proj_bias_.emplace(path + "text_projection.bias", Shape{embed_dim}, Initializer::constant(0),
                         ParameterRole::bias);
  }

  /// tokens [batch, length], padded -> latent [batch, embed_dim]
  /// @throws ShapeError for more than context_length tokens, ArgumentError for unknown ids.
  TextFeatures<B> operator()(Context<B>& context, const Tokens& tokens) const {
    if (tokens.length == 0) throw ShapeError("a text needs at least one token");
    const AttentionMask<B> mask{.causal = causal_};
    const Array<B> x =
        blocks_(context, embedding_(context, tokens),
                [&context, mask](const TransformerBlock<B>& block, const Array<B>& input) {
                  return block(context, input, mask);
                });
    std::vector<std::int32_t> pooled;
    for (std::size_t b = 0; b < tokens.batch; ++b)
      pooled.push_back(static_cast<std::int32_t>(b * tokens.length + pooled_token(tokens, b)));
    const auto indices = context.to_device(pooled, Shape{pooled.size()});
    const Array<B> normed = ln_final_(context, gather_rows(context, x, indices));
    const Array<B> latent = linear(context, normed, text_projection_.value(),
                                   {.bias = proj_bias_ ? proj_bias_->value() : Array<B>()});
    return {latent, l2_normalize(context, latent), {}};
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.embedding_, self.blocks_, self.ln_final_, self.text_projection_,
                     self.proj_bias_);
  }

 private:
  // Stored as [width, embed_dim]; with a bias as torch.nn.Linear stores it.
  static MatrixParameter<B> make_projection(const std::string& path,
                                            const TextTowerOptions& options) {
    const std::size_t in = detail::size(options.config.width);
    const std::size_t out = detail::size(options.embed_dim);
    if (!options.config.proj_bias) return detail::projection<B>(path, in, out);
    return MatrixParameter<B>(path + ".weight", {out, in},
                              Initializer::normal(1 / std::sqrt(static_cast<float>(in))));
  }

  // Which token of a text becomes its embedding.
  std::size_t pooled_token(const Tokens& tokens, std::size_t text) const {
    const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(text * tokens.length);
    const auto end = begin + static_cast<std::ptrdiff_t>(tokens.length);
    switch (pool_type_) {
      case TextPooling::first:
        return 0;
      case TextPooling::last:
        return tokens.length - 1;
      case TextPooling::eos: {
        const auto found = std::find(begin, end, eos_id_);
        return found == end ? 0 : static_cast<std::size_t>(found - begin);
      }
      case TextPooling::argmax:
        break;
    }
    return static_cast<std::size_t>(std::max_element(begin, end) - begin);
  }

  TokenEmbedding<B> embedding_;
  BlockStack<B, TransformerBlock<B>> blocks_;
  LayerNorm<B> ln_final_;
  MatrixParameter<B> text_projection_;
  std::optional<ArrayParameter<B>> proj_bias_;
  bool causal_;
  TextPooling pool_type_;
  std::int32_t eos_id_;
};

}  // namespace coca
