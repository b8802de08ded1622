#pragma once
/// @file
/// The quality of a model in training on data that it is not trained on.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "coca/data/loader.hpp"
#include "coca/evaluation/retrieval.hpp"
#include "coca/losses/coca.hpp"
#include "coca/pipelines/caption.hpp"

namespace coca {

/// Scores of a model.
struct ValidationScores {
  std::size_t pictures = 0;
  double contrastive_loss = 0;  ///< weighted as in training; within batches of the same size
  double captioning_loss = 0;   ///< weighted as in training
  RetrievalScores retrieval{};  ///< among all pictures, and all different captions
};

namespace detail {

/// Sums and embeddings, batch by batch.
template <class Model>
class ValidationPass {
 public:
  using B = typename Model::backend_type;

  ValidationPass(Context<B>& context, const Model& model, const CoCaLossOptions& options)
      : context_(context), model_(model), options_(options) {}

  void add(const PixelBatch& pixels, const Tokens& tokens) {
    const std::vector<typename B::value_type> values(pixels.values.begin(), pixels.values.end());
    const ImageFeatures<B> image =
        model_.encode_image(context_, context_.to_device(values, pixels.shape()));
    const TextFeatures<B> text = model_.encode_text(context_, tokens);
    add_losses(image, text, tokens);
    append(image.embedding, images_);
    add_texts(context_.to_host(text.embedding), tokens);
    pictures_ += tokens.batch;
  }

  ValidationScores scores() const {
    ValidationScores scores;
    scores.pictures = pictures_;
    if (pictures_ == 0) return scores;
    scores.contrastive_loss = contrastive_ / static_cast<double>(pictures_);
    if (labels_ != 0) scores.captioning_loss = captioning_ / static_cast<double>(labels_);
    scores.retrieval = retrieval({images_, image_groups_}, {texts_, text_groups_});
    return scores;
  }

 private:
  void add_losses(const ImageFeatures<B>& image, const TextFeatures<B>& text,
                  const Tokens& tokens) {
    const CoCaLosses<B> losses(context_);
    contrastive_loss(context_, model_, {.image = image.embedding, .text = text.embedding}, options_,
                     losses.contrastive);
    const auto& decoder = model_.multimodal_decoder();
    captioning_loss(context_, decoder.features(context_, text.tokens, image.tokens),
                    decoder.projection(), tokens, options_.captioning, losses.captioning);
    const std::size_t labels = count_labels(next_token_labels(tokens, options_.captioning.pad_id));
    const auto value = [&](const Array<B>& loss) {
      return static_cast<double>(context_.to_host(loss).front());
    };
    contrastive_ += value(losses.contrastive) * static_cast<double>(tokens.batch);
    captioning_ += value(losses.captioning) * static_cast<double>(labels);
    labels_ += labels;
  }

  void append(const Array<B>& embeddings, std::vector<float>& all) const {
    const auto values = context_.to_host(embeddings);
    all.insert(all.end(), values.begin(), values.end());
  }

  /// Pictures with the same caption are a group; the caption counts once.
  void add_texts(const std::vector<typename B::value_type>& embeddings, const Tokens& tokens) {
    for (std::size_t i = 0; i < tokens.batch; ++i) {
      const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(i * tokens.length);
      const auto [known, fresh] = groups_.try_emplace(
          std::vector<std::int32_t>(begin, begin + static_cast<std::ptrdiff_t>(tokens.length)),
          groups_.size());
      image_groups_.push_back(known->second);
      if (!fresh) continue;
      text_groups_.push_back(known->second);
      const auto row = embeddings.begin() + static_cast<std::ptrdiff_t>(i * Model::embed_dim);
      texts_.insert(texts_.end(), row, row + static_cast<std::ptrdiff_t>(Model::embed_dim));
    }
  }

  Context<B>& context_;
  const Model& model_;
  CoCaLossOptions options_;
  std::size_t pictures_ = 0, labels_ = 0;
  double contrastive_ = 0, captioning_ = 0;
  std::vector<float> images_, texts_;
  std::vector<std::size_t> image_groups_, text_groups_;
  std::map<std::vector<std::int32_t>, std::size_t> groups_;
};

}  // namespace detail

/// Losses and retrieval over a data set.
/// @param loader of validation_loader_options(): one epoch of it
/// @param stop   ends the pass when it becomes true; nullptr: never
/// @return nothing if it was stopped
template <class Model>
std::optional<ValidationScores> validate(Context<typename Model::backend_type>& context,
                                         const Model& model, const AnyTokenizer& tokenizer,
                                         Loader& loader, const CoCaLossOptions& options,
                                         const std::atomic<bool>* stop = nullptr) {
  detail::ValidationPass<Model> pass(context, model, options);
  for (std::size_t i = 0; i < loader.batches_per_epoch(); ++i) {
    if (stop != nullptr && *stop) return std::nullopt;
    const Batch batch = loader.next();
    if (batch.size() == 0) continue;
    pass.add(batch.pixels, to_tokens(tokenizer, batch.captions, Model::context_length));
  }
  return pass.scores();
}

/// A caption per picture, a few pictures at a time; "" for those that have none (scores that are
/// NaN).
template <class Model>
std::vector<std::string> caption_all(Context<typename Model::backend_type>& context,
                                     const Model& model, const AnyTokenizer& tokenizer,
                                     std::span<const Pixels> pictures, std::size_t beams) {
  constexpr std::size_t at_once = 8;
  GenerationOptions options;
  options.beams = beams;
  options.min_length = 0;
  std::vector<std::string> captions;
  for (std::size_t first = 0; first < pictures.size(); first += at_once) {
    const auto some = pictures.subspan(first, std::min(at_once, pictures.size() - first));
    try {
      for (const auto& best : caption(context, model, tokenizer, some, options))
        captions.push_back(best.empty() ? "" : best.front().text);
    } catch (const ArgumentError&) {
      throw;
    } catch (const Error&) {
      captions.resize(first + some.size());
    }
  }
  return captions;
}

}  // namespace coca
