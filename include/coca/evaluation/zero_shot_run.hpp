#pragma once
/// @file
/// Zero-shot classification of a data set by a model: prompts and pictures to embeddings, and these
/// to metrics.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/labelled_pictures.hpp"
#include "coca/evaluation/zero_shot_metrics.hpp"
#include "coca/pipelines/any_model.hpp"
#include "coca/pipelines/class_embeddings.hpp"
#include "coca/pipelines/picture_embeddings.hpp"

namespace coca {

/// What was measured, and on how many pictures.
struct ZeroShotRun {
  Metrics metrics{};
  std::size_t pictures = 0;
  std::vector<std::string> broken{};  ///< why each of the other pictures was left out
};

namespace detail {

/// The pictures of a data set that have a class.
inline PictureList list_of(const LabelledPictures& pictures) {
  PictureList list;
  for (const std::size_t record : pictures.records) {
    list.names.push_back(pictures.dataset.record(record).name);
    list.files.push_back(pictures.dataset.picture_file(record));
  }
  list.read = [&pictures](std::size_t i) { return pictures.dataset.read(pictures.records[i]); };
  return list;
}

/// Metrics of the pictures that could be read.
inline Metrics metrics_of_run(const LabelledPictures& pictures, const PictureEmbeddings& embedded,
                              const Embeddings& classes) {
  const EmbeddingRows images{embedded.embeddings.values, embedded.embeddings.width};
  const EmbeddingRows rows{classes.values, classes.width};
  std::vector<std::vector<std::size_t>> all;
  std::vector<std::size_t> single;
  for (const std::size_t i : embedded.read) {
    all.push_back(pictures.classes[i]);
    if (!pictures.several_classes) single.push_back(pictures.classes[i].front());
  }
  return pictures.several_classes ? multi_label_metrics(images, rows, all)
                                  : single_label_metrics(images, rows, single);
}

}  // namespace detail

/// @param prompts of each class that competes (fill_prompts)
/// @throws ArgumentError for prompts of another number of classes; Error if no picture can be read;
///         and as class_embeddings() and embed_pictures()
inline ZeroShotRun run_zero_shot(AnyModel& model, const LabelledPictures& pictures,
                                 const std::vector<std::vector<std::string>>& prompts,
                                 const PictureEmbeddingOptions& options = {}) {
  if (prompts.size() != pictures.names.size())
    throw ArgumentError("there are prompts of " + std::to_string(prompts.size()) +
                        " classes, expected " + std::to_string(pictures.names.size()));
  const Embeddings classes = class_embeddings(
      prompts, [&](std::span<const std::string> texts) { return model.embed_texts(texts); });
  const PictureEmbeddings embedded = embed_pictures(model, detail::list_of(pictures), options);
  if (embedded.read.empty())
    throw Error("none of the " + std::to_string(pictures.records.size()) + " pictures can be read" +
                (embedded.broken.empty() ? "" : "; the first: " + embedded.broken.begin()->second));
  ZeroShotRun run{detail::metrics_of_run(pictures, embedded, classes), embedded.read.size(), {}};
  for (const auto& [number, reason] : embedded.broken) run.broken.push_back(reason);
  return run;
}

}  // namespace coca
