#pragma once
/// @file
/// The fixed pictures of a training run, which are captioned at every validation.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/transparent_image.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/read_image.hpp"
#include "coca/training/training_report.hpp"

namespace coca {

/// Pictures as model input, and for display. Both lists have one element per picture.
struct TrainingPictures {
  std::vector<Pixels> pixels{};
  std::vector<ReportPicture> shown{};
};

/// The picture that normalised floats show.
inline Image to_image(const Pixels& pixels, const PreprocessConfig& config) {
  Image image(pixels.width, pixels.height);
  const std::size_t area = pixels.width * pixels.height;
  for (std::size_t i = 0; i < area * pixels.channels; ++i) {
    const std::size_t channel = i / area;
    const double value = double{pixels.values[i]} * config.std[channel] + config.mean[channel];
    image.data()[i % area * pixels.channels + channel] =
        static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
  }
  return image;
}

namespace detail {

inline void add_picture(TrainingPictures& pictures, const std::string& name, const Image& image,
                        const PreprocessConfig& config) {
  Pixels pixels = preprocess(image, config);
  std::string address;
  try {
    address = to_data_address(to_image(pixels, config));
  } catch (const UnavailableError&) {  // the report then has only the captions
  }
  pictures.pixels.push_back(std::move(pixels));
  pictures.shown.push_back({name, std::move(address)});
}

}  // namespace detail

/// Reads picture files. @throws FileError if one cannot be read.
inline TrainingPictures read_pictures(const std::vector<std::string>& paths,
                                      const PreprocessConfig& config) {
  TrainingPictures pictures;
  for (const std::string& path : paths)
    detail::add_picture(pictures, std::filesystem::path(path).filename().string(), read_image(path),
                        config);
  return pictures;
}

/// The first pictures of a data set that are not broken, with their captions added to their names.
inline TrainingPictures first_pictures(const AnyDataset& dataset, std::size_t count,
                                       const PreprocessConfig& config) {
  constexpr std::size_t max_attempts = 1000;
  TrainingPictures pictures;
  const std::size_t attempts = std::min(dataset.size(), count + max_attempts);
  for (std::size_t i = 0; i < attempts && pictures.pixels.size() < count; ++i) {
    try {
      const Record record = dataset.record(i);
      const std::string name =
          record.captions.empty() ? record.name : record.name + ": " + record.captions.front();
      detail::add_picture(pictures, name, lay_over(read_transparent_image(dataset.read(i), name)),
                          config);
    } catch (const Error&) {  // the loader counts and reports it
    }
  }
  return pictures;
}

}  // namespace coca
