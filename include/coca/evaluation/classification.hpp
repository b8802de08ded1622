#pragma once
/// @file
/// Metrics of classification, as scikit-learn and CLIP_benchmark compute them.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/csv_field.hpp"

namespace coca {

/// Scores of a class; 0 where there is nothing to divide by.
struct ClassScores {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
  std::size_t count = 0;  ///< pictures of the class
};

/// Scores of a classifier; shares, 0 to 1.
struct ClassificationScores {
  double top_1 = 0;
  std::optional<double> top_5{};  ///< absent below five classes
  double mean_per_class = 0;      ///< recall, averaged over the classes that have pictures
  std::vector<ClassScores> classes{};
  /// [true class, predicted class]; empty for more than most_confused_classes
  std::vector<std::vector<std::size_t>> confusion{};
};

/// Of more classes nobody reads the matrix, whose size is the square of their number.
inline constexpr std::size_t most_confused_classes = 4096;

namespace detail {

/// Rows of scores. @throws ShapeError if they are not [count, classes]; ArgumentError for NaN
inline void check_scores(std::span<const float> scores, std::size_t count, std::size_t classes) {
  if (count == 0 || classes == 0 || scores.size() % count != 0 || scores.size() / count != classes)
    throw ShapeError(there_are(scores.size(), "score") + ", expected " + counted(count, "picture") +
                     " times " + counted(classes, "class", "classes") + ", and at least one");
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (std::isnan(scores[i]))
      throw ArgumentError("a score of picture " + std::to_string(i / classes) +
                          " is not a number (NaN)");
}

/// @throws ArgumentError if the label of a picture is no class
inline void expect_label(std::size_t label, std::size_t picture, std::size_t classes) {
  if (label >= classes)
    throw ArgumentError("picture " + std::to_string(picture) + " is of class " +
                        std::to_string(label) + ", but " + there_are(classes, "class", "classes"));
}

/// @throws ShapeError if there is not a name for each class of a confusion matrix, or no matrix
/// because there are too many
inline void expect_confusion(const std::vector<std::vector<std::size_t>>& confusion,
                             std::span<const std::string> names) {
  if (confusion.empty() && names.size() > most_confused_classes)
    throw ShapeError("there is no confusion matrix of " +
                     counted(names.size(), "class", "classes") + ", at most of " +
                     std::to_string(most_confused_classes));
  if (names.size() != confusion.size())
    throw ShapeError(there_are(names.size(), "name") + " for " +
                     counted(confusion.size(), "class", "classes"));
}

/// How many classes come before a class: those of a higher score, and earlier ones of the same.
inline std::size_t classes_before(std::span<const float> scores, std::size_t label) {
  std::size_t before = 0;
  for (std::size_t c = 0; c < scores.size(); ++c)
    before += scores[c] > scores[label] || (scores[c] == scores[label] && c < label) ? 1 : 0;
  return before;
}

inline double fraction_of(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

/// What is counted of a class.
struct ClassCounts {
  std::size_t pictures = 0, predicted = 0, right = 0;
};

inline ClassScores scores_of(const ClassCounts& counts) {
  ClassScores scores;
  scores.count = counts.pictures;
  scores.precision = fraction_of(counts.right, counts.predicted);
  scores.recall = fraction_of(counts.right, counts.pictures);
  const double sum = scores.precision + scores.recall;
  scores.f1 = sum == 0 ? 0 : 2 * scores.precision * scores.recall / sum;
  return scores;
}

}  // namespace detail

/// Scores of a classifier that gives each class of a picture a number. Equally high classes rank by
/// their order.
/// @param scores [count, classes], such as logits
/// @param labels [count]
/// @throws ShapeError for scores of another shape; ArgumentError for NaN, and for a label that is
///         no class
inline ClassificationScores classification_scores(std::span<const float> scores,
                                                  std::span<const std::size_t> labels,
                                                  std::size_t classes) {
  detail::check_scores(scores, labels.size(), classes);
  ClassificationScores result;
  if (classes <= most_confused_classes)
    result.confusion.assign(classes, std::vector<std::size_t>(classes));
  std::vector<detail::ClassCounts> counts(classes);
  std::size_t among_five = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const std::size_t label = labels[i];
    detail::expect_label(label, i, classes);
    const auto row = scores.subspan(i * classes, classes);
    const auto best =
        static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
    if (!result.confusion.empty()) ++result.confusion[label][best];
    ++counts[label].pictures;
    ++counts[best].predicted;
    counts[label].right += best == label ? 1 : 0;
    among_five += detail::classes_before(row, label) < 5 ? 1 : 0;
  }
  std::size_t right = 0, present = 0;
  for (const detail::ClassCounts& each : counts) {
    result.classes.push_back(detail::scores_of(each));
    right += each.right;
    if (each.pictures == 0) continue;
    ++present;
    result.mean_per_class += result.classes.back().recall;
  }
  result.top_1 = detail::fraction_of(right, labels.size());
  if (classes >= 5) result.top_5 = detail::fraction_of(among_five, labels.size());
  result.mean_per_class /= static_cast<double>(present);
  return result;
}

/// Average precision of each class where a picture may have several labels (VOC2007), as
/// CLIP_benchmark computes it: the mean over the class's pictures of the precision at their rank; 0
/// for a class without pictures. Pictures of the same score keep their order.
/// @param scores  [count, classes]
/// @param targets [count, classes], 1 for a label of the picture, 0 for none
/// @throws ShapeError for targets of another shape; ArgumentError for NaN
inline std::vector<double> average_precisions(std::span<const float> scores,
                                              std::span<const std::uint8_t> targets,
                                              std::size_t classes) {
  const std::size_t count = classes == 0 ? 0 : scores.size() / classes;
  detail::check_scores(scores, count, classes);
  if (targets.size() != scores.size())
    throw ShapeError(there_are(targets.size(), "target") + " for " +
                     counted(scores.size(), "score"));
  std::vector<double> precisions(classes);
  std::vector<std::size_t> order(count);
  for (std::size_t c = 0; c < classes; ++c) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return scores[a * classes + c] > scores[b * classes + c];
    });
    std::size_t found = 0;
    for (std::size_t rank = 0; rank < count; ++rank)
      if (targets[order[rank] * classes + c] != 0)
        precisions[c] += detail::fraction_of(++found, rank + 1);
    precisions[c] /= static_cast<double>(std::max<std::size_t>(found, 1));
  }
  return precisions;
}

/// The mean of average_precisions(). @throws as above
inline double mean_average_precision(std::span<const float> scores,
                                     std::span<const std::uint8_t> targets, std::size_t classes) {
  const std::vector<double> each = average_precisions(scores, targets, classes);
  return std::accumulate(each.begin(), each.end(), 0.0) / static_cast<double>(each.size());
}

/// A confusion matrix as CSV: a header of the predicted classes, a row for each true one.
/// @throws ShapeError if there is not a name for each class, or no matrix because there are too
/// many
inline std::string confusion_csv(const std::vector<std::vector<std::size_t>>& confusion,
                                 std::span<const std::string> names) {
  detail::expect_confusion(confusion, names);
  std::string csv = "true class";
  for (const std::string& name : names) csv += ',' + csv_field(name);
  csv += '\n';
  for (std::size_t c = 0; c < confusion.size(); ++c) {
    csv += csv_field(names[c]);
    for (const std::size_t count : confusion[c]) csv += ',' + std::to_string(count);
    csv += '\n';
  }
  return csv;
}

}  // namespace coca
