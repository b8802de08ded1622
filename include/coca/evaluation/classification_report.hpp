#pragma once
/// @file
/// What people look at to see where a classifier is right and wrong: tables of its classes, its
/// confusions as CSV and as a picture, and its most confident mistakes.

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/evaluation/classification.hpp"
#include "coca/evaluation/csv_field.hpp"
#include "coca/image/draw.hpp"

namespace coca {

/// A picture whose class was not the first.
struct Mistake {
  std::size_t picture = 0;
  std::size_t label = 0;      ///< its class
  std::size_t predicted = 0;  ///< the class of the highest score
  double confidence = 0;      ///< probability of that class, by a softmax over the scores
};

/// All mistakes, the most confident first, equally confident ones in the order of pictures.
/// @param scores [count, classes], logits
/// @param labels [count]
/// @throws as classification_scores()
inline std::vector<Mistake> classification_mistakes(std::span<const float> scores,
                                                    std::span<const std::size_t> labels,
                                                    std::size_t classes) {
  detail::check_scores(scores, labels.size(), classes);
  std::vector<Mistake> mistakes;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    detail::expect_label(labels[i], i, classes);
    const auto row = scores.subspan(i * classes, classes);
    const auto best = std::max_element(row.begin(), row.end());
    const auto predicted = static_cast<std::size_t>(best - row.begin());
    if (predicted == labels[i]) continue;
    double sum = 0;
    for (const float score : row) sum += std::exp(double{score} - double{*best});
    mistakes.push_back({i, labels[i], predicted, 1 / sum});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.confidence > b.confidence; });
  return mistakes;
}

namespace detail {

/// The shortest decimal that reads back as this number.
inline std::string csv_number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

inline void expect_names(const ClassificationScores& scores, std::span<const std::string> names) {
  if (names.size() != scores.classes.size())
    throw ShapeError(there_are(names.size(), "name") + " for " +
                     counted(scores.classes.size(), "class", "classes"));
}

}  // namespace detail

/// "class,precision,recall,f1,count", a line per class.
/// @throws ShapeError for another number of names
inline std::string classes_csv(const ClassificationScores& scores,
                               std::span<const std::string> names) {
  detail::expect_names(scores, names);
  std::string csv = "class,precision,recall,f1,count\n";
  for (std::size_t c = 0; c < names.size(); ++c) {
    const ClassScores& own = scores.classes[c];
    csv += csv_field(names[c]);
    for (const double share : {own.precision, own.recall, own.f1})
      csv += "," + detail::csv_number(share);
    csv += "," + std::to_string(own.count) + "\n";
  }
  return csv;
}

namespace detail {

/// From nearly white to dark blue: the share of a class's pictures, 0 to 1.
inline Rgb share_color(double share) {
  constexpr std::array<double, 3> none{247, 248, 250}, all{16, 44, 92};
  Rgb color{};
  for (std::size_t i = 0; i < 3; ++i)
    color[i] = static_cast<std::uint8_t>(std::lround(none[i] + share * (all[i] - none[i])));
  return color;
}

inline constexpr std::size_t confusion_margin = 12;  // pixels

/// What stands beside a row of the picture.
inline std::string confusion_label(std::size_t number, const std::string& name) {
  constexpr std::size_t most = 28;
  return (std::to_string(number) + " " + drawable_text(name)).substr(0, most);
}

/// Where the parts of the picture of a confusion matrix are, in pixels.
struct ConfusionLayout {
  std::size_t cell = 0;  ///< side of a cell
  std::size_t left = 0;  ///< of the matrix
  std::size_t top = 0;   ///< the same
  bool names = false;    ///< whether there are names; not for too many classes

  explicit ConfusionLayout(std::span<const std::string> all) {
    constexpr std::size_t most_named = 60, side = 1600, named_cell = 24;
    names = all.size() <= most_named;
    cell = names ? named_cell : std::max<std::size_t>(1, side / all.size());
    left = top = confusion_margin;
    if (!names) return;
    std::size_t width = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
      width = std::max(width, text_width(confusion_label(i, all[i]), 1));
    left += width + confusion_margin;
    top += glyph_height + confusion_margin;
  }
};

}  // namespace detail

/// The confusion matrix as a picture: a row per true class, a column per predicted class, the
/// darker the larger the share of the class's pictures. Up to 60 classes have their names beside
/// the rows and their numbers above the columns.
/// @throws ShapeError for another number of names, and for more than most_confused_classes
inline Image confusion_picture(const ClassificationScores& scores,
                               std::span<const std::string> names) {
  detail::expect_names(scores, names);
  detail::expect_confusion(scores.confusion, names);
  const std::size_t classes = names.size();
  const detail::ConfusionLayout layout(names);
  const std::size_t side = layout.cell * classes;
  constexpr std::size_t margin = detail::confusion_margin;
  Image image(layout.left + side + margin, layout.top + side + margin, Rgb{255, 255, 255});
  const auto place = [&](std::size_t start, std::size_t c) {
    return static_cast<std::ptrdiff_t>(start + c * layout.cell);
  };
  const std::size_t gap = layout.cell > 4 ? 1 : 0;
  for (std::size_t row = 0; row < classes; ++row) {
    for (std::size_t column = 0; column < classes; ++column)
      detail::fill_rectangle(image, place(layout.left, column), place(layout.top, row),
                             layout.cell - gap, layout.cell - gap,
                             detail::share_color(detail::fraction_of(scores.confusion[row][column],
                                                                     scores.classes[row].count)));
    if (!layout.names) continue;
    draw_text(image, margin, place(layout.top, row) + 8, detail::confusion_label(row, names[row]),
              {.scale = 1});
    draw_text(image, place(layout.left, row) + 4, margin, std::to_string(row), {.scale = 1});
  }
  return image;
}

/// "92 % boot, is sneaker": what is written below a mistake.
/// @throws ShapeError for a class without a name
inline std::string mistake_text(const Mistake& mistake, std::span<const std::string> names) {
  if (mistake.label >= names.size() || mistake.predicted >= names.size())
    throw ShapeError("a mistake is of class " + std::to_string(mistake.label) + ", but there are " +
                     std::to_string(names.size()) + " names");
  return std::to_string(std::lround(100 * mistake.confidence)) + " % " + names[mistake.predicted] +
         ", is " + names[mistake.label];
}

}  // namespace coca
