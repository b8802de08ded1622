#pragma once
/// @file
/// Pictures and texts to embeddings, on the host.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/models/config.hpp"
#include "coca/models/poolers.hpp"
#include "coca/nn/token_embedding.hpp"
#include "coca/text/tokenizer.hpp"

namespace coca {

/// Embeddings on the host, [count, width], each of Euclidean norm 1.
struct Embeddings {
  std::vector<float> values;
  std::size_t count = 0;
  std::size_t width = 0;

  std::span<const float> operator[](std::size_t row) const {
    return std::span<const float>(values).subspan(row * width, width);
  }
};

/// The preprocessing that an image encoder of that size expects, otherwise OpenCLIP's.
constexpr PreprocessConfig preprocess_config(std::size_t image_size) {
  PreprocessConfig config;
  config.height = config.width = image_size;
  return config;
}

/// A picture as the input of a configuration's encoder. @return [3, image_size, image_size]
template <VisionConfig config>
Pixels preprocess(const Image& image) {
  return preprocess(image, preprocess_config(detail::size(config.image_size)));
}

/// Pictures as the input of a model. @return [batch, 3, height, width]
/// @throws ShapeError for no pictures or pictures of different sizes.
template <Backend B>
Array<B> to_device(Context<B>& context, std::span<const Pixels> pictures) {
  const PixelBatch batch = stack(pictures);
  const std::vector<typename B::value_type> values(batch.values.begin(), batch.values.end());
  return context.to_device(values, Shape{batch.batch, batch.channels, batch.height, batch.width});
}

/// Whether a tokenizer can be that of a model. Ids beyond the model's vocabulary have no embedding.
/// A smaller vocabulary may be right, as some models have rows to spare, but not if its last
/// word ends texts, as in CLIP's: the model's own is another row.
inline bool fits_vocabulary(const AnyTokenizer& tokenizer, std::size_t vocab_size) {
  const auto words = static_cast<std::size_t>(tokenizer.vocab_size());
  const bool ends_with_last = tokenizer.end_id() + 1 == tokenizer.vocab_size();
  return words == vocab_size || (words < vocab_size && !ends_with_last);
}

/// @throws ArgumentError for a tokenizer that cannot be the model's.
template <class Model>
void expect_vocabulary(const Model& model, const AnyTokenizer& tokenizer) {
  if (!fits_vocabulary(tokenizer, model.vocab_size))
    throw ArgumentError("the tokenizer has " + counted(tokenizer.vocab_size(), "word") +
                        ", the model knows " + std::to_string(model.vocab_size) +
                        ": give the tokenizer that the model was trained with");
}

/// Texts as a model reads them, each at most `context_length` tokens (longer ones are cut, as
/// OpenCLIP does).
/// @return [texts, context_length]
inline Tokens to_tokens(const AnyTokenizer& tokenizer, std::span<const std::string> texts,
                        std::size_t context_length) {
  TokenRows rows = tokenize(tokenizer, texts, context_length);
  return {std::move(rows.ids), rows.texts, rows.context_length};
}

namespace detail {

template <Backend B>
Embeddings to_embeddings(const Context<B>& context, const Array<B>& array) {
  const auto values = context.to_host(array);
  Embeddings embeddings{{values.begin(), values.end()}, array.shape()[0], array.shape()[1]};
  for (const float value : embeddings.values)
    if (!std::isfinite(value))
      throw Error(
          "the embedding is not finite: the model's weights or the picture's values hold NaN or "
          "infinity");
  return embeddings;
}

}  // namespace detail

/// Embeddings of pictures. @throws Error if they are not finite.
template <class Model>
Embeddings embed_images(Context<typename Model::backend_type>& context, const Model& model,
                        std::span<const Pixels> pictures) {
  if (pictures.empty()) return {{}, 0, model.embed_dim};
  return detail::to_embeddings(context,
                               model.encode_image(context, to_device(context, pictures)).embedding);
}

/// Embeddings of tokens [texts, length]. @throws Error if they are not finite.
template <class Model>
Embeddings embed_tokens(Context<typename Model::backend_type>& context, const Model& model,
                        const Tokens& tokens) {
  return detail::to_embeddings(context, model.encode_text(context, tokens).embedding);
}

/// Embeddings of texts, some at a time so that memory stays bounded.
/// @throws Error if they are not finite; ArgumentError for a tokenizer that is not the model's.
template <class Model>
Embeddings embed_texts(Context<typename Model::backend_type>& context, const Model& model,
                       const AnyTokenizer& tokenizer, std::span<const std::string> texts) {
  expect_vocabulary(model, tokenizer);
  constexpr std::size_t chunk = 32;
  Embeddings all{{}, texts.size(), model.embed_dim};
  for (std::size_t first = 0; first < texts.size(); first += chunk) {
    const auto some = texts.subspan(first, std::min(chunk, texts.size() - first));
    const Embeddings embeddings =
        embed_tokens(context, model, to_tokens(tokenizer, some, model.context_length));
    all.values.insert(all.values.end(), embeddings.values.begin(), embeddings.values.end());
  }
  return all;
}

/// Cosine similarity of two embeddings.
inline float similarity(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * double{b[i]};
  return static_cast<float>(sum);
}

}  // namespace coca
