#pragma once
/// @file
/// Classification of videos (arXiv 2205.01917, section 3.3): each frame through the image encoder,
/// one attentional pooler over the tokens of all frames, a linear layer.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/models/concepts.hpp"
#include "coca/nn/task_head.hpp"

namespace coca {

/// A pooler with a linear layer: tokens [batch, tokens, width] -> logits [batch, classes]. It is
/// made from a path and its Options, as a TaskHead is, and takes any number of tokens.
template <class H, class B>
concept TokenHead = Backend<B> && std::constructible_from<H, ParameterPath, typename H::Options> &&
    requires(const H head, Context<B>& context, const Array<B> tokens,
             const Tensor<std::uint8_t, typename B::memory_type> hidden) {
  { head(context, tokens, hidden, tokens) } -> std::same_as<Array<B>>;
};

/// Sizes of a VideoClassifier.
struct VideoClassifierOptions {
  std::size_t classes = 0;
  std::size_t frames = 16;  ///< of a clip; the most, if there are temporal positions
  std::size_t heads = 8;    ///< of the pooler
  /// Whether a learnt vector per frame, zero at first, is added to the tokens before the pooler.
  /// Without, the order of the frames has no effect.
  bool temporal_positions = false;
};

/// Any image encoder with a head over the tokens of all frames. The encoder's parameters have the
/// same names as in a CLIP or a CoCa, so that their weights can be loaded; the others begin with
/// "video_head".
template <ImageEncoder Encoder, class Head = TaskHead<typename Encoder::backend_type>>
requires TokenHead<Head, typename Encoder::backend_type>
class VideoClassifier {
 public:
  using backend_type = typename Encoder::backend_type;
  using B = backend_type;
  using Options = VideoClassifierOptions;

  /// A model without weights: load them, or call initialize.
  /// @throws ArgumentError for fewer than two classes or no frames
  VideoClassifier(const Options& options, Encoder encoder, B backend = B{})
      : image_size(encoder.image_size),
        encoder_tokens(encoder.tokens),
        encoder_width(encoder.width),
        classes(checked(options).classes),
        frames(options.frames),
        backend_(std::move(backend)),
        encoder_(std::move(encoder)),
        head_("video_head", {.width = encoder_.width,
                             .key_width = encoder_.width,
                             .heads = options.heads,
                             .outputs = options.classes}) {
    if (options.temporal_positions)
      temporal_positions_.emplace(ParameterPath("video_head.temporal_positions"),
                                  Shape{options.frames, encoder_.width}, Initializer::constant(0),
                                  ParameterRole::position);
  }

  std::size_t image_size = 0;      ///< side in pixels
  std::size_t encoder_tokens = 0;  ///< of the encoder, per frame
  std::size_t encoder_width = 0;   ///< of each of them
  std::size_t classes = 0;
  std::size_t frames = 0;  ///< see VideoClassifierOptions

  const B& backend() const noexcept { return backend_; }
  const Encoder& image_encoder() const noexcept { return encoder_; }
  bool has_temporal_positions() const noexcept { return temporal_positions_.has_value(); }

  /// pixels [batch * frames, 3, image_size, image_size], the frames of a clip one after the other
  /// -> [batch, frames * encoder_tokens, width]
  /// @throws ShapeError for pictures that are not whole clips
  Array<B> encode_frames(Context<B>& context, const Array<B>& pixels,
                         std::size_t clip_frames) const {
    const std::size_t pictures = pixels.shape()[0];
    if (clip_frames == 0 || pictures == 0 || pictures % clip_frames != 0)
      throw ShapeError(std::to_string(pictures) + " pictures are not clips of " +
                       std::to_string(clip_frames) + " frames");
    return encoder_(context, pixels)
        .reshaped({pictures / clip_frames, clip_frames * encoder_tokens, encoder_.width});
  }

  /// tokens [batch, frames * encoder_tokens, width] of encode_frames -> logits [batch, classes]
  /// @param probabilities [batch, heads, 1, frames * encoder_tokens], where the pooler looks,
  ///        written when present
  /// @throws ShapeError for tokens that are not those of whole frames, or of too many
  Array<B> classify(Context<B>& context, const Array<B>& tokens,
                    const Array<B>& probabilities = {}) const {
    const Shape& shape = tokens.shape();
    if (shape.rank() != 3 || shape[1] == 0 || shape[1] % encoder_tokens != 0)
      throw ShapeError("tokens " + to_string(shape) + " are not frames of " +
                       std::to_string(encoder_tokens) + " tokens each");
    const Array<B> placed =
        temporal_positions_ ? with_positions(context, tokens, shape[1] / encoder_tokens) : tokens;
    return head_(context, placed, {}, probabilities);
  }

  /// pixels as for encode_frames -> logits [batch, classes]
  Array<B> operator()(Context<B>& context, const Array<B>& pixels, std::size_t clip_frames) const {
    return classify(context, encode_frames(context, pixels, clip_frames));
  }

  /// Calls visit(parameter) for each parameter.
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    Encoder::for_each_parameter(self.encoder_, visit);
    visit_parameters(visit, self.temporal_positions_);
    Head::for_each_parameter(self.head_, visit);
  }

 private:
  static const Options& checked(const Options& options) {
    constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
    if (options.classes < 2 || options.classes > most)
      throw ArgumentError("a classifier of " + std::to_string(options.classes) +
                          " classes was requested, expected at least 2");
    if (options.frames == 0)
      throw ArgumentError("clips of 0 frames were requested, expected at least 1");
    return options;
  }

  /// Each frame's position added to all of its tokens.
  Array<B> with_positions(Context<B>& context, const Array<B>& tokens,
                          std::size_t clip_frames) const {
    if (clip_frames > frames)
      throw ShapeError("a clip of " + std::to_string(clip_frames) +
                       " frames was given to a model with positions for " + std::to_string(frames));
    std::vector<std::int32_t> rows;
    for (std::size_t frame = 0; frame < clip_frames; ++frame)
      rows.insert(rows.end(), encoder_tokens, static_cast<std::int32_t>(frame));
    const Array<B> positions = gather_rows(context, temporal_positions_->value(),
                                           context.to_device(rows, Shape{rows.size()}));
    Array<B> placed = context.empty(tokens.shape());
    write_tokens(context, tokens, positions, 0, placed);
    return placed;
  }

  B backend_;
  Encoder encoder_;
  std::optional<ArrayParameter<B>> temporal_positions_;
  Head head_;
};

}  // namespace coca
