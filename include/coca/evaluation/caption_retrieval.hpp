#pragma once
/// @file
/// Retrieval as COCO and Flickr30K are measured: pictures with several captions each, or any pairs
/// that belong together, at the size of whole test sets.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/retrieval.hpp"
#include "coca/evaluation/similarity_tile.hpp"
#include "coca/evaluation/worker_threads.hpp"

namespace coca {

/// Captions that belong to each picture: [images], numbers of texts.
using CaptionPositives = std::vector<std::vector<std::size_t>>;

/// Ranks, from 0, both ways: how many candidates that do not belong to a query come before the
/// nearest that does; never_found for a query without any.
struct CaptionRanks {
  std::vector<std::size_t> images{};  ///< of pictures, among all texts
  std::vector<std::size_t> texts{};   ///< of texts, among all pictures
};

/// How ranks are computed.
struct RankOptions {
  Ties ties = Ties::in_order;
  std::size_t threads = 0;  ///< 0: one per processor; the ranks do not depend on it
};

namespace detail {

/// The nearest positive of a query.
struct Threshold {
  float similarity = -std::numeric_limits<float>::infinity();
  std::size_t place = never_found;

  void offer(float value, std::size_t candidate) {
    if (place == never_found || value > similarity || (value == similarity && candidate < place)) {
      similarity = value;
      place = candidate;
    }
  }

  /// Whether a candidate that is no positive comes before it.
  bool is_beaten_by(float value, std::size_t candidate, Ties ties) const {
    if (place == never_found) return false;
    return value > similarity ||
           (value == similarity && (ties == Ties::before || candidate < place));
  }
};

/// Computes all ranks in one pass over the matrix, in tiles that threads share.
class RankCounter {
 public:
  RankCounter(const EmbeddingRows& images, const EmbeddingRows& texts,
              const CaptionPositives& positives, const RankOptions& options)
      : images_(images),
        texts_(texts),
        positives_(positives),
        options_(options),
        image_norms_(inverse_norms(images, "pictures")),
        text_norms_(inverse_norms(texts, "texts")) {
    check();
    of_images_.resize(images.count());
    of_texts_.resize(texts.count());
    find_thresholds();
  }

  CaptionRanks count() {
    const std::size_t tiles = (texts_.count() + tile_texts - 1) / tile_texts;
    const std::size_t threads = worker_count(options_.threads, tiles);
    std::vector<std::vector<std::size_t>> image_counts(threads,
                                                       std::vector<std::size_t>(images_.count()));
    CaptionRanks ranks{{}, std::vector<std::size_t>(texts_.count())};
    share_tasks(tiles, threads, [&](std::size_t tile, std::size_t thread) {
      count_tile(tile * tile_texts, image_counts[thread], ranks.texts);
    });
    ranks.images.resize(images_.count());
    for (const auto& counts : image_counts)
      for (std::size_t i = 0; i < counts.size(); ++i) ranks.images[i] += counts[i];
    for (std::size_t i = 0; i < ranks.images.size(); ++i)
      if (of_images_[i].place == never_found) ranks.images[i] = never_found;
    for (std::size_t i = 0; i < ranks.texts.size(); ++i)
      if (of_texts_[i].place == never_found) ranks.texts[i] = never_found;
    return ranks;
  }

 private:
  static constexpr std::size_t tile_texts = 256;
  static constexpr std::size_t tile_images = 64;

  void check() const {
    if (images_.width != texts_.width)
      throw ShapeError("the pictures have width " + std::to_string(images_.width) + ", the texts " +
                       std::to_string(texts_.width));
    if (positives_.size() != images_.count())
      throw ShapeError("there are lists of captions for " + counted(positives_.size(), "picture") +
                       ", expected " + std::to_string(images_.count()));
    for (const auto& captions : positives_)
      for (const std::size_t text : captions)
        if (text >= texts_.count())
          throw ArgumentError("a picture has caption " + std::to_string(text) + ", but " +
                              there_are(texts_.count(), "caption"));
  }

  float cosine(float product, std::size_t image, std::size_t text) const {
    return product * image_norms_[image] * text_norms_[text];
  }

  void find_thresholds() {
    std::vector<float> products;
    for (std::size_t image = 0; image < positives_.size(); ++image) {
      const PackedRows captions(texts_, positives_[image]);
      similarity_tile(images_, image, 1, captions, products);
      for (std::size_t i = 0; i < positives_[image].size(); ++i) {
        const std::size_t text = positives_[image][i];
        const float value = cosine(products[i], image, text);
        of_images_[image].offer(value, text);
        of_texts_[text].offer(value, image);
      }
    }
  }

  /// All pictures with the texts from `first` on.
  void count_tile(std::size_t first, std::vector<std::size_t>& image_counts,
                  std::vector<std::size_t>& text_counts) const {
    std::vector<std::size_t> which(std::min(tile_texts, texts_.count() - first));
    std::iota(which.begin(), which.end(), first);
    const PackedRows packed(texts_, which);
    std::vector<float> products;
    for (std::size_t image = 0; image < images_.count(); image += tile_images) {
      const std::size_t some = std::min(tile_images, images_.count() - image);
      similarity_tile(images_, image, some, packed, products);
      for (std::size_t i = 0; i < some; ++i)
        count_row(std::span<const float>(products).subspan(i * which.size(), which.size()),
                  image + i, first, image_counts, text_counts);
    }
  }

  void count_row(std::span<const float> products, std::size_t image, std::size_t first,
                 std::vector<std::size_t>& image_counts,
                 std::vector<std::size_t>& text_counts) const {
    const auto& own = positives_[image];
    for (std::size_t i = 0; i < products.size(); ++i) {
      const std::size_t text = first + i;
      const float value = cosine(products[i], image, text);
      const bool beats_text = of_images_[image].is_beaten_by(value, text, options_.ties);
      const bool beats_image = of_texts_[text].is_beaten_by(value, image, options_.ties);
      if (!beats_text && !beats_image) continue;
      if (std::find(own.begin(), own.end(), text) != own.end()) continue;
      image_counts[image] += beats_text ? 1 : 0;
      text_counts[text] += beats_image ? 1 : 0;
    }
  }

  const EmbeddingRows& images_;
  const EmbeddingRows& texts_;
  const CaptionPositives& positives_;
  RankOptions options_;
  std::vector<float> image_norms_;
  std::vector<float> text_norms_;
  std::vector<Threshold> of_images_;
  std::vector<Threshold> of_texts_;
};

}  // namespace detail

/// Ranks of all pictures among all texts by cosine, and of all texts among all pictures.
/// @param images    [images, width]
/// @param texts     [texts, width]
/// @param positives the captions of each picture; a caption may belong to several pictures
/// @throws ShapeError for shapes that do not fit; ArgumentError for embeddings that are not finite,
///         norms out of range (see EmbeddingRows), and captions that do not exist
inline CaptionRanks caption_ranks(const EmbeddingRows& images, const EmbeddingRows& texts,
                                  const CaptionPositives& positives,
                                  const RankOptions& options = {}) {
  return detail::RankCounter(images, texts, positives, options).count();
}

/// The share, 0 to 1, of queries with a match among the nearest `limit`.
/// @throws ArgumentError for no ranks
inline double recall_at(std::span<const std::size_t> ranks, std::size_t limit) {
  if (ranks.empty()) throw ArgumentError("recall needs at least one query");
  const auto found =
      std::count_if(ranks.begin(), ranks.end(), [limit](std::size_t rank) { return rank < limit; });
  return static_cast<double>(found) / static_cast<double>(ranks.size());
}

/// The median rank, counted from 1; of an even number of queries it may end in .5, as in CLIP4Clip.
/// @throws ArgumentError for no ranks
inline double median_rank(std::vector<std::size_t> ranks) {
  if (ranks.empty()) throw ArgumentError("a median rank needs at least one query");
  std::sort(ranks.begin(), ranks.end());
  const std::size_t middle = ranks.size() / 2;
  const auto upper = static_cast<double>(ranks[middle]);
  if (ranks.size() % 2 == 1) return upper + 1;
  return (static_cast<double>(ranks[middle - 1]) + upper) / 2 + 1;
}

/// The mean rank, counted from 1. @throws ArgumentError for no ranks, or one that is never_found
inline double mean_rank(std::span<const std::size_t> ranks) {
  if (ranks.empty()) throw ArgumentError("a mean rank needs at least one query");
  double sum = 0;
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    if (ranks[i] == never_found)
      throw ArgumentError("query " + std::to_string(i) + " has no match, so there is no mean rank");
    sum += static_cast<double>(ranks[i]);
  }
  return sum / static_cast<double>(ranks.size()) + 1;
}

/// CLIP_benchmark's result keys: "text_retrieval_recall@5" is that of pictures searching for texts.
/// @throws ArgumentError for no ranks
inline std::map<std::string, double> retrieval_metrics(const CaptionRanks& ranks,
                                                       std::span<const std::size_t> limits) {
  std::map<std::string, double> metrics;
  for (const std::size_t limit : limits) {
    metrics["text_retrieval_recall@" + std::to_string(limit)] = recall_at(ranks.images, limit);
    metrics["image_retrieval_recall@" + std::to_string(limit)] = recall_at(ranks.texts, limit);
  }
  return metrics;
}

}  // namespace coca
