#pragma once
/// @file
/// All scores of a test set, and of the groups that its pictures fall into.

#include <algorithm>
#include <cstddef>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/bleu.hpp"
#include "coca/evaluation/cider.hpp"
#include "coca/evaluation/classification.hpp"
#include "coca/evaluation/exact_match.hpp"
#include "coca/evaluation/retrieval.hpp"
#include "coca/evaluation/zero_shot.hpp"

namespace coca {

/// A picture of a test set, its ground truth, and a model's output.
struct TestPicture {
  std::string group{};
  std::vector<std::string> references{};  ///< captions; without any, none of the caption's scores
  /// Numbers of its captions among the texts of retrieval; a caption of several pictures must be
  /// the only one of each.
  std::vector<std::size_t> texts{};
  std::optional<std::string> caption{};  ///< the model's
  std::optional<std::size_t> label{};    ///< index of its class
  /// What it has in common with pictures that a model finds or misses together with it; where all
  /// have it, the scores have intervals.
  std::optional<std::string> cluster{};
};

/// Embeddings of a test set; none of them need be normalised.
struct TestEmbeddings {
  std::vector<float> images{};   ///< [pictures, width]
  std::vector<float> texts{};    ///< [captions, width]; may be empty
  std::vector<float> classes{};  ///< [classes, width]; may be empty
};

/// Where recall lies in 95 % of the test sets that could be drawn from this one, cluster by
/// cluster.
struct RetrievalIntervals {
  RecallInterval image_to_text;
  RecallInterval text_to_image;
};

/// Scores of captions.
struct CaptioningScores {
  double exact_match = 0;  ///< share, 0 to 1, with the words of the first reference
  double cider = 0;        ///< of all references, 0 to 10
  double bleu_4 = 0;       ///< of all references, 0 to 1
};

/// Scores of some pictures; those without data are missing.
struct TestScores {
  std::size_t pictures = 0;
  std::size_t texts = 0;  ///< their captions among the texts of retrieval
  std::optional<RetrievalScores> retrieval{};
  std::optional<RetrievalIntervals> intervals{};
  std::optional<CaptioningScores> captioning{};
  std::optional<ZeroShotAccuracy> zero_shot{};
};

/// Pictures and a model's answers. The scores of a group are those of its pictures and captions
/// as queries among the pictures and captions of all; how rare a word is for CIDEr is also taken
/// from all.
///
/// If each picture has all its captions as separate texts, retrieval is that of COCO and Flickr30K
/// (CLIP_benchmark): a picture is a hit if any of its captions is among the first, each caption is
/// searched for its picture, and equal captions of other pictures do not count.
class TestSet {
 public:
  /// @param ties of captions or pictures that are equally near
  /// @throws ShapeError    for embeddings that do not fit the pictures or each other
  /// @throws ArgumentError for no pictures, a text or label that does not exist, and a text of
  ///                       several pictures that is not the only one of each
  TestSet(std::vector<TestPicture> pictures, TestEmbeddings embeddings, Ties ties = Ties::before)
      : pictures_(std::move(pictures)), embeddings_(std::move(embeddings)) {
    if (pictures_.empty()) throw ArgumentError("a test set needs at least one picture");
    if (embeddings_.images.empty() || embeddings_.images.size() % pictures_.size() != 0)
      throw ShapeError("the pictures have " + counted(embeddings_.images.size(), "value") +
                       " for " + counted(pictures_.size(), "embedding") +
                       ", expected the same number for each, and at least one");
    width_ = embeddings_.images.size() / pictures_.size();
    expect_labels();
    rank(ties);
    number_clusters();
    compare_captions();
  }

  const std::vector<TestPicture>& pictures() const noexcept { return pictures_; }

  /// The groups, in alphabetical order.
  std::vector<std::string> groups() const {
    std::set<std::string> names;
    for (const TestPicture& picture : pictures_) names.insert(picture.group);
    return {names.begin(), names.end()};
  }

  /// Scores of all pictures.
  TestScores scores() const {
    std::vector<std::size_t> all(pictures_.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return scores_of(all);
  }

  /// Scores of the pictures of a group. @throws ArgumentError if there is none
  TestScores scores(const std::string& group) const {
    std::vector<std::size_t> some;
    for (std::size_t i = 0; i < pictures_.size(); ++i)
      if (pictures_[i].group == group) some.push_back(i);
    if (some.empty()) throw ArgumentError("no picture is in the group \"" + group + "\"");
    return scores_of(some);
  }

 private:
  using Indices = std::vector<std::size_t>;

  std::span<const float> image(std::size_t picture) const {
    return std::span<const float>(embeddings_.images).subspan(picture * width_, width_);
  }

  void expect_labels() const {
    const std::size_t classes = embeddings_.classes.size() / width_;
    for (std::size_t i = 0; i < pictures_.size(); ++i)
      if (pictures_[i].label) detail::expect_label(*pictures_[i].label, i, classes);
  }

  /// The groups of the texts: the first text of their picture represents it; a text of no picture
  /// represents itself.
  Indices text_groups() const {
    const std::size_t count = embeddings_.texts.size() / width_;
    Indices groups(count);
    std::iota(groups.begin(), groups.end(), std::size_t{0});
    std::vector<const TestPicture*> owners(count);  // the last picture of each text
    for (const TestPicture& picture : pictures_)
      for (const std::size_t text : picture.texts) {
        if (text >= count)
          throw ArgumentError("a picture has caption " + std::to_string(text) + ", but " +
                              there_are(count, "caption"));
        const bool is_shared = owners[text] != nullptr && owners[text] != &picture;
        if (is_shared && (picture.texts.size() != 1 || owners[text]->texts.size() != 1))
          throw ArgumentError("caption " + std::to_string(text) +
                              " is of several pictures, but not the only one of each");
        groups[text] = picture.texts.front();
        owners[text] = &picture;
      }
    return groups;
  }

  /// Ranks of all queries, both ways.
  void rank(Ties ties) {
    std::vector<float> images;
    Indices image_groups, queries;
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      if (pictures_[i].texts.empty()) continue;
      queries.push_back(i);
      image_groups.push_back(pictures_[i].texts.front());
      images.insert(images.end(), image(i).begin(), image(i).end());
    }
    if (queries.empty()) return;
    const Indices groups = text_groups();
    const GroupedEmbeddings left{images, image_groups}, right{embeddings_.texts, groups};
    const Indices ranks = retrieval_ranks(left, right, ties);
    image_ranks_.resize(pictures_.size());
    for (std::size_t i = 0; i < queries.size(); ++i) image_ranks_[queries[i]] = ranks[i];
    text_ranks_ = retrieval_ranks(right, left, ties);
  }

  /// Clusters by number, of pictures and of captions, which are in that of their first picture.
  void number_clusters() {
    const auto has_cluster = [](const TestPicture& picture) { return picture.cluster.has_value(); };
    if (!std::all_of(pictures_.begin(), pictures_.end(), has_cluster)) return;
    std::map<std::string, std::size_t> numbers;
    text_clusters_.resize(text_ranks_.size(), pictures_.size());
    for (const TestPicture& picture : pictures_) {
      const std::size_t number =
          numbers.try_emplace(*picture.cluster, numbers.size()).first->second;
      image_clusters_.push_back(number);
      for (const std::size_t text : picture.texts)
        if (text_clusters_[text] == pictures_.size()) text_clusters_[text] = number;
    }
  }

  bool is_judged(std::size_t picture) const {
    return pictures_[picture].caption && !pictures_[picture].references.empty();
  }

  /// CIDEr of each caption among all.
  void compare_captions() {
    std::vector<JudgedCaption> judged;
    Indices which;
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      if (!is_judged(i)) continue;
      which.push_back(i);
      judged.push_back({*pictures_[i].caption, pictures_[i].references});
    }
    if (judged.empty()) return;
    const CiderScore score = cider(judged);
    cider_.resize(pictures_.size());
    for (std::size_t i = 0; i < which.size(); ++i) cider_[which[i]] = score.each[i];
  }

  TestScores scores_of(const Indices& some) const {
    std::set<std::size_t> texts;
    for (const std::size_t i : some)
      texts.insert(pictures_[i].texts.begin(), pictures_[i].texts.end());
    Indices captioned;
    for (const std::size_t i : some)
      if (!pictures_[i].texts.empty()) captioned.push_back(i);
    TestScores scores{.pictures = some.size(), .texts = texts.size()};
    if (!captioned.empty()) add_retrieval(captioned, {texts.begin(), texts.end()}, scores);
    scores.captioning = captioning_of(some);
    scores.zero_shot = zero_shot_of(some);
    return scores;
  }

  static Indices values_at(const Indices& some, const Indices& all) {
    Indices values;
    for (const std::size_t i : some) values.push_back(all[i]);
    return values;
  }

  void add_retrieval(const Indices& captioned, const Indices& texts, TestScores& scores) const {
    const Indices images = values_at(captioned, image_ranks_),
                  captions = values_at(texts, text_ranks_);
    scores.retrieval = RetrievalScores{recall(images), recall(captions)};
    if (!image_clusters_.empty())
      scores.intervals =
          RetrievalIntervals{recall_interval(images, values_at(captioned, image_clusters_)),
                             recall_interval(captions, values_at(texts, text_clusters_))};
  }

  std::optional<CaptioningScores> captioning_of(const Indices& some) const {
    std::vector<JudgedCaption> judged, first;
    double sum = 0;
    for (const std::size_t i : some) {
      if (!is_judged(i)) continue;
      const TestPicture& picture = pictures_[i];
      judged.push_back({*picture.caption, picture.references});
      first.push_back({*picture.caption, {picture.references.front()}});
      sum += cider_[i];
    }
    if (judged.empty()) return std::nullopt;
    return CaptioningScores{exact_match(first), sum / static_cast<double>(judged.size()),
                            bleu(judged)[3]};
  }

  std::optional<ZeroShotAccuracy> zero_shot_of(const Indices& some) const {
    std::vector<float> images;
    Indices labels;
    for (const std::size_t i : some) {
      if (!pictures_[i].label) continue;
      labels.push_back(*pictures_[i].label);
      images.insert(images.end(), image(i).begin(), image(i).end());
    }
    if (labels.empty()) return std::nullopt;
    return zero_shot_accuracy({images, labels}, embeddings_.classes);
  }

  std::vector<TestPicture> pictures_;
  TestEmbeddings embeddings_;
  std::size_t width_ = 0;
  Indices image_ranks_;     // [pictures]; of those that have a caption
  Indices text_ranks_;      // [texts]
  Indices image_clusters_;  // [pictures], text_clusters_ [texts]; or none
  Indices text_clusters_;
  std::vector<double> cider_;  // [pictures]; of those that are judged
};

}  // namespace coca
