#pragma once
/// @file
/// The report of a training run: one self-contained HTML page, made from the log.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/png.hpp"
#include "coca/io/base64.hpp"
#include "coca/io/json.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/training/line_chart.hpp"

namespace coca {

/// A picture that is captioned at each validation.
struct ReportPicture {
  std::string name;
  std::string address;  ///< "data:image/png;base64,..."; empty: it cannot be shown
};

/// A picture as a data URL. @throws UnavailableError without libpng
inline std::string to_data_address(const Image& image) {
  return "data:image/png;base64," + to_base64(encode_png(image));
}

/// The lines of a log. An incomplete line is left out: a run may be writing.
/// @throws FileError if the file cannot be read.
inline std::vector<Json> read_training_log(const std::string& path) {
  std::error_code ignored;  // opening it will report the problem
  if (std::filesystem::file_size(path, ignored) == 0) return {};
  const MappedFile file(path);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  std::vector<Json> lines;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
    const std::string_view line = text.substr(0, end);
    const auto marked = detail::with_byte_marks(line);
    Json json = Json::parse(marked ? std::string_view(*marked) : line, nullptr, false);
    if (marked) detail::remove_byte_marks(json);
    if (json.is_object()) lines.push_back(std::move(json));
    text.remove_prefix(end + 1);
  }
  return lines;
}

namespace detail {

/// The number at a path of keys, or NaN.
inline double number_at(const Json& line, std::span<const std::string> keys) {
  const Json* value = &line;
  for (const std::string& key : keys) {
    if (!value->is_object()) return std::numeric_limits<double>::quiet_NaN();
    const auto found = value->find(key);
    if (found == value->end()) return std::numeric_limits<double>::quiet_NaN();
    value = &*found;
  }
  return value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

inline double step_of(const Json& line) {
  static const std::vector<std::string> step{"step"};
  return number_at(line, step);
}

/// A number of the log over the steps.
inline ChartSeries curve(std::span<const Json> lines, std::string name,
                         std::span<const std::string> keys) {
  ChartSeries series{std::move(name), {}, {}};
  for (const Json& line : lines) {
    if (line.contains("validation") != (keys.front() == "validation")) continue;
    series.x.push_back(step_of(line));
    series.y.push_back(number_at(line, keys));
  }
  return series;
}

/// Readable titles and curve names for numbers of the log. All others are shown under their names
/// in the log.
struct CurveWords {
  const char* name;
  const char* chart;
  const char* curve;
};
inline constexpr CurveWords curve_words[] = {
    {"logit_scale", "Temperature", "logit scale"},
    {"logit_bias", "Logit bias", "bias"},
    {"image_to_text.r1", "Validation retrieval", "text R@1"},
    {"image_to_text.r5", "Validation retrieval", "text R@5"},
    {"image_to_text.r10", "Validation retrieval", "text R@10"},
    {"text_to_image.r1", "Validation retrieval", "picture R@1"},
    {"text_to_image.r5", "Validation retrieval", "picture R@5"},
    {"text_to_image.r10", "Validation retrieval", "picture R@10"},
};

/// Charts in the order of their first curves.
class ChartList {
 public:
  explicit ChartList(std::span<const Json> lines) : lines_(lines) {}

  void add(const std::string& chart, const std::string& name,
           const std::vector<std::string>& keys) {
    auto found = std::find_if(charts_.begin(), charts_.end(),
                              [&](const LineChart& each) { return each.title == chart; });
    if (found == charts_.end()) found = charts_.insert(charts_.end(), LineChart{chart, {}});
    found->series.push_back(curve(lines_, name, keys));
  }

  /// A number with its readable names.
  void add_named(const std::string& name, const std::string& chart,
                 const std::vector<std::string>& keys) {
    for (const CurveWords& words : curve_words)
      if (name == words.name) return add(words.chart, words.curve, keys);
    add(chart.empty() ? name : chart, keys.back(), keys);
  }

  std::vector<LineChart> charts() && { return std::move(charts_); }

 private:
  std::span<const Json> lines_;
  std::vector<LineChart> charts_;
};

/// Names of numbers in the log, in the order in which they first come: what `numbers` gives of each
/// line, [group,] key.
template <class Numbers>
std::vector<std::vector<std::string>> names_in(std::span<const Json> lines, Numbers&& numbers) {
  std::vector<std::vector<std::string>> names;
  const auto add = [&names](std::vector<std::string> keys) {
    if (std::find(names.begin(), names.end(), keys) == names.end())
      names.push_back(std::move(keys));
  };
  for (const Json& line : lines) numbers(line, add);
  return names;
}

inline bool is_loss(const std::string& name) { return name.ends_with("_loss"); }

/// "contrastive" of "contrastive_loss".
inline std::string loss_word(const std::string& name) { return name.substr(0, name.size() - 5); }

/// Losses of steps, or of validations.
inline std::vector<std::vector<std::string>> losses_in(std::span<const Json> lines,
                                                       bool validation) {
  return names_in(lines, [validation](const Json& line, const auto& add) {
    const Json* numbers = &line;
    if (validation) {
      const auto found = line.find("validation");
      if (found == line.end() || !found->is_object()) return;
      numbers = &*found;
    }
    for (const auto& [key, value] : numbers->items())
      if (is_loss(key))
        add(validation ? std::vector<std::string>{"validation", key}
                       : std::vector<std::string>{key});
  });
}

/// What a task measures: groups of a validation, and numbers that are no losses.
inline std::vector<std::vector<std::string>> scores_in(std::span<const Json> lines) {
  return names_in(lines, [](const Json& line, const auto& add) {
    const auto validation = line.find("validation");
    if (validation == line.end() || !validation->is_object()) return;
    for (const auto& [key, value] : validation->items()) {
      if (value.is_object())
        for (const auto& [inner, number] : value.items()) add({"validation", key, inner});
      else if (value.is_number() && !is_loss(key) && key != "loss" && key != "pictures")
        add({"validation", key});
    }
  });
}

/// Numbers of the model that steps follow.
inline std::vector<std::vector<std::string>> tracked_in(std::span<const Json> lines) {
  static const std::set<std::string> others{"step",          "epoch",         "loss",
                                            "learning_rate", "gradient_norm", "pictures_per_second",
                                            "seconds_waited"};
  return names_in(lines, [](const Json& line, const auto& add) {
    for (const auto& [key, value] : line.items())
      if (value.is_number() && !is_loss(key) && !others.contains(key)) add({key});
  });
}

inline std::vector<LineChart> training_charts(std::span<const Json> lines) {
  ChartList charts(lines);
  charts.add("Losses (weighted)", "sum", {"loss"});
  for (const auto& keys : losses_in(lines, false))
    charts.add("Losses (weighted)", loss_word(keys.back()), keys);
  charts.add("Validation losses", "sum", {"validation", "loss"});
  for (const auto& keys : losses_in(lines, true))
    charts.add("Validation losses", loss_word(keys.back()), keys);
  for (const auto& keys : scores_in(lines)) {
    const bool grouped = keys.size() == 3;
    charts.add_named(grouped ? keys[1] + "." + keys[2] : keys[1], "Validation: " + keys[1], keys);
  }
  charts.add("Learning rate", "learning rate", {"learning_rate"});
  charts.add("Gradient norm", "norm", {"gradient_norm"});
  for (const auto& keys : tracked_in(lines)) charts.add_named(keys.back(), "", keys);
  charts.add("Speed", "pictures per second", {"pictures_per_second"});
  return std::move(charts).charts();
}

/// Whether there are texts for the fixed pictures; a run that has not validated yet may have some.
inline bool has_texts(std::span<const Json> lines) {
  bool validated = false;
  for (const Json& line : lines) {
    const auto validation = line.find("validation");
    if (validation == line.end() || !validation->is_object()) continue;
    validated = true;
    const auto texts = validation->find("captions");
    if (texts != validation->end() && !texts->empty()) return true;
  }
  return !validated;
}

inline std::string caption_table(std::span<const Json> lines,
                                 std::span<const ReportPicture> pictures) {
  std::string table;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    table += "<div class=\"picture\">";
    if (!pictures[i].address.empty()) table += "<img src=\"" + pictures[i].address + "\" alt=\"\">";
    table += "<div><h3>" + escape_html(pictures[i].name) + "</h3><table>\n";
    std::string before;
    for (const Json& line : lines) {
      const auto validation = line.find("validation");
      if (validation == line.end() || !validation->contains("captions")) continue;
      const Json& captions = validation->at("captions");
      if (i >= captions.size() || !captions[i].is_string()) continue;
      const auto caption = captions[i].get<std::string>();
      if (caption == before) continue;  // told already
      table += "<tr><td>" + chart_number(step_of(line), "%.0f") + "</td><td>" +
               escape_html(caption) + "</td></tr>\n";
      before = caption;
    }
    table += "</table></div></div>\n";
  }
  return table;
}

inline constexpr const char* report_style =
    "body{font:15px/1.45 system-ui,sans-serif;color:#1f2937;background:#fff;max-width:1320px;"
    "margin:2em auto;padding:0 1em}h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
    "h3{font-size:1em;margin:0 0 .3em}.charts{display:grid;gap:1em;"
    "grid-template-columns:repeat(auto-fill,minmax(380px,1fr))}"
    "svg{width:100%;border:1px solid #e5e7eb;border-radius:6px}svg text{font-size:10px;"
    "fill:#6b7280}svg g text{fill:inherit}svg .title{font-size:12px;font-weight:600;fill:#111827}"
    ".grid{stroke:#e5e7eb;fill:none}.curve{fill:none;stroke-width:1.5}"
    ".picture{display:flex;gap:1em;margin:1em 0}.picture img{width:96px;height:96px;"
    "object-fit:contain;border:1px solid #e5e7eb;image-rendering:auto}"
    "td{padding:0 .8em .1em 0;vertical-align:top}td:first-child{color:#6b7280;text-align:right}"
    "pre{background:#f9fafb;padding:1em;overflow:auto;font-size:12px}";

}  // namespace detail

/// What a report contains in addition to the log.
struct ReportText {
  std::string title;
  std::string summary{};  ///< a sentence below the title
  std::string options{};  ///< in readable form
};

/// The page, in UTF-8.
inline std::string training_report(const ReportText& text, std::span<const Json> log,
                                   std::span<const ReportPicture> pictures) {
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\n<title>" +
      escape_html(text.title) + "</title>\n<style>" + detail::report_style +
      "</style></head>\n<body>\n<h1>" + escape_html(text.title) + "</h1>\n<p>" +
      escape_html(text.summary) + "</p>\n<div class=\"charts\">\n";
  for (const LineChart& chart : detail::training_charts(log)) page += to_svg(chart);
  page += "</div>\n";
  if (!pictures.empty() && detail::has_texts(log))
    page +=
        "<h2>Captions over time</h2>\n<p>A line where the caption changed: the step, and what "
        "the model said.</p>\n" +
        detail::caption_table(log, pictures);
  page += "<h2>Options</h2>\n<pre>" + escape_html(text.options) + "</pre>\n</body>\n</html>\n";
  return page;
}

}  // namespace coca
