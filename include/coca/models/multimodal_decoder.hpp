#pragma once
/// @file
/// The decoder that reads the text tower's tokens, attends to the picture's, and predicts the next
/// word.

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "coca/autograd/recompute.hpp"
#include "coca/models/text_decoder.hpp"
#include "coca/nn/multimodal_block.hpp"

namespace coca {

/// @tparam vocabulary    words
/// @tparam image_width   width of the picture's tokens; must equal the decoder's
template <MultimodalConfig config, int vocabulary, int image_width, Backend B>
class MultimodalDecoder {
  static_assert(config.width > 0 && config.heads > 0 && config.width % config.heads == 0,
                "MultimodalConfig: width must be a multiple of heads");
  static_assert(config.layers > 0 && config.mlp_width > 0,
                "MultimodalConfig: layers and mlp_width must be positive");
  static_assert(
      image_width == config.width,
      "MultimodalConfig: width must equal the width of the image tokens (embed_dim with an "
      "attentional pooler, the vision width without)");

  using Block = std::conditional_t<config.design == MultimodalDesign::open_clip,
                                   OpenClipMultimodalBlock<B>, PaperMultimodalBlock<B>>;

 public:
  using backend_type = B;
  static constexpr std::size_t width = detail::size(config.width);
  static constexpr std::size_t image_token_width = detail::size(image_width);
  static constexpr std::size_t vocab_size = detail::size(vocabulary);

  /// @param path prefix of all parameters, "text_decoder" in OpenCLIP's checkpoints
  explicit MultimodalDecoder(const std::string& path = "text_decoder")
      : ln_final_(path + ".ln_final", width),
        text_projection_(detail::projection<B>(path + ".text_projection", width, vocab_size,
                                               MatrixUse::few_rows)) {
    const BlockOptions options = detail::block_options(config, MatrixUse::few_rows);
    for (int layer = 0; layer < config.layers; ++layer)
      blocks_.emplace_back(path, static_cast<std::size_t>(layer), options);
  }

  /// text tokens [batch, length, width], image tokens [batch, tokens, width]
  /// -> logits [batch, length, vocab_size]; row t predicts the word after t.
  Array<B> operator()(Context<B>& context, const Array<B>& text_tokens,
                      const Array<B>& image_tokens) const {
    return linear(context, features(context, text_tokens, image_tokens), projection());
  }

  /// The same before the projection to the vocabulary: [batch, length, width]
  Array<B> features(Context<B>& context, const Array<B>& text_tokens,
                    const Array<B>& image_tokens) const {
    Array<B> x = text_tokens;
    for (const auto& block : blocks_)
      x = recomputed(context, x, [&context, &block, image_tokens](const Array<B>& input) {
        return block(context, input, block.project(context, image_tokens));
      });
    return ln_final_(context, x);
  }

  /// [vocab_size, width]
  const typename B::Matrix& projection() const { return text_projection_.value(); }

  /// Where each word attends: [batch, heads, length, image tokens] per layer, first to last.
  std::vector<Array<B>> attention_maps(Context<B>& context, const Array<B>& text_tokens,
                                       const Array<B>& image_tokens) const {
    std::vector<Array<B>> maps;
    Array<B> x = text_tokens;
    for (const auto& block : blocks_) {
      maps.push_back(context.empty(
          Shape{x.shape()[0], detail::size(config.heads), x.shape()[1], image_tokens.shape()[1]}));
      x = block(context, x, block.project(context, image_tokens), {.probabilities = maps.back()});
    }
    return maps;
  }

  /// Keys and values of the words decoded so far, and of the pictures that they are about.
  struct Cache {
    std::vector<KvCache<B>> layers;
    std::vector<ProjectedTokens<B>> image;
    Indices<B> image_rows;  // [sequences, image tokens]; empty: sequence i attends to picture i
  };

  /// image tokens [pictures, tokens, width]
  Cache make_cache(Context<B>& context, const Array<B>& image_tokens, std::size_t capacity) const {
    Cache cache;
    for (const auto& block : blocks_) {
      cache.layers.emplace_back(context, capacity, width);
      cache.image.push_back(block.project(context, image_tokens));
    }
    return cache;
  }

  /// Sets which picture each sequence attends to from now on.
  void look_at(Context<B>& context, Cache& cache, const std::vector<std::size_t>& pictures) const {
    const std::size_t tokens = cache.image.front().tokens;
    std::vector<std::int32_t> rows;
    rows.reserve(pictures.size() * tokens);
    for (const std::size_t picture : pictures)
      for (std::size_t t = 0; t < tokens; ++t)
        rows.push_back(static_cast<std::int32_t>(picture * tokens + t));
    cache.image_rows = context.to_device(rows, Shape{pictures.size(), tokens});
  }

  /// New words after those in the cache: text tokens [sequences, new tokens, width]
  /// -> logits [sequences, vocab_size] of what follows the last one.
  Array<B> extend(Context<B>& context, const Array<B>& text_tokens, Cache& cache,
                  const CacheStep<B>& step) const {
    Array<B> x = text_tokens;
    for (std::size_t layer = 0; layer < blocks_.size(); ++layer)
      x = blocks_[layer].extend(context, x, cache.layers[layer], step, cache.image[layer],
                                {.key_rows = cache.image_rows});
    const Array<B> last = detail::select_tokens(context, x, step.new_tokens - 1, 1);
    return linear(context, ln_final_(context, last.reshaped({step.batch, width})), projection());
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    for (auto& block : self.blocks_) Block::for_each_parameter(block, visit);
    LayerNorm<B>::for_each_parameter(self.ln_final_, visit);
    visit(self.text_projection_);
  }

 private:
  std::vector<Block> blocks_;
  LayerNorm<B> ln_final_;
  MatrixParameter<B> text_projection_;
};

}  // namespace coca
