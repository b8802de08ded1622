#include "model.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "coca/pipelines/open_model.hpp"
#include "picture_reading.hpp"

namespace coca_examples {

namespace fs = std::filesystem;

namespace {

constexpr const char* default_model = "drawings_coca";

/// The folder of an included model.
fs::path bundled_path(const std::string& name) {
  const char* moved = std::getenv("COCA_MODEL_DIR");
  const fs::path models = moved != nullptr && *moved != '\0' ? moved : COCA_EXAMPLE_MODELS;
  return models / name;
}

/// What to open: --model, or else --weights, or else the included model.
std::string path_of(const ModelOptions& options) {
  std::error_code ignored;
  if (!options.preset.empty()) return options.preset;
  if (!options.weights.empty() && options.weights != "random") {
    if (!fs::exists(options.weights, ignored))
      throw coca::FileError(options.weights, "does not exist");
    return options.weights;
  }
  const fs::path path = bundled_path(default_model);
  if (!fs::is_directory(path, ignored)) throw coca::FileError(path.string(), "does not exist");
  return path.string();
}

}  // namespace

std::vector<std::string> bundled_folders() {
  std::vector<std::string> folders;
  std::error_code ignored;
  for (fs::directory_iterator entry(bundled_path(""), ignored), end; entry != end;
       entry.increment(ignored))
    for (const char* config : {"open_clip_config.json", "config.json"})
      if (fs::exists(entry->path() / config, ignored)) {
        folders.push_back(entry->path().string());
        break;
      }
  std::sort(folders.begin(), folders.end());
  std::stable_partition(folders.begin(), folders.end(), [](const std::string& folder) {
    return folder == bundled_path(default_model);
  });
  return folders;
}

bool is_bundled(const std::string& preset) {
  const std::vector<std::string> folders = bundled_folders();
  return std::any_of(folders.begin(), folders.end(), [&](const std::string& folder) {
    return fs::path(folder).filename() == preset;
  });
}

std::optional<coca::HuggingFaceFolder> bundled_folder(const std::string& preset) {
  if (!is_bundled(preset)) return {};
  return coca::open_hugging_face_folder(bundled_path(preset).string());
}

std::unique_ptr<Model> open_model(const ModelOptions& options) {
  const std::string path = path_of(options);
  try {
    return coca::open_model(
        path, {.weights = path == options.weights ? "" : options.weights,
               .tokenizer = options.tokenizer,
               .precision = options.precision == "bf16" ? coca::ModelPrecision::bfloat16
                                                        : coca::ModelPrecision::float32,
               .threads = options.threads,
               .seed = options.seed,
               .open_clip_preprocessing = options.open_clip_preprocessing,
               .interpolate_positions = options.interpolate_positions,
               .captions = options.captions,
               .reading = picture_reading().options(),
               .known_folders = bundled_folders()});
  } catch (const coca::ArgumentError& error) {
    throw UsageError(error.what());
  }
}

}  // namespace coca_examples
