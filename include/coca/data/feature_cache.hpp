#pragma once
/// @file
/// Features of the pictures of a data set in a folder: shards that are mapped into memory, written
/// atomically, so that an interrupted run continues at the first shard that is missing.
///
/// `features.json` says what the features were made from; each shard, a safetensors file, repeats a
/// digest of that.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include "coca/core/digest.hpp"
#include "coca/core/dtype.hpp"
#include "coca/core/error.hpp"
#include "coca/data/feature_source.hpp"
#include "coca/io/atomic_file.hpp"
#include "coca/io/json.hpp"
#include "coca/io/safetensors.hpp"
#include "coca/io/safetensors_writer.hpp"

namespace coca {

/// What a cache holds, and what that depends on.
struct FeatureCacheContent {
  /// Such as {"weights", "0123456789abcdef"}: texts that must all be equal for features to be.
  std::vector<std::pair<std::string, std::string>> made_from{};
  std::size_t pictures = 0;
  std::size_t views = 1;  ///< of each picture, of which each epoch reads one
  std::size_t tokens = 0;
  std::size_t width = 0;
  DType dtype = DType::F16;  ///< F16, BF16 or F32

  std::size_t picture_values() const noexcept { return tokens * width; }
  /// Bytes of one view of a picture.
  std::size_t picture_bytes() const { return picture_values() * size_of(dtype); }
  /// Bytes of all features.
  std::size_t bytes() const { return pictures * views * picture_bytes(); }

  /// Pictures of a shard: some 64 MiB, and whole batches of encoding.
  std::size_t shard_pictures() const {
    constexpr std::size_t bytes = std::size_t{64} << 20, batch = 32;
    const std::size_t fit = bytes / std::max<std::size_t>(picture_bytes(), 1);
    return std::max(fit / batch, std::size_t{1}) * batch;
  }
  /// Shards of a view.
  std::size_t shards() const { return (pictures + shard_pictures() - 1) / shard_pictures(); }
};

/// One shard: some pictures of one view.
struct FeatureShard {
  std::size_t view = 0;
  std::size_t number = 0;  ///< among those of its view
  std::size_t first = 0;   ///< picture
  std::size_t count = 0;
};

namespace detail {

/// The description as names and values, in the order of the file.
inline nlohmann::ordered_json to_json(const FeatureCacheContent& content) {
  nlohmann::ordered_json json;
  for (const auto& [name, value] : content.made_from) json[name] = value;
  json["pictures"] = content.pictures;
  json["views"] = content.views;
  json["tokens"] = content.tokens;
  json["width"] = content.width;
  json["dtype"] = to_string(content.dtype);
  json["shard_pictures"] = content.shard_pictures();
  return json;
}

inline std::string shown(const Json& value) {
  if (value.is_string()) return printable(value.get<std::string>(), 200);
  return printable(value.dump(-1, ' ', true, Json::error_handler_t::replace), 200);
}

/// "weights: a, expected b; views: 1, expected 2"; empty if both are the same.
inline std::string differences(const Json& found, const nlohmann::ordered_json& expected) {
  std::string text;
  for (const auto& [name, value] : expected.items()) {
    const auto other = found.find(name);
    const std::string wanted = shown(Json(value));
    const std::string got = other == found.end() ? "nothing" : shown(*other);
    if (got != wanted)
      text += (text.empty() ? "" : "; ") + name + ": " + got + ", expected " + wanted;
  }
  for (const auto& [name, value] : found.items())
    if (!expected.contains(name))
      text += (text.empty() ? "" : "; ") + printable(name, 60) + ": " + shown(value) +
              ", expected nothing";
  return text;
}

}  // namespace detail

/// A folder of features, complete or not.
class FeatureCache {
 public:
  /// Opens the folder, or creates it.
  /// @throws FileError if it holds features of something else, naming what differs, or cannot be
  ///         written
  FeatureCache(std::string folder, FeatureCacheContent content)
      : folder_(std::move(folder)), content_(std::move(content)) {
    const nlohmann::ordered_json wanted = detail::to_json(content_);
    Digest digest;
    digest.add(wanted.dump());
    digest_ = digest.text();
    std::error_code error;
    if (std::filesystem::exists(description(), error))
      expect(wanted);
    else
      begin(wanted);
  }

  const std::string& folder() const noexcept { return folder_; }
  const FeatureCacheContent& content() const noexcept { return content_; }
  /// In the metadata of each shard.
  const std::string& digest() const noexcept { return digest_; }

  std::string path(const FeatureShard& shard) const {
    char name[64];
    std::snprintf(name, sizeof name, "view-%zu-part-%05zu.safetensors", shard.view, shard.number);
    return (std::filesystem::path(folder_) / name).string();
  }

  std::vector<FeatureShard> shards() const {
    std::vector<FeatureShard> all;
    const std::size_t size = content_.shard_pictures();
    for (std::size_t view = 0; view < content_.views; ++view)
      for (std::size_t i = 0; i < content_.shards(); ++i)
        all.push_back({view, i, i * size, std::min(size, content_.pictures - i * size)});
    return all;
  }

  std::vector<FeatureShard> missing() const {
    std::vector<FeatureShard> missing;
    std::error_code ignored;
    for (const FeatureShard& shard : shards())
      if (!std::filesystem::exists(path(shard), ignored)) missing.push_back(shard);
    return missing;
  }

  /// Bytes that are still to be written.
  std::size_t missing_bytes() const {
    std::size_t pictures = 0;
    for (const FeatureShard& shard : missing()) pictures += shard.count;
    return pictures * content_.picture_bytes();
  }

  /// @throws FileError if the disk has too little space for what is missing
  void expect_space() const {
    std::error_code error;
    const auto space = std::filesystem::space(folder_, error);
    const std::size_t needed = missing_bytes();
    if (error || space.available >= needed) return;
    throw FileError(folder_, "needs " + std::to_string(needed) + " bytes for features, but " +
                                 std::to_string(space.available) + " are free");
  }

  /// Writes a shard, complete or not at all.
  /// @param values [count, tokens, width]; those of a broken picture do not matter
  /// @param broken why pictures could not be read, by their number in the shard
  /// @throws ShapeError for another number of values; Error for numbers that the type of the cache
  ///         does not hold; FileError if it cannot be written
  void write(const FeatureShard& shard, std::span<const float> values,
             const std::map<std::size_t, std::string>& broken = {}) const {
    if (values.size() != shard.count * content_.picture_values())
      throw ShapeError("a shard of " + std::to_string(shard.count) + " pictures got " +
                       std::to_string(values.size()) + " features");
    expect_range(values);
    SafetensorsWriter::Metadata metadata{{"made_from", digest_}};
    for (const auto& [place, reason] : broken)
      metadata["broken." + std::to_string(place)] = detail::printable(reason, 300);
    SafetensorsWriter writer(
        path(shard),
        {{"features", Shape{shard.count, content_.tokens, content_.width}, content_.dtype}},
        metadata);
    writer.write("features", values);
    writer.commit();
  }

 private:
  std::string description() const {
    return (std::filesystem::path(folder_) / "features.json").string();
  }

  void begin(const nlohmann::ordered_json& wanted) const {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) throw FileError(folder_, "cannot be created: " + error.message());
    write_file_atomically(description(), wanted.dump(2) + "\n");
  }

  void expect(const nlohmann::ordered_json& wanted) const {
    const Json found = read_json_file(description());
    if (!found.is_object()) throw FileError(description(), "is not a JSON object");
    const std::string differences = detail::differences(found, wanted);
    if (!differences.empty())
      throw FileError(description(), "describes features of something else; " + differences +
                                         "; give another folder, or delete this one");
  }

  void expect_range(std::span<const float> values) const {
    constexpr float largest_f16 = 65504;
    const float largest =
        content_.dtype == DType::F16 ? largest_f16 : std::numeric_limits<float>::max();
    for (const float value : values)
      if (!(std::abs(value) <= largest))
        throw Error("a feature is " + std::to_string(value) + ", which " +
                    to_string(content_.dtype) + " does not hold" +
                    (std::isfinite(value) ? "; bf16 does" : ""));
  }

  std::string folder_;
  FeatureCacheContent content_;
  std::string digest_;
};

/// The features of a complete cache.
class CachedFeatures final : public FeatureSource {
 public:
  /// Maps all shards. @throws FileError for one that is missing, damaged, or of something else
  explicit CachedFeatures(const FeatureCache& cache) : content_(cache.content()) {
    for (const FeatureShard& shard : cache.shards()) {
      shards_.push_back(read_safetensors(cache.path(shard)));
      expect(shard, cache.digest());
      note_broken(shard);
    }
  }

  std::size_t pictures() const override { return content_.pictures; }
  std::size_t tokens() const override { return content_.tokens; }
  std::size_t width() const override { return content_.width; }

  void read(std::size_t index, std::uint64_t epoch, float* out) const override {
    const auto view = static_cast<std::size_t>(epoch % content_.views);
    if (index >= content_.pictures)
      throw ArgumentError("features of picture " + std::to_string(index) +
                          " were requested, of a cache of " + std::to_string(content_.pictures));
    const auto broken = broken_.find(view * content_.pictures + index);
    if (broken != broken_.end()) throw Error(broken->second);
    const std::size_t size = content_.shard_pictures();
    const Checkpoint& shard = shards_[view * content_.shards() + index / size];
    const StoredTensor& stored = shard.tensor("features");
    const std::size_t place = stored.offset + index % size * content_.picture_bytes();
    detail::float_converter(stored.dtype)(stored.bytes->bytes().data() + place, 1,
                                          content_.picture_values(), out);
  }

 private:
  void expect(const FeatureShard& shard, const std::string& digest) const {
    const Checkpoint& file = shards_.back();
    const auto made_from = file.metadata().find("made_from");
    if (made_from == file.metadata().end() || made_from->second != digest)
      throw FileError(file.path(), "holds features of something else than features.json says");
    const Shape wanted{shard.count, content_.tokens, content_.width};
    const StoredTensor& stored = file.tensor("features");
    if (stored.shape != wanted || stored.dtype != content_.dtype)
      throw FileError(file.path(), "holds features " + to_string(stored.shape) + ", expected " +
                                       to_string(wanted));
  }

  void note_broken(const FeatureShard& shard) {
    constexpr std::string_view prefix = "broken.";
    const std::size_t first = shard.view * content_.pictures + shard.first;
    for (const auto& [key, reason] : shards_.back().metadata()) {
      std::size_t place = 0;
      const char* const end = key.data() + key.size();
      if (!key.starts_with(prefix)) continue;
      const auto [stop, error] = std::from_chars(key.data() + prefix.size(), end, place);
      if (error == std::errc() && stop == end && place < shard.count)
        broken_[first + place] = reason;
    }
  }

  FeatureCacheContent content_;
  std::vector<Checkpoint> shards_;
  std::unordered_map<std::size_t, std::string> broken_;  // by view and picture
};

}  // namespace coca
