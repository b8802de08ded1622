#pragma once
/// @file
/// A trained classifier of videos, opened at run time: its configuration, weights, classes and
/// preprocessing.
///
/// @code
/// const auto model = coca::open_video_model("run");  // of train --task video
/// const std::vector<float> logits = model->logits(frames, 16);
/// @endcode

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/core/error.hpp"
#include "coca/image/preprocess.hpp"
#include "coca/image/preprocess_config_json.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/models/standard_video_classifier.hpp"
#include "coca/pipelines/classes_file.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/pipelines/load.hpp"
#include "coca/pipelines/model_identity.hpp"

namespace coca {

/// How a classifier of videos is opened.
struct VideoModelOptions {
  bool half_precision = false;  ///< weights and computation in bfloat16
  int threads = 0;              ///< 0: one per processor
};

/// Everything about a classifier of videos but its weights.
struct VideoModelInfo {
  std::string name{};  ///< its folder
  VideoConfig config{};
  std::vector<std::string> classes{};  ///< names by number
  PreprocessConfig preprocessing{};
  IdentityParts identity_parts{};  ///< what its logits depend on
};

/// A classifier that open_video_model() made. Not for several threads at once.
class AnyVideoModel {
 public:
  explicit AnyVideoModel(VideoModelInfo info) : info_(std::move(info)) {}
  virtual ~AnyVideoModel() = default;
  AnyVideoModel(const AnyVideoModel&) = delete;
  AnyVideoModel& operator=(const AnyVideoModel&) = delete;

  const VideoModelInfo& info() const noexcept { return info_; }

  /// Clips one after the other, each encoded alone.
  /// @param pixels [clips * clip_frames, 3, image_size, image_size] -> logits [clips, classes]
  /// @throws ShapeError for pictures that are not whole clips, and for more frames than the model
  ///         has positions for; Error for logits that are not finite
  virtual std::vector<float> logits(const PixelBatch& pixels, std::size_t clip_frames) = 0;

 private:
  VideoModelInfo info_;
};

namespace detail {

/// AnyVideoModel, implemented on one backend.
template <Backend B>
class HeldVideoModel final : public AnyVideoModel {
 public:
  HeldVideoModel(VideoModelInfo info, StandardVideoClassifier<B> model)
      : AnyVideoModel(std::move(info)), model_(std::move(model)), context_(model_.backend()) {}

  std::vector<float> logits(const PixelBatch& pixels, std::size_t clip_frames) override {
    expect_clips(pixels, clip_frames);
    const std::vector<typename B::value_type> values(pixels.values.begin(), pixels.values.end());
    const Array<B> all = context_.to_device(values, pixels.shape());
    std::vector<float> logits;
    for (std::size_t first = 0; first < pixels.batch; first += clip_frames) {
      const auto clip =
          context_.to_host(model_(context_, all.slice(first, clip_frames), clip_frames));
      logits.insert(logits.end(), clip.begin(), clip.end());
    }
    for (const float logit : logits)
      if (!std::isfinite(logit))
        throw Error("the logits of the classes hold NaN or infinity: so do the model's weights");
    return logits;
  }

 private:
  static void expect_clips(const PixelBatch& pixels, std::size_t clip_frames) {
    if (clip_frames == 0 || pixels.batch == 0 || pixels.batch % clip_frames != 0)
      throw ShapeError(std::to_string(pixels.batch) + " pictures are not clips of " +
                       std::to_string(clip_frames) + " frames");
  }

  StandardVideoClassifier<B> model_;
  Context<B> context_;
};

/// A folder of a run, and which of its checkpoints.
struct VideoModelPlace {
  HuggingFaceFolder folder;
  std::string weights;
};

inline VideoModelPlace find_video_model(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (!fs::exists(path, ignored)) throw FileError(path, "does not exist");
  const bool is_folder = fs::is_directory(path, ignored);
  const fs::path parent = fs::path(path).parent_path();
  HuggingFaceFolder folder = open_hugging_face_folder(is_folder        ? path
                                                      : parent.empty() ? "."
                                                                       : parent.string(),
                                                      is_folder);
  if (!folder.description.video)
    throw FileError(
        folder.config,
        "has no \"video_cfg\": the model is no classifier of videos, which train --task "
        "video makes");
  const std::string weights = is_folder ? folder.weights : path;
  return {std::move(folder), weights};
}

inline VideoModelInfo video_model_info(const VideoModelPlace& place, bool half_precision) {
  const HuggingFaceFolder& folder = place.folder;
  VideoModelInfo info{.name = folder.path, .config = *folder.description.video};
  info.classes = classes_of_file(folder.classes, {.classes = info.config.classes});
  try {
    if (!folder.description.preprocess.is_null())
      info.preprocessing = parse_preprocess_config(folder.description.preprocess);
  } catch (const Error& error) {
    throw FileError(folder.config, error.what());
  }
  info.preprocessing.height = info.preprocessing.width = size(std::visit(
      [](const auto& known) { return known.vision.image_size; }, folder.description.config));
  info.identity_parts = identity_parts(
      {.configuration = std::to_string(stream_of(config_definition(folder.description.config, ""))),
       .precision = half_precision ? "bf16" : "f32",
       .preprocessing = info.preprocessing,
       .weights = place.weights});
  return info;
}

template <Backend B>
std::unique_ptr<AnyVideoModel> hold_video_model(const VideoModelPlace& place, VideoModelInfo info,
                                                B backend) {
  auto model =
      make_video_classifier<B>(place.folder.description.config, info.config, std::move(backend));
  load_weights(model, open_checkpoint(place.weights));
  return std::make_unique<HeldVideoModel<B>>(std::move(info), std::move(model));
}

}  // namespace detail

/// Opens what `train --task video` has written.
/// @param path a run's folder, or a checkpoint in it
/// @throws FileError for a folder without such a model, and files that cannot be read
inline std::unique_ptr<AnyVideoModel> open_video_model(const std::string& path,
                                                       const VideoModelOptions& options = {}) {
  const detail::VideoModelPlace place = detail::find_video_model(path);
  VideoModelInfo info = detail::video_model_info(place, options.half_precision);
  const CpuOptions cpu{.threads = options.threads};
  if (options.half_precision)
    return detail::hold_video_model(place, std::move(info), Cpu<bfloat16>(cpu));
  return detail::hold_video_model(place, std::move(info), Cpu<float>(cpu));
}

}  // namespace coca
