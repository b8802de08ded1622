#pragma once
/// @file
/// One sample of a data set, read, decoded and prepared for the encoder. Threads may share it.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/data/augmentation.hpp"
#include "coca/data/batch.hpp"
#include "coca/data/caption_choice.hpp"
#include "coca/data/dataset.hpp"
#include "coca/data/feature_source.hpp"
#include "coca/data/picture_cache.hpp"
#include "coca/data/random_draws.hpp"
#include "coca/data/transparent_image.hpp"
#include "coca/image/preprocess.hpp"

namespace coca {

/// How a sample is prepared.
struct SampleOptions {
  PreprocessConfig preprocess{};  ///< the encoder's size, mean, deviation, and shape of pictures
  /// Random changes; without them pictures are prepared as in evaluation, by preprocess().
  std::optional<AugmentationOptions> augmentation{};
  double first_caption = 0;  ///< probability of taking the first of several captions at once;
                             ///< otherwise any of them
  /// Field of the records that says whether a picture may be mirrored: "true" or "1", "false" or
  /// "0". A record without it counts as broken. Empty: any picture may be.
  std::string flip_key{};
  /// Field of the records with a number from 0 to 1, PictureLimits' color_strength. A record
  /// without it counts as broken. Empty: 1.
  std::string color_key{};
  /// Pictures whose shorter side is longer are shrunk to this once decoded, before anything else;
  /// 0 never. Small pictures take less memory in the cache and less time per epoch. At least the
  /// encoder's size divided by the square root of the smallest crop keeps all the detail.
  std::size_t shrink_to = 0;
  std::size_t pictures_per_sample = 1;  ///< records with fewer pictures count as broken
  std::size_t cache_bytes = 0;          ///< memory for decoded pictures
  std::size_t max_pixels = DecodeOptions{}.max_pixels;  ///< larger pictures count as broken
  bool truncated = false;              ///< otherwise pictures that are cut off count as broken
  DamagedPictures* damaged = nullptr;  ///< where damaged pictures are counted; may be null
  /// Features of all pictures, which are read in the place of the pictures; or null.
  std::shared_ptr<const FeatureSource> features{};
};

/// A prepared sample.
struct Sample {
  std::size_t index = 0;
  std::string name;
  std::string caption;
  std::int32_t label = no_label;
  RecordFields fields;
  PixelBatch pixels{};            ///< normalised floats, [pictures, 3, height, width]
  std::vector<float> features{};  ///< [tokens, width], in the place of pixels
};

/// Reads samples. The result is a function of the data set, the options and the key.
class SampleReader {
 public:
  /// @throws ArgumentError for an option out of range.
  SampleReader(AnyDataset dataset, const SampleOptions& options)
      : dataset_(std::move(dataset)),
        options_(options),
        augmentation_(options.augmentation.value_or(AugmentationOptions{}), options.preprocess),
        cache_(options.cache_bytes) {
    if (!(options.first_caption >= 0 && options.first_caption <= 1))
      throw ArgumentError("first_caption is " + std::to_string(options.first_caption) +
                          ", expected a probability from 0 to 1");
    if (options.pictures_per_sample == 0)
      throw ArgumentError("pictures_per_sample is 0, expected at least 1");
    if (options.features && options.features->pictures() != dataset_.size())
      throw ArgumentError("there are features of " + std::to_string(options.features->pictures()) +
                          " pictures for a data set of " + std::to_string(dataset_.size()));
  }

  const AnyDataset& dataset() const noexcept { return dataset_; }

  /// The sample key.index, or why it cannot be shown. Broken ones are not read again.
  std::variant<Sample, SkippedPicture> read(const SampleKey& key) {
    const auto index = static_cast<std::size_t>(key.index);
    if (const auto known = find_broken(index)) return *known;
    SkippedPicture broken{index, "", ""};
    try {
      Record record = dataset_.record(index);
      broken.name = record.name;
      Sample sample{index, record.name, caption_of(record, key), record.label.value_or(no_label),
                    record.fields};
      if (options_.features)
        sample.features = features_of(key);
      else
        sample.pixels = show_all(record, key);
      return sample;
    } catch (const FileError& error) {  // of the picture, or of the file that lists it
      if (broken.name.empty()) broken.name = error.path();
      broken.reason = error.what();
    } catch (const Error& error) {  // of the library: about this picture or its text
      if (broken.name.empty()) broken.name = "record " + std::to_string(index);
      broken.reason = error.what();
    }
    const std::scoped_lock lock(mutex_);
    return broken_.try_emplace(index, std::move(broken)).first->second;
  }

  /// Decoded pictures in memory.
  const PictureCache& cache() const noexcept { return cache_; }

 private:
  std::optional<SkippedPicture> find_broken(std::size_t index) const {
    const std::scoped_lock lock(mutex_);
    const auto found = broken_.find(index);
    if (found == broken_.end()) return std::nullopt;
    return found->second;
  }

  std::string caption_of(const Record& record, const SampleKey& key) const {
    return choose_caption(record.captions, key, options_.first_caption);
  }

  std::vector<float> features_of(const SampleKey& key) const {
    const FeatureSource& source = *options_.features;
    std::vector<float> values(source.tokens() * source.width());
    source.read(static_cast<std::size_t>(key.index), key.epoch, values.data());
    return values;
  }

  // All pictures of a sample, one after the other; what is drawn is the same for each of them.
  PixelBatch show_all(const Record& record, const SampleKey& key) {
    const PictureLimits limits = limits_of(record);
    const std::vector<TransparentImage> frames = frames_of(record, key);
    PixelBatch all;
    for (std::size_t number = 0; number < options_.pictures_per_sample; ++number) {
      const auto index = static_cast<std::size_t>(key.index);
      Pixels one = frames.empty() ? show(*picture(index, number, record.name), key, limits)
                                  : show(frames[number], key, limits);
      if (number == 0)
        all = {1, one.channels, one.height, one.width, std::move(one.values)};
      else
        all.values.insert(all.values.end(), one.values.begin(), one.values.end());
    }
    all.batch = options_.pictures_per_sample;
    return all;
  }

  // The frames of a video; none of a record of picture files.
  std::vector<TransparentImage> frames_of(const Record& record, const SampleKey& key) const {
    std::vector<TransparentImage> shown;
    std::optional<Frames> frames = dataset_.frames(key);
    if (!frames) return shown;
    if (frames->images.size() != options_.pictures_per_sample)
      throw ArgumentError("a video gave " + std::to_string(frames->images.size()) +
                          " pictures, but pictures_per_sample is " +
                          std::to_string(options_.pictures_per_sample));
    if (!frames->damage.empty() && options_.damaged != nullptr)
      options_.damaged->add(record.name, frames->damage);
    for (Image& image : frames->images)
      shown.push_back(shrink({std::move(image), {}}, options_.shrink_to));
    return shown;
  }

  std::shared_ptr<const TransparentImage> picture(std::size_t index, std::size_t number,
                                                  const std::string& name) {
    const std::size_t place = index * options_.pictures_per_sample + number;
    if (auto cached = cache_.find(place)) return cached;
    const std::vector<std::uint8_t> file = dataset_.read(index, number);
    TransparentImage decoded = read_transparent_image(file, name,
                                                      {.max_pixels = options_.max_pixels,
                                                       .truncated = options_.truncated,
                                                       .damaged = options_.damaged});
    return cache_.keep(place, shrink(std::move(decoded), options_.shrink_to));
  }

  PictureLimits limits_of(const Record& record) const {
    return {may_flip(record), color_strength(record)};
  }

  static std::string field_of(const Record& record, const std::string& key) {
    const auto field = record.fields.find(key);
    return field == record.fields.end() ? "" : field->second;
  }

  bool may_flip(const Record& record) const {
    if (options_.flip_key.empty()) return true;
    const std::string value = field_of(record, options_.flip_key);
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    throw ArgumentError('"' + options_.flip_key + "\" is \"" + value +
                        "\", expected true or false: whether the picture may be mirrored");
  }

  double color_strength(const Record& record) const {
    if (options_.color_key.empty()) return 1;
    const std::string value = field_of(record, options_.color_key);
    double strength = -1;
    const char* end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, strength);
    if (error == std::errc{} && stop == end && strength >= 0 && strength <= 1) return strength;
    throw ArgumentError('"' + options_.color_key + "\" is \"" + value +
                        "\", expected a number from 0 to 1: how much colours may change");
  }

  Pixels show(const TransparentImage& picture, const SampleKey& key,
              const PictureLimits& limits) const {
    if (options_.augmentation) return augmentation_(picture, key, limits);
    return preprocess(lay_over(picture), options_.preprocess);
  }

  AnyDataset dataset_;
  SampleOptions options_;
  Augmentation augmentation_;
  PictureCache cache_;
  mutable std::mutex mutex_;
  std::unordered_map<std::size_t, SkippedPicture> broken_;
};

}  // namespace coca
