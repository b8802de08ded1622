#pragma once
/// @file
/// Drawing results: text, contact sheets of captioned pictures, and attention overlays.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"
#include "coca/image/font.hpp"
#include "coca/image/image.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/resize.hpp"

namespace coca {

/// Colour and size of drawn text.
struct TextStyle {
  Rgb color = {38, 42, 50};
  std::size_t scale = 2;  ///< pixels of the picture per pixel of the font
};

namespace detail {

/// One ASCII character per character of the text; characters that the font lacks become '?'.
inline std::string drawable_text(std::string_view utf8) {
  std::string text;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continuation = byte >= 0x80 && byte < 0xC0;
    if (continuation) continue;
    const bool blank = c == '\n' || c == '\t' || c == '\r';
    text += blank ? ' ' : byte >= 32 && byte < 127 ? c : '?';
  }
  return text;
}

/// Fills the part of a rectangle that lies within the picture.
inline void fill_rectangle(Image& image, std::ptrdiff_t left, std::ptrdiff_t top, std::size_t width,
                           std::size_t height, Rgb color) {
  const auto clip = [](std::ptrdiff_t value, std::size_t limit) {
    return std::clamp(value, std::ptrdiff_t{0}, static_cast<std::ptrdiff_t>(limit));
  };
  const std::ptrdiff_t right = clip(left + static_cast<std::ptrdiff_t>(width), image.width());
  const std::ptrdiff_t bottom = clip(top + static_cast<std::ptrdiff_t>(height), image.height());
  for (std::ptrdiff_t y = clip(top, image.height()); y < bottom; ++y) {
    for (std::ptrdiff_t x = clip(left, image.width()); x < right; ++x) image.set(x, y, color);
  }
}

inline void draw_glyph(Image& image, std::ptrdiff_t left, std::ptrdiff_t top, char character,
                       const TextStyle& style) {
  const Glyph& glyph = glyph_of(static_cast<unsigned char>(character));
  const auto scale = static_cast<std::ptrdiff_t>(style.scale);
  for (std::size_t row = 0; row < glyph_height; ++row) {
    for (std::size_t column = 0; column < glyph_width; ++column) {
      if ((glyph.rows[row] >> (glyph_width - 1 - column) & 1) == 0) continue;
      fill_rectangle(image, left + static_cast<std::ptrdiff_t>(column) * scale,
                     top + static_cast<std::ptrdiff_t>(row) * scale, style.scale, style.scale,
                     style.color);
    }
  }
}

}  // namespace detail

/// Width of draw_text() in pixels: one glyph per character of UTF-8 text.
inline std::size_t text_width(std::string_view text, std::size_t scale) {
  const std::size_t characters = detail::drawable_text(text).size();
  return characters == 0 ? 0 : (characters * glyph_advance - 1) * scale;
}

/// Draws one line of text whose upper left corner is (left, top); what lies outside is not drawn.
inline void draw_text(Image& image, std::ptrdiff_t left, std::ptrdiff_t top, std::string_view text,
                      const TextStyle& style = {}) {
  const auto advance = static_cast<std::ptrdiff_t>(glyph_advance * style.scale);
  for (const char character : detail::drawable_text(text)) {
    if (left >= static_cast<std::ptrdiff_t>(image.width())) return;
    detail::draw_glyph(image, left, top, character, style);
    left += advance;
  }
}

/// Breaks text between words into lines of at most `columns` characters; longer words are cut. When
/// `max_lines` do not hold it, the last one ends in "...".
/// @throws ArgumentError if not even "..." fits.
inline std::vector<std::string> wrap_text(std::string_view utf8, std::size_t columns,
                                          std::size_t max_lines) {
  constexpr std::string_view ellipsis = "...";
  if (columns < ellipsis.size()) throw ArgumentError("lines of text need at least 3 characters");
  const std::string text = detail::drawable_text(utf8);
  std::vector<std::string> lines;
  std::size_t position = 0;
  while (true) {
    position = std::min(text.find_first_not_of(' ', position), text.size());
    if (position == text.size() || lines.size() == max_lines) break;
    std::size_t end = std::min(position + columns, text.size());
    if (end < text.size() && text[end] != ' ') {
      const std::size_t space = text.rfind(' ', end);
      if (space != std::string::npos && space > position) end = space;
    }
    const std::string line = text.substr(position, end - position);
    lines.push_back(line.substr(0, line.find_last_not_of(' ') + 1));
    position = end;
  }
  if (position < text.size() && !lines.empty()) {
    std::string& last = lines.back();
    last = last.substr(0, std::min(last.size(), columns - ellipsis.size())) + std::string(ellipsis);
  }
  return lines;
}

/// Style of a contact sheet. Lengths in pixels.
struct ContactSheetOptions {
  std::size_t columns = 4;            ///< pictures per row
  std::size_t cell_size = 224;        ///< each picture is fitted into a square of that side
  std::size_t margin = 20;            ///< around and between the pictures
  std::size_t max_caption_lines = 3;  ///< of each label; longer ones end in ...
  Rgb background = {250, 250, 248};
  Rgb mount = {236, 236, 232};  ///< the square behind a picture that is not square
  TextStyle text{};
};

namespace detail {

/// Copies a picture onto another one, within which it must lie.
inline void paste(const Image& source, Image& target, std::size_t left, std::size_t top) {
  for (std::size_t y = 0; y < source.height(); ++y) {
    std::copy_n(source.row(y), source.width() * Image::channels,
                target.row(top + y) + left * Image::channels);
  }
}

/// The picture scaled to fit into a square with that side.
inline Image fit_into(const Image& image, std::size_t side) {
  const double scale =
      static_cast<double>(side) / static_cast<double>(std::max(image.width(), image.height()));
  const auto scaled = [&](std::size_t extent) {
    return std::max(round_half_even(static_cast<double>(extent) * scale), std::size_t{1});
  };
  return resize(image, scaled(image.width()), scaled(image.height()));
}

inline std::vector<std::string> caption_lines(std::string_view caption,
                                              const ContactSheetOptions& options) {
  const std::size_t characters = (options.cell_size / options.text.scale + 1) / glyph_advance;
  return wrap_text(caption, characters, options.max_caption_lines);
}

inline void draw_cell(Image& sheet, std::size_t left, std::size_t top, const Image& image,
                      std::string_view caption, const ContactSheetOptions& options) {
  const std::size_t side = options.cell_size;
  fill_rectangle(sheet, static_cast<std::ptrdiff_t>(left), static_cast<std::ptrdiff_t>(top), side,
                 side, options.mount);
  const Image fitted = fit_into(image, side);
  paste(fitted, sheet, left + (side - fitted.width()) / 2, top + (side - fitted.height()) / 2);
  std::size_t line_top = top + side + options.margin / 2;
  for (const std::string& line : caption_lines(caption, options)) {
    const std::size_t indent = (side - text_width(line, options.text.scale)) / 2;
    draw_text(sheet, static_cast<std::ptrdiff_t>(left + indent),
              static_cast<std::ptrdiff_t>(line_top), line, options.text);
    line_top += line_advance * options.text.scale;
  }
}

/// @throws ArgumentError for what cannot be laid out.
inline void check_contact_sheet(std::span<const Image> images,
                                std::span<const std::string> captions,
                                const ContactSheetOptions& options) {
  if (images.empty() || images.size() != captions.size()) {
    throw ArgumentError("a contact sheet needs pictures and as many captions, got " +
                        counted(images.size(), "picture") + " and " +
                        counted(captions.size(), "caption"));
  }
  constexpr std::size_t min_characters = 3;
  const std::size_t min_side = min_characters * glyph_advance * options.text.scale;
  constexpr std::size_t max_length = 10'000;
  if (options.columns == 0 || options.columns > max_length || options.text.scale == 0 ||
      options.text.scale > max_length || options.cell_size < min_side ||
      options.cell_size > max_length || options.margin > max_length ||
      options.max_caption_lines > max_length) {
    throw ArgumentError("a contact sheet needs columns, a text scale of at least 1, and cells of " +
                        counted(min_side, "pixel") + " or more for that scale; nothing above " +
                        std::to_string(max_length));
  }
}

}  // namespace detail

/// Pictures in a grid, each with its label below, row by row.
/// @throws ArgumentError for unequal numbers of pictures and captions, or extents out of range.
inline Image contact_sheet(std::span<const Image> images, std::span<const std::string> captions,
                           const ContactSheetOptions& options = {}) {
  detail::check_contact_sheet(images, captions, options);
  const std::size_t columns = std::min(options.columns, images.size());
  const std::size_t rows = (images.size() + columns - 1) / columns;
  std::size_t lines = 0;
  for (const std::string& caption : captions) {
    lines = std::max(lines, detail::caption_lines(caption, options).size());
  }
  const std::size_t label = lines * line_advance * options.text.scale;
  const std::size_t step_x = options.cell_size + options.margin;
  const std::size_t step_y = options.cell_size + options.margin + label;
  Image sheet(columns * step_x + options.margin, rows * step_y + options.margin,
              options.background);
  for (std::size_t i = 0; i < images.size(); ++i) {
    detail::draw_cell(sheet, options.margin + i % columns * step_x,
                      options.margin + i / columns * step_y, images[i], captions[i], options);
  }
  return sheet;
}

/// Style of heat_overlay().
struct HeatOptions {
  double opacity = 0.75;  ///< of the colour over the largest weight, 0 to 1
};

namespace detail {

/// Dark violet, purple, red, orange, light yellow: `heat` from 0 to 1.
inline std::array<double, 3> heat_color(double heat) noexcept {
  constexpr std::array<std::array<double, 3>, 5> anchors = {
      {{20, 12, 60}, {112, 28, 130}, {214, 58, 82}, {250, 146, 40}, {255, 240, 150}}};
  const double position = std::clamp(heat, 0.0, 1.0) * (anchors.size() - 1);
  const std::size_t below = std::min(static_cast<std::size_t>(position), anchors.size() - 2);
  const double part = position - static_cast<double>(below);
  std::array<double, 3> color{};
  for (std::size_t c = 0; c < 3; ++c) {
    color[c] = anchors[below][c] * (1 - part) + anchors[below + 1][c] * part;
  }
  return color;
}

/// Mixed with its own gray (weights of ITU-R BT.601), so that the colours on top stand out.
inline std::array<double, 3> pale(const std::uint8_t* pixel) noexcept {
  constexpr double saturation = 0.4;
  const double gray = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
  std::array<double, 3> color{};
  for (std::size_t c = 0; c < 3; ++c) color[c] = saturation * pixel[c] + (1 - saturation) * gray;
  return color;
}

/// A grid of weights scaled to 0 to 1 and read between its cells' centres.
class HeatMap {
 public:
  /// @throws ArgumentError for an empty grid, a wrong number of weights, or one that is not finite.
  HeatMap(std::span<const float> weights, std::size_t rows, std::size_t columns)
      : rows_(rows), columns_(columns), cells_(weights.begin(), weights.end()) {
    const bool fits = rows != 0 && weights.size() / rows == columns && weights.size() % rows == 0;
    if (!fits || columns == 0) {
      throw ArgumentError("a heat map of " + std::to_string(rows) + " x " +
                          std::to_string(columns) + " cells got " +
                          counted(weights.size(), "weight"));
    }
    for (const double weight : cells_) {
      if (!std::isfinite(weight)) throw ArgumentError("a weight of a heat map is not finite");
    }
    const auto [low, high] = std::minmax_element(cells_.begin(), cells_.end());
    const double offset = *low;
    const double range = *high - *low;
    for (double& cell : cells_) cell = range > 0 ? (cell - offset) / range : 0.0;
  }

  /// Bilinear; `x` and `y` from 0 to 1 across the grid.
  double at(double x, double y) const noexcept {
    const auto [x0, x1, part_x] = neighbours(x, columns_);
    const auto [y0, y1, part_y] = neighbours(y, rows_);
    const double upper = cell(x0, y0) * (1 - part_x) + cell(x1, y0) * part_x;
    const double lower = cell(x0, y1) * (1 - part_x) + cell(x1, y1) * part_x;
    return upper * (1 - part_y) + lower * part_y;
  }

 private:
  struct Neighbours {
    std::size_t low;
    std::size_t high;
    double part;
  };

  static Neighbours neighbours(double position, std::size_t count) noexcept {
    const double last = static_cast<double>(count - 1);
    const double center = std::clamp(position * static_cast<double>(count) - 0.5, 0.0, last);
    const auto low = static_cast<std::size_t>(center);
    return {low, std::min(low + 1, count - 1), center - static_cast<double>(low)};
  }

  double cell(std::size_t x, std::size_t y) const noexcept { return cells_[y * columns_ + x]; }

  std::size_t rows_;
  std::size_t columns_;
  std::vector<double> cells_;
};

}  // namespace detail

/// Overlays weights, such as a query's attention to the patches, on a desaturated picture: the
/// smallest is nearly clear and dark, the largest bright. Equal weights count as the smallest.
/// @param weights [rows, columns], of any finite values
/// @throws ArgumentError for weights that do not fit or are not finite, or an opacity out of range.
inline Image heat_overlay(const Image& image, std::span<const float> weights, std::size_t rows,
                          std::size_t columns, const HeatOptions& options = {}) {
  if (!(options.opacity >= 0 && options.opacity <= 1)) {
    throw ArgumentError("the opacity of a heat map is 0 to 1, got " +
                        std::to_string(options.opacity));
  }
  constexpr double least = 0.4;  // of the opacity, where the weight is smallest
  const detail::HeatMap map(weights, rows, columns);
  Image out = image;
  for (std::size_t y = 0; y < image.height(); ++y) {
    for (std::size_t x = 0; x < image.width(); ++x) {
      const double heat =
          map.at((static_cast<double>(x) + 0.5) / static_cast<double>(image.width()),
                 (static_cast<double>(y) + 0.5) / static_cast<double>(image.height()));
      const double opacity = options.opacity * (least + (1 - least) * heat);
      const std::array<double, 3> color = detail::heat_color(heat);
      std::uint8_t* pixel = out.row(y) + x * Image::channels;
      const std::array<double, 3> ground = detail::pale(pixel);
      for (std::size_t c = 0; c < Image::channels; ++c) {
        pixel[c] =
            static_cast<std::uint8_t>(std::lround(ground[c] * (1 - opacity) + color[c] * opacity));
      }
    }
  }
  return out;
}

}  // namespace coca
