#pragma once
/// @file
/// Videos with models of pictures: captions over the tokens of all frames (VideoCoCa, arXiv
/// 2212.04979), and the mean embedding of the frames.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/pipelines/caption.hpp"
#include "coca/pipelines/encode.hpp"

namespace coca {

/// A model that captions pictures and whose image encoder and pooler can be called by themselves.
template <class M>
concept VideoCaptionModel = CaptionModel<M> && requires(const M model) {
  model.image_encoder();
  model.pooler();
};

namespace detail {

/// Whether a pooler gathers the captioner's tokens by queries, from however many there are.
template <class PoolerType>
bool gathers_tokens(const PoolerType& pooler) {
  if constexpr (requires { pooler.gathers_tokens(); })
    return pooler.gathers_tokens();
  else
    return false;
}

}  // namespace detail

/// What the captioner looks at in a video. Attentional poolers gather their usual number of tokens
/// from those of all frames, as in VideoCoCa; of other poolers, the tokens of all frames follow one
/// another.
/// @param pixels [frames, 3, image_size, image_size] -> [1, tokens, width]
template <VideoCaptionModel Model>
Array<typename Model::backend_type> clip_tokens(Context<typename Model::backend_type>& context,
                                                const Model& model,
                                                const Array<typename Model::backend_type>& pixels) {
  const auto all = [](const auto& x) {
    return x.reshaped({1, x.shape()[0] * x.shape()[1], x.shape()[2]});
  };
  const auto frames = model.image_encoder()(context, pixels);  // [frames, encoder tokens, width]
  if (detail::gathers_tokens(model.pooler())) return model.pooler()(context, all(frames)).tokens;
  return all(model.pooler()(context, frames).tokens);
}

/// Captions of one video, best first.
/// @param frames preprocessed, in the order of the video
/// @throws ArgumentError for no frames or invalid options; Error if the scores are NaN
template <VideoCaptionModel Model>
std::vector<Caption> caption_clip(Context<typename Model::backend_type>& context,
                                  const Model& model, const AnyTokenizer& tokenizer,
                                  std::span<const Pixels> frames,
                                  const GenerationOptions& options = {}) {
  expect_vocabulary(model, tokenizer);
  if (frames.empty()) throw ArgumentError("a video without frames cannot be captioned");
  const auto tokens = clip_tokens(context, model, to_device(context, frames));
  return std::move(caption_tokens(context, model, tokenizer, tokens, options).front());
}

/// The embedding of a video: the mean of the embeddings of its frames, which have norm 1, divided
/// by its own norm. @return [1, width]
/// @throws ArgumentError for no frames; Error if the frames cancel out
inline Embeddings mean_embedding(const Embeddings& frames) {
  if (frames.count == 0) throw ArgumentError("a video without frames has no embedding");
  std::vector<double> sum(frames.width, 0.0);
  for (std::size_t i = 0; i < frames.values.size(); ++i)
    sum[i % frames.width] += double{frames.values[i]};
  double squares = 0;
  for (const double value : sum) squares += value * value;
  if (!(squares > 0)) throw Error("the embeddings of a video's frames cancel out");
  Embeddings mean{{}, 1, frames.width};
  for (const double value : sum)
    mean.values.push_back(static_cast<float>(value / std::sqrt(squares)));
  return mean;
}

}  // namespace coca
