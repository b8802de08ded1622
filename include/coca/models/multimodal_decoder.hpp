#pragma once
/// @file
/// The decoder that reads the text tower's tokens, attends to the picture's, and predicts the next
/// word.

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "coca/models/text_decoder.hpp"
#include "coca/nn/multimodal_block.hpp"

namespace coca {

/// A multimodal decoder and the sizes of its inputs and outputs.
struct MultimodalDecoderOptions {
  MultimodalConfig config{};
  int vocab_size = 49408;
  int image_token_width = 512;  ///< must equal the decoder's own
};

template <Backend B>
class MultimodalDecoder {
 public:
  using backend_type = B;
  using Options = MultimodalDecoderOptions;

  std::size_t width, image_token_width, vocab_size;

  /// @param path prefix of all parameters, "text_decoder" in OpenCLIP's checkpoints
  /// @throws ArgumentError for a configuration that does not fit together.
  explicit MultimodalDecoder(const MultimodalDecoderOptions& options,
                             const std::string& path = "text_decoder")
      : width(detail::size(checked(options.config, options.image_token_width).width)),
        image_token_width(detail::size(options.image_token_width)),
        vocab_size(detail::size(options.vocab_size)),
        heads_(detail::size(options.config.heads)),
        blocks_(make_blocks(options.config, path)),
        ln_final_(path + ".ln_final", width),
        text_projection_(detail::projection<B>(path + ".text_projection", width, vocab_size,
                                               MatrixUse::few_rows)) {}

  /// text tokens [batch, length, width], image tokens [batch, tokens, width]
  /// -> logits [batch, length, vocab_size]; row t predicts the word after t.
  Array<B> operator()(Context<B>& context, const Array<B>& text_tokens,
                      const Array<B>& image_tokens) const {
    return linear(context, features(context, text_tokens, image_tokens), projection());
  }

  /// The same before the projection to the vocabulary: [batch, length, width]
  Array<B> features(Context<B>& context, const Array<B>& text_tokens,
                    const Array<B>& image_tokens) const {
    const auto run = [&context, image_tokens](const auto& block, const Array<B>& input) {
      return block(context, input, block.project(context, image_tokens));
    };
    return ln_final_(
        context,
        std::visit([&](const auto& stack) { return stack(context, text_tokens, run); }, blocks_));
  }

  /// [vocab_size, width]
  const typename B::Matrix& projection() const { return text_projection_.value(); }

  /// Where each word attends: [batch, heads, length, image tokens] per layer, first to last.
  std::vector<Array<B>> attention_maps(Context<B>& context, const Array<B>& text_tokens,
                                       const Array<B>& image_tokens) const {
    std::vector<Array<B>> maps;
    std::visit(
        [&](const auto& stack) {
          Array<B> x = text_tokens;
          for (const auto& block : stack.blocks()) {
            maps.push_back(
                context.empty(Shape{x.shape()[0], heads_, x.shape()[1], image_tokens.shape()[1]}));
            x = block(context, x, block.project(context, image_tokens),
                      {.probabilities = maps.back()});
          }
        },
        blocks_);
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
    std::visit(
        [&](const auto& stack) {
          cache.layers = stack.make_caches(context, capacity, width);
          for (const auto& block : stack.blocks())
            cache.image.push_back(block.project(context, image_tokens));
        },
        blocks_);
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
    const auto extend_block = [&](const auto& block, std::size_t layer, const Array<B>& x) {
      return block.extend(context, x, cache.layers[layer], step, cache.image[layer],
                          {.key_rows = cache.image_rows});
    };
    const Array<B> x = std::visit(
        [&](const auto& stack) { return stack.extend(text_tokens, extend_block); }, blocks_);
    const Array<B> last = detail::select_tokens(context, x, step.new_tokens - 1, 1);
    return linear(context, ln_final_(context, last.reshaped({step.batch, width})), projection());
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit_parameters(visit, self.blocks_, self.ln_final_, self.text_projection_);
  }

 private:
  using OpenClipBlocks = BlockStack<B, OpenClipMultimodalBlock<B>>;
  using PaperBlocks = BlockStack<B, PaperMultimodalBlock<B>>;
  using Blocks = std::variant<OpenClipBlocks, PaperBlocks>;

  static Blocks make_blocks(const MultimodalConfig& config, const std::string& path) {
    const BlockOptions options = detail::block_options(config, MatrixUse::few_rows);
    const std::size_t layers = detail::size(config.layers);
    const auto place = [&](std::size_t index) { return ParameterPath(path, layers - index); };
    if (config.design == MultimodalDesign::paper)
      return PaperBlocks(layers, [&](std::size_t index) {
        return PaperMultimodalBlock<B>(place(index), index, options);
      });
    return OpenClipBlocks(layers, [&](std::size_t index) {
      return OpenClipMultimodalBlock<B>(place(index), index, options);
    });
  }

  std::size_t heads_;
  Blocks blocks_;
  LayerNorm<B> ln_final_;
  MatrixParameter<B> text_projection_;
};

}  // namespace coca
