#pragma once
/// @file
/// Answers to questions about pictures, and truth of sentences: from pixels and texts to
/// probabilities on the host.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "coca/pipelines/attention_map.hpp"
#include "coca/pipelines/encode.hpp"
#include "coca/pipelines/probabilities.hpp"
#include "coca/pipelines/question_tokens.hpp"

namespace coca {

/// The probability of each answer.
/// @param logits  of one text
/// @param compete whether they add up to 1 (softmax); otherwise each answer is right or wrong by
/// itself (sigmoid)
/// @throws Error for logits that are not finite
template <class T>
std::vector<float> answer_probabilities(std::span<const T> logits, bool compete) {
  std::vector<double> values(logits.begin(), logits.end());
  for (const double value : values)
    if (!std::isfinite(value))
      throw Error("an answer's score is not finite: the model's weights hold NaN or infinity");
  if (compete) values = softmax_probabilities(logits);
  if (!compete)
    for (double& value : values) value = 1 / (1 + std::exp(-value));
  std::vector<float> probabilities;
  for (const double value : values) probabilities.push_back(static_cast<float>(value));
  return probabilities;
}

/// The numbers of the largest probabilities, largest first; of equal ones the first comes first.
inline std::vector<std::size_t> most_probable(std::span<const float> probabilities,
                                              std::size_t count) {
  std::vector<std::size_t> order = descending_order(probabilities);
  order.resize(std::min(count, order.size()));
  return order;
}

/// Answers to texts about pictures, by a VqaModel, an EntailmentModel or a PairModel.
/// @param pictures Model::pictures for each text, one after the other
/// @param compete  see answer_probabilities()
/// @return [texts][answers]
/// @throws ShapeError for another number of pictures; ArgumentError for a tokenizer that is not the
/// model's; Error for logits that are not finite.
template <class Model>
std::vector<std::vector<float>> answer(Context<typename Model::backend_type>& context,
                                       const Model& model, const AnyTokenizer& tokenizer,
                                       std::span<const Pixels> pictures,
                                       std::span<const std::string> texts, bool compete) {
  expect_vocabulary(model, tokenizer);
  if (pictures.size() != texts.size() * Model::pictures)
    throw ShapeError("got " + std::to_string(pictures.size()) + " pictures for " +
                     std::to_string(texts.size()) + " texts, expected " +
                     std::to_string(Model::pictures) + " for each");
  if (texts.empty()) return {};
  const VisibleTexts read = visible_texts(tokenizer, texts, model.context_length);
  const auto logits = context.to_host(model(context, to_device(context, pictures), read));
  const std::size_t answers = logits.size() / texts.size();
  std::vector<std::vector<float>> all;
  for (std::size_t i = 0; i < texts.size(); ++i)
    all.push_back(answer_probabilities(std::span(logits).subspan(i * answers, answers), compete));
  return all;
}

/// Where a model looked to answer.
struct AnswerAttention {
  std::vector<float> words{};        ///< weight of the start and of each token, summing to 1
  std::vector<AttentionMap> maps{};  ///< one for each picture: the words' maps by their weights
};

/// Where a model looks to answer a text: how much its query sees of each token, and what these
/// tokens attend to in each picture (see attention_maps()).
/// @param pictures Model::pictures of them
/// @throws as answer() and attention_maps()
template <class Model>
AnswerAttention answer_attention(Context<typename Model::backend_type>& context, const Model& model,
                                 const AnyTokenizer& tokenizer, std::span<const Pixels> pictures,
                                 const std::string& text) {
  expect_vocabulary(model, tokenizer);
  const VisibleTexts read = visible_texts(tokenizer, std::span(&text, 1), model.context_length);
  const std::size_t visible = read.visible.front(), length = read.tokens.length;
  const auto looks = context.empty(Shape{Model::pictures, model.head().heads(), 1, length});
  const auto image = model.encode_image(context, to_device(context, pictures)).tokens;
  model.answer(context, model.read(context, image, read.tokens, Model::pictures), read, looks);
  const std::vector<std::int32_t> ids(
      read.tokens.ids.begin(),
      read.tokens.ids.begin() + static_cast<std::ptrdiff_t>(std::min(visible + 1, length)));
  AnswerAttention attention;
  attention.words.assign(visible, 0);
  for (std::size_t picture = 0; picture < Model::pictures; ++picture) {
    const std::vector<double> weights =
        detail::mean_over_heads(context, looks.slice(picture, 1));  // [length]
    const auto maps = attention_maps(context, model.captioner(), pictures[picture], ids);
    AttentionMap sum = maps.front();
    std::fill(sum.weights.begin(), sum.weights.end(), 0.0f);
    for (std::size_t word = 0; word < maps.size(); ++word) {
      attention.words[word] +=
          static_cast<float>(weights[word] / static_cast<double>(Model::pictures));
      for (std::size_t i = 0; i < sum.weights.size(); ++i)
        sum.weights[i] += static_cast<float>(weights[word]) * maps[word].weights[i];
    }
    attention.maps.push_back(std::move(sum));
  }
  return attention;
}

}  // namespace coca
