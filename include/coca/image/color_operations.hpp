#pragma once
/// @file
/// Changes of the samples of 8-bit pictures, to the bit as Pillow's ImageOps and ImageEnhance.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "coca/image/image.hpp"

namespace coca {

/// The new value of each of the 256 values of a sample.
using SampleTable = std::array<std::uint8_t, 256>;

namespace detail {

/// The table of a function of a sample, whose result is cut to 0 to 255.
template <class Function>
SampleTable sample_table(Function&& function) {
  SampleTable table{};
  for (int i = 0; i < 256; ++i)
    table[static_cast<std::size_t>(i)] =
        static_cast<std::uint8_t>(std::clamp<long>(static_cast<long>(function(i)), 0, 255));
  return table;
}

inline void replace_samples(Image& image, const std::array<SampleTable, 3>& tables) {
  std::uint8_t* samples = image.data();
  for (std::size_t i = 0; i < image.pixels().size(); ++i) samples[i] = tables[i % 3][samples[i]];
}

/// How often each value occurs in a channel.
inline std::array<std::size_t, 256> histogram(const Image& image, std::size_t channel) {
  std::array<std::size_t, 256> counts{};
  for (std::size_t i = channel; i < image.pixels().size(); i += Image::channels)
    ++counts[image.pixels()[i]];
  return counts;
}

/// Tables of each channel's histogram.
template <class Function>
void replace_by_histogram(Image& image, Function&& table_of) {
  replace_samples(image, {table_of(histogram(image, 0)), table_of(histogram(image, 1)),
                          table_of(histogram(image, 2))});
}

/// (R 299 + G 587 + B 114) / 1000, in 16 bits.
inline std::uint8_t luma(const std::uint8_t* pixel) {
  return static_cast<std::uint8_t>(
      (19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 0x8000u) >> 16);
}

/// ground + factor (sample - ground), towards zero.
inline std::uint8_t blended(std::uint8_t ground, std::uint8_t sample, float factor) {
  const float value =
      static_cast<float>(ground) + factor * static_cast<float>(int{sample} - int{ground});
  return static_cast<std::uint8_t>(std::clamp(value, 0.0f, 255.0f));
}

}  // namespace detail

/// Keeps the upper bits of each sample. @param bits 1 to 8
inline void posterize(Image& image, int bits) {
  const auto mask = static_cast<std::uint8_t>(0xFF << (8 - bits));
  for (std::size_t i = 0; i < image.pixels().size(); ++i) image.data()[i] &= mask;
}

/// Inverts samples that are not below the threshold.
inline void solarize(Image& image, double threshold) {
  const SampleTable table =
      detail::sample_table([threshold](int i) { return i < threshold ? i : 255 - i; });
  detail::replace_samples(image, {table, table, table});
}

/// Stretches the samples of each channel to 0 to 255.
inline void auto_contrast(Image& image) {
  detail::replace_by_histogram(image, [](const std::array<std::size_t, 256>& counts) {
    int low = 0, high = 255;
    while (low < 255 && counts[static_cast<std::size_t>(low)] == 0) ++low;
    while (high > 0 && counts[static_cast<std::size_t>(high)] == 0) --high;
    if (high <= low) return detail::sample_table([](int i) { return i; });
    const double scale = 255.0 / (high - low), offset = -low * scale;
    return detail::sample_table([=](int i) { return i * scale + offset; });
  });
}

/// Gives each channel a histogram that is as even as possible.
inline void equalize(Image& image) {
  detail::replace_by_histogram(image, [](const std::array<std::size_t, 256>& counts) {
    const std::size_t all = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
    const auto last =
        std::find_if(counts.rbegin(), counts.rend(), [](std::size_t n) { return n != 0; });
    const std::size_t step = last == counts.rend() ? 0 : (all - *last) / 255;
    if (step == 0) return detail::sample_table([](int i) { return i; });
    std::size_t before = step / 2;
    return detail::sample_table([&](int i) {
      const std::size_t level = before / step;
      before += counts[static_cast<std::size_t>(i)];
      return level;
    });
  });
}

/// Multiplies all samples. @param factor 0 is black, 1 changes nothing
inline void enhance_brightness(Image& image, float factor) {
  for (std::size_t i = 0; i < image.pixels().size(); ++i)
    image.data()[i] = detail::blended(0, image.data()[i], factor);
}

/// Mixes each pixel with its gray. @param factor 0 is a gray picture, 1 changes nothing
inline void enhance_color(Image& image, float factor) {
  for (std::size_t i = 0; i < image.pixels().size(); i += Image::channels) {
    std::uint8_t* pixel = image.data() + i;
    const std::uint8_t gray = detail::luma(pixel);
    for (std::size_t c = 0; c < Image::channels; ++c)
      pixel[c] = detail::blended(gray, pixel[c], factor);
  }
}

/// Mixes with the mean gray of the picture. @param factor 0 is uniform gray, 1 changes nothing
inline void enhance_contrast(Image& image, float factor) {
  if (image.empty()) return;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < image.pixels().size(); i += Image::channels)
    sum += detail::luma(image.data() + i);
  const double mean =
      static_cast<double>(sum) / static_cast<double>(image.width() * image.height());
  const auto gray = static_cast<std::uint8_t>(mean + 0.5);
  for (std::size_t i = 0; i < image.pixels().size(); ++i)
    image.data()[i] = detail::blended(gray, image.data()[i], factor);
}

/// Mixes with a smoothed picture (3 x 3 pixels, of which the middle one counts five times; the
/// border stays). @param factor 0 is smooth, 1 changes nothing, more is sharper
inline void enhance_sharpness(Image& image, float factor) {
  const Image input = image;
  const std::size_t row = image.width() * Image::channels;
  for (std::size_t y = 1; y + 1 < image.height(); ++y)
    for (std::size_t i = Image::channels; i + Image::channels < row; ++i) {
      const std::uint8_t* middle = input.row(y) + i;
      int sum = 4 * *middle;
      for (const std::uint8_t* line : {middle - row, middle, middle + row})
        sum += *(line - Image::channels) + *line + *(line + Image::channels);
      const auto smooth = static_cast<std::uint8_t>((2 * sum + 13) / 26);
      image.row(y)[i] = detail::blended(smooth, *middle, factor);
    }
}

}  // namespace coca
