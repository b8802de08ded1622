#pragma once
/// @file
/// Curves as SVG, for the report of a training run.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace coca {

/// A curve: points from left to right.
struct ChartSeries {
  std::string name;
  std::vector<double> x;
  std::vector<double> y;  ///< of the same length; NaN is a gap
};

/// Curves that share their axes.
struct LineChart {
  std::string title;
  std::vector<ChartSeries> series;
};

/// A text escaped for HTML or XML.
inline std::string escape_html(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

namespace detail {

inline std::string chart_number(double value, const char* format = "%.4g") {
  char text[40];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// The visible part of an axis, and its grid lines.
struct ChartAxis {
  double low = 0, high = 1, step = 0.2;

  ChartAxis() = default;
  /// Steps of 1, 2 or 5 times a power of ten, about five of them.
  ChartAxis(double least, double most) {
    if (!(least <= most)) return;
    if (least == most) {
      const double room = std::max(std::abs(least) * 0.1, 1e-12);
      least -= room;
      most += room;
    }
    const double rough = (most - least) / 5;
    const double power = std::pow(10.0, std::floor(std::log10(rough)));
    step = rough / power > 5   ? 10 * power
           : rough / power > 2 ? 5 * power
           : rough > power     ? 2 * power
                               : power;
    low = std::floor(least / step) * step;
    high = std::ceil(most / step) * step;
  }

  /// Number of lines.
  int lines() const { return static_cast<int>(std::lround((high - low) / step)) + 1; }
  double line(int i) const { return low + i * step; }
  /// 0 to 1.
  double place(double value) const { return (value - low) / (high - low); }
};

/// At most `most` points: the means of neighbours.
inline ChartSeries thinned(const ChartSeries& series, std::size_t most = 500) {
  const std::size_t count = std::min(series.x.size(), series.y.size());
  const std::size_t group = (count + most - 1) / most;
  if (group <= 1) return series;
  ChartSeries thin{series.name, {}, {}};
  for (std::size_t first = 0; first < count; first += group) {
    const std::size_t end = std::min(count, first + group);
    double x = 0, y = 0, finite = 0;
    for (std::size_t i = first; i < end; ++i) {
      x += series.x[i];
      if (!std::isfinite(series.y[i])) continue;
      y += series.y[i];
      ++finite;
    }
    thin.x.push_back(x / static_cast<double>(end - first));
    thin.y.push_back(finite == 0 ? std::numeric_limits<double>::quiet_NaN() : y / finite);
  }
  return thin;
}

class ChartDrawing {
 public:
  explicit ChartDrawing(const LineChart& chart) : chart_(chart) {
    for (ChartSeries& series : chart_.series) series = thinned(series);
    constexpr double infinity = std::numeric_limits<double>::infinity();
    double x0 = infinity, x1 = -infinity, y0 = infinity, y1 = -infinity;
    for (const ChartSeries& series : chart_.series)
      for (std::size_t i = 0; i < std::min(series.x.size(), series.y.size()); ++i) {
        if (!std::isfinite(series.y[i])) continue;
        x0 = std::min(x0, series.x[i]), x1 = std::max(x1, series.x[i]);
        y0 = std::min(y0, series.y[i]), y1 = std::max(y1, series.y[i]);
      }
    x_ = ChartAxis(x0, x1);
    if (x0 < x1) x_.low = x0, x_.high = x1;
    y_ = ChartAxis(y0, y1);
  }

  std::string svg() {
    text_ = "<svg viewBox=\"0 0 420 250\" role=\"img\" aria-label=\"" + escape_html(chart_.title) +
            "\">\n<text x=\"55\" y=\"16\" class=\"title\">" + escape_html(chart_.title) +
            "</text>\n";
    draw_axes();
    for (std::size_t i = 0; i < chart_.series.size(); ++i) draw(i);
    return text_ + "</svg>\n";
  }

 private:
  static constexpr double left = 55, right = 410, top = 28, bottom = 205;

  double across(double x) const { return left + x_.place(x) * (right - left); }
  double down(double y) const { return bottom - y_.place(y) * (bottom - top); }
  static std::string place(double value) { return chart_number(value, "%.1f"); }

  static const char* color(std::size_t i) {
    static constexpr const char* colors[] = {"#2563eb", "#dc2626", "#059669",
                                             "#d97706", "#7c3aed", "#0891b2"};
    return colors[i % std::size(colors)];
  }

  void write(double x, double y, const char* anchor, const std::string& words) {
    text_ += "<text x=\"" + place(x) + "\" y=\"" + place(y) + "\" text-anchor=\"" + anchor + "\">" +
             words + "</text>\n";
  }

  void draw_axes() {
    for (int i = 0; i < y_.lines(); ++i) {
      const double y = down(y_.line(i));
      text_ += "<path class=\"grid\" d=\"M" + place(left) + " " + place(y) + "H" + place(right) +
               "\"/>\n";
      write(left - 5, y + 3, "end",
            chart_number(std::abs(y_.line(i)) < y_.step / 1e6 ? 0.0 : y_.line(i)));
    }
    write(left, bottom + 14, "start", chart_number(x_.low, "%.0f"));
    write(right, bottom + 14, "end", chart_number(x_.high, "%.0f"));
    write((left + right) / 2, bottom + 14, "middle", "step");
  }

  void draw(std::size_t number) {
    const ChartSeries& series = chart_.series[number];
    std::string path;
    bool pen_down = false;
    const std::size_t count = std::min(series.x.size(), series.y.size());
    for (std::size_t i = 0; i < count; ++i) {
      const bool finite = std::isfinite(series.y[i]);
      if (finite)
        path +=
            (pen_down ? "L" : "M") + place(across(series.x[i])) + " " + place(down(series.y[i]));
      pen_down = finite;
    }
    if (count == 1 && pen_down) path += "h0.1";
    text_ += std::string("<path class=\"curve\" stroke=\"") + color(number) + "\" d=\"" + path +
             "\"/>\n";
    text_ += std::string("<g fill=\"") + color(number) + "\">";
    write(left + 120.0 * static_cast<double>(number % 3),
          bottom + 28 + 13.0 * static_cast<double>(number / 3), "start", escape_html(series.name));
    text_ += "</g>\n";
  }

  LineChart chart_;
  ChartAxis x_, y_;
  std::string text_;
};

}  // namespace detail

/// A chart as one element `svg`, styled by the page's rules for `.title`, `.grid` and `.curve`.
inline std::string to_svg(const LineChart& chart) { return detail::ChartDrawing(chart).svg(); }

}  // namespace coca
