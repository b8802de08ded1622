#include "score_table.hpp"

#include <algorithm>
#include <functional>
#include <optional>

namespace coca_examples {

namespace {

using Scores = coca::TestScores;

/// A column, and the block of columns that it belongs to.
struct Column {
  std::string block;
  std::string title;
  std::function<std::string(const Scores&)> cell;  ///< "-" if there is no score
};

std::string percent(double share) { return to_text(100 * share, 1); }

/// A column of a score that may be missing.
template <class Part, class Text>
Column optional_column(std::string block, std::string title, std::optional<Part> Scores::*part,
                       Text text) {
  return {std::move(block), std::move(title), [part, text](const Scores& scores) {
            return scores.*part ? text(*(scores.*part)) : std::string("-");
          }};
}

void add_recall(std::vector<Column>& columns, const std::string& block,
                coca::Recall coca::RetrievalScores::*way) {
  const auto add = [&](const char* title, double coca::Recall::*at) {
    columns.push_back(
        optional_column(block, title, &Scores::retrieval,
                        [way, at](const auto& both) { return percent(both.*way.*at); }));
  };
  add("R@1", &coca::Recall::at_1);
  add("R@5", &coca::Recall::at_5);
  add("R@10", &coca::Recall::at_10);
}

void add_interval(std::vector<Column>& columns, const char* title,
                  coca::RecallInterval coca::RetrievalIntervals::*way) {
  columns.push_back(
      optional_column("R@5, 95 %", title, &Scores::intervals, [way](const auto& both) {
        const coca::RecallInterval& interval = both.*way;
        return percent(interval.low.at_5) + "-" + percent(interval.high.at_5);
      }));
}

std::vector<Column> all_columns() {
  using Captioning = coca::CaptioningScores;
  using ZeroShot = coca::ZeroShotAccuracy;
  std::vector<Column> columns{
      {"", "pictures", [](const Scores& scores) { return std::to_string(scores.pictures); }},
      {"", "captions", [](const Scores& scores) { return std::to_string(scores.texts); }}};
  add_recall(columns, "image to text", &coca::RetrievalScores::image_to_text);
  add_recall(columns, "text to image", &coca::RetrievalScores::text_to_image);
  add_interval(columns, "to text", &coca::RetrievalIntervals::image_to_text);
  add_interval(columns, "to image", &coca::RetrievalIntervals::text_to_image);
  const auto add = [&](const char* block, const char* title, auto part, auto text) {
    columns.push_back(optional_column(block, title, part, text));
  };
  add("captioning", "exact", &Scores::captioning,
      [](const Captioning& scores) { return percent(scores.exact_match); });
  add("captioning", "CIDEr", &Scores::captioning,
      [](const Captioning& scores) { return to_text(scores.cider, 3); });
  add("captioning", "BLEU-4", &Scores::captioning,
      [](const Captioning& scores) { return to_text(scores.bleu_4, 3); });
  add("zero-shot", "top-1", &Scores::zero_shot,
      [](const ZeroShot& scores) { return percent(scores.top_1); });
  add("zero-shot", "top-5", &Scores::zero_shot,
      [](const ZeroShot& scores) { return percent(scores.top_5); });
  return columns;
}

/// Width on a terminal: characters, not bytes.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) >> 6) != 2; }));
}

std::string spaces(std::size_t width, const std::string& text) {
  return std::string(width - std::min(width, width_of(text)), ' ');
}

/// A name without line breaks.
std::string one_line(std::string name) {
  for (char& c : name)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = ' ';
  return name.empty() ? "\"\"" : name;
}

/// The line above the titles: each block's name at the start of the block.
std::string block_line(const std::vector<Column>& columns, const std::vector<std::size_t>& widths,
                       std::size_t left) {
  std::string line(left, ' ');
  std::size_t place = left;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const bool begins = c == 0 || columns[c].block != columns[c - 1].block;
    if (begins && !columns[c].block.empty()) line += spaces(place + 3, line) + columns[c].block;
    place += widths[c];
  }
  return line;
}

}  // namespace

std::vector<std::string> score_table(const std::string& corner,
                                     const std::vector<NamedScores>& rows) {
  std::vector<Column> columns = all_columns();
  const auto is_missing = [&](const Column& column) {
    return std::all_of(rows.begin(), rows.end(),
                       [&](const NamedScores& row) { return column.cell(row.second) == "-"; });
  };
  columns.erase(std::remove_if(columns.begin(), columns.end(), is_missing), columns.end());

  std::size_t left = width_of(corner);
  for (const NamedScores& row : rows) left = std::max(left, width_of(one_line(row.first)));
  std::vector<std::size_t> widths;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const bool begins = c == 0 || columns[c].block != columns[c - 1].block;
    std::size_t width = width_of(columns[c].title);
    for (const NamedScores& row : rows)
      width = std::max(width, width_of(columns[c].cell(row.second)));
    widths.push_back(width + (begins ? 3 : 2));
  }

  std::vector<std::string> lines{block_line(columns, widths, left), corner + spaces(left, corner)};
  for (std::size_t c = 0; c < columns.size(); ++c)
    lines.back() += spaces(widths[c], columns[c].title) + columns[c].title;
  for (const auto& [name, scores] : rows) {
    lines.push_back(one_line(name) + spaces(left, one_line(name)));
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const std::string cell = columns[c].cell(scores);
      lines.back() += spaces(widths[c], cell) + cell;
    }
  }
  return lines;
}

JsonLine to_json(const coca::TestScores& scores) {
  const auto recall = [](const coca::Recall& found) {
    return JsonLine{{"r1", found.at_1}, {"r5", found.at_5}, {"r10", found.at_10}};
  };
  const auto interval = [](const coca::RecallInterval& ends) {
    const coca::Recall &low = ends.low, &high = ends.high;
    return JsonLine{{"r1", {low.at_1, high.at_1}},
                    {"r5", {low.at_5, high.at_5}},
                    {"r10", {low.at_10, high.at_10}}};
  };
  JsonLine json{{"pictures", scores.pictures}, {"captions", scores.texts}};
  if (scores.retrieval) {
    json["image_to_text"] = recall(scores.retrieval->image_to_text);
    json["text_to_image"] = recall(scores.retrieval->text_to_image);
  }
  if (scores.intervals) {
    json["image_to_text_interval"] = interval(scores.intervals->image_to_text);
    json["text_to_image_interval"] = interval(scores.intervals->text_to_image);
  }
  if (const auto& captioning = scores.captioning)
    json["captioning"] = {{"exact_match", captioning->exact_match},
                          {"cider", captioning->cider},
                          {"bleu_4", captioning->bleu_4}};
  if (const auto& zero_shot = scores.zero_shot)
    json["zero_shot"] = {{"top_1", zero_shot->top_1},
                         {"top_5", zero_shot->top_5},
                         {"mean_per_class", zero_shot->mean_per_class}};
  return json;
}

}  // namespace coca_examples
