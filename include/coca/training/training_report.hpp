#pragma once
/// @file
/// The report of a training run: one self-contained HTML page, made from the log.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/png.hpp"
#include "coca/io/json.hpp"
#include "coca/io/mapped_file.hpp"
#include "coca/training/line_chart.hpp"

namespace coca {

/// A picture that is captioned at each validation.
struct ReportPicture {
  std::string name;
  std::string address;  ///< "data:image/png;base64,..."; empty: it cannot be shown
};

/// Base64 (RFC 4648), with padding.
inline std::string to_base64(std::span<const std::uint8_t> bytes) {
  static constexpr char letters[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k)
      word = word << 8 | (k < count ? std::uint32_t{bytes[i + k]} : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      text += k <= count ? letters[word >> (18 - 6 * k) & 63] : '=';
  }
  return text;
}

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
    Json line = Json::parse(text.substr(0, end), nullptr, false);
    if (line.is_object()) lines.push_back(std::move(line));
    text.remove_prefix(end + 1);
  }
  return lines;
}

namespace detail {

/// The number at a path of keys, or NaN.
inline double number_at(const Json& line, std::initializer_list<const char*> keys) {
  const Json* value = &line;
  for (const char* key : keys) {
    const auto found = value->find(key);
    if (found == value->end()) return std::numeric_limits<double>::quiet_NaN();
    value = &*found;
  }
  return value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

/// A number of the log over the steps.
inline ChartSeries curve(std::span<const Json> lines, std::string name,
                         std::initializer_list<const char*> keys) {
  ChartSeries series{std::move(name), {}, {}};
  for (const Json& line : lines) {
    if (line.contains("validation") != (std::string_view(*keys.begin()) == "validation")) continue;
    series.x.push_back(number_at(line, {"step"}));
    series.y.push_back(number_at(line, keys));
  }
  return series;
}

inline std::vector<LineChart> training_charts(std::span<const Json> lines) {
  const auto of = [&](const char* name, std::initializer_list<const char*> keys) {
    return curve(lines, name, keys);
  };
  std::vector<LineChart> charts{
      {"Losses (weighted)",
       {of("sum", {"loss"}), of("contrastive", {"contrastive_loss"}),
        of("captioning", {"captioning_loss"})}},
      {"Validation losses",
       {of("sum", {"validation", "loss"}), of("contrastive", {"validation", "contrastive_loss"}),
        of("captioning", {"validation", "captioning_loss"})}},
      {"Validation retrieval",
       {of("text R@1", {"validation", "image_to_text", "r1"}),
        of("text R@5", {"validation", "image_to_text", "r5"}),
        of("text R@10", {"validation", "image_to_text", "r10"}),
        of("picture R@1", {"validation", "text_to_image", "r1"}),
        of("picture R@5", {"validation", "text_to_image", "r5"}),
        of("picture R@10", {"validation", "text_to_image", "r10"})}},
      {"Learning rate", {of("learning rate", {"learning_rate"})}},
      {"Gradient norm", {of("norm", {"gradient_norm"})}},
      {"Temperature", {of("logit scale", {"logit_scale"})}},
      {"Speed", {of("pictures per second", {"pictures_per_second"})}},
  };
  const auto has_bias = [](const Json& line) { return line.contains("logit_bias"); };
  if (std::any_of(lines.begin(), lines.end(), has_bias))
    charts.push_back({"Logit bias", {of("bias", {"logit_bias"})}});
  return charts;
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
      if (caption == before) continue;  // already shown
      table += "<tr><td>" + chart_number(number_at(line, {"step"}), "%.0f") + "</td><td>" +
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
  if (!pictures.empty())
    page +=
        "<h2>Captions over time</h2>\n<p>A line where the caption changed: the step, and what "
        "the model said.</p>\n" +
        detail::caption_table(log, pictures);
  page += "<h2>Options</h2>\n<pre>" + escape_html(text.options) + "</pre>\n</body>\n</html>\n";
  return page;
}

}  // namespace coca
