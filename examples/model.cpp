#include "model.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "coca/image/open_clip_preprocess.hpp"
#include "coca/image/preprocess_config_json.hpp"
#include "coca/image/read_image.hpp"
#include "coca/io/open_checkpoint.hpp"
#include "coca/pipelines/inferred_config.hpp"
#include "coca/pipelines/model_identity.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/text/hugging_face_tokenizer.hpp"
#include "coca/text/read_json_tokenizer.hpp"
#include "coca/text/sentence_piece_tokenizer.hpp"

namespace coca_examples {

namespace fs = std::filesystem;

coca::Pixels Model::read_pixels(const std::string& path) const {
  if (info_.open_clip_preprocessing)
    return coca::preprocess_like_open_clip(path, info_.preprocessing);
  return coca::preprocess(coca::read_image(path), info_.preprocessing);
}

coca::Image Model::to_image(const coca::Pixels& pixels) const {
  coca::Image image(pixels.width, pixels.height);
  const std::size_t area = pixels.width * pixels.height;
  for (std::size_t i = 0; i < area * pixels.channels; ++i) {
    const std::size_t channel = i / area;
    const double value = double{pixels.values[i]} * info_.preprocessing.std[channel] +
                         info_.preprocessing.mean[channel];
    image.data()[i % area * pixels.channels + channel] =
        static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 1.0) * 255));
  }
  return image;
}

std::vector<std::int32_t> Model::encode(const std::string& text) const {
  std::vector<std::int32_t> ids = coca::tokenize(info_.tokenizer, text, info_.context_length).ids;
  // What pads may be a word too, so padding is counted, not searched for.
  ids.resize(std::min(ids.size(), info_.tokenizer.encode(text).size() + 2));
  return ids;
}

namespace {

/// Where the weights are, and what their folder says about them.
struct Source {
  std::string weights;  ///< a checkpoint, or "random"
  std::optional<coca::HuggingFaceFolder> folder;
};

constexpr const char* bundled_model = "drawings_coca";

/// Where a model that comes along is: in the source tree, or where COCA_MODEL_DIR says.
fs::path bundled_path(const std::string& name) {
  const char* moved = std::getenv("COCA_MODEL_DIR");
  const fs::path models = moved != nullptr && *moved != '\0' ? moved : COCA_EXAMPLE_MODELS;
  return models / name;
}

bool is_bundled(const std::string& preset) {
  std::error_code ignored;
  return fs::is_directory(bundled_path(preset), ignored);
}

/// The weights that are asked for, or those of a model that comes along.
std::string weights_of(const ModelOptions& options) {
  if (!options.weights.empty()) return options.weights;
  const std::string preset = options.preset.empty() ? bundled_model : options.preset;
  if (!options.preset.empty() && !is_bundled(preset))
    throw UsageError("--model " + options.preset +
                     " needs --weights: a file, a folder as on Hugging "
                     "Face, or \"random\" to try it without");
  return bundled_path(preset).string();
}

Source find_source(const ModelOptions& options) {
  const std::string weights = weights_of(options);
  if (!options.weights.empty() && !fs::is_directory(weights)) return {weights, {}};
  coca::HuggingFaceFolder folder = coca::open_hugging_face_folder(weights);
  return {folder.weights, std::move(folder)};
}

/// How to get a preset that was not compiled in.
std::string rebuild_hint(const std::string& cmake_option) {
  return "configure and build the examples anew:\n  cmake -B build -D" + cmake_option +
         "\n  cmake --build build";
}

/// How to compile a preset of the library in.
std::string hint_to_add(std::string_view preset) {
  return rebuild_hint("COCA_PRESETS=\"drawings_coca;" + std::string(preset) + "\"");
}

const CompiledPreset& preset_of_name(const std::string& name) {
  std::string known;
  for (const CompiledPreset& preset : compiled_presets()) {
    if (preset.name == name) return preset;
    known += (known.empty() ? "" : ", ") + std::string(preset.name);
  }
  std::string message = "--model " + name + " is not compiled in; there are " + known + ". To add ";
  for (const coca::NamedPreset& preset : coca::named_presets())
    if (preset.name == name) throw UsageError(message + "it, " + hint_to_add(name));
  throw UsageError(message + "a model of your own as \"custom\", " +
                   rebuild_hint("COCA_CONFIG=path/to/config.json"));
}

/// The preset that a folder's configuration is.
const CompiledPreset& preset_of_folder(const coca::HuggingFaceFolder& folder) {
  const coca::AnyConfig config = coca::to_config(folder.description);
  for (const CompiledPreset& preset : compiled_presets())
    if (preset.config == config) return preset;
  const auto name = coca::preset_name(config);
  const std::string what = name ? "the preset " + std::string(*name) : "a model of its own";
  throw UsageError(folder.config + ": this is " + what + ", which is not compiled in:\n" +
                   coca::config_definition(config, "custom") + "To add it as --model custom, " +
                   rebuild_hint("COCA_CONFIG=" + folder.config));
}

/// The first preset that the checkpoint's shapes fit; otherwise the one that comes along, which
/// then says what does not fit.
const CompiledPreset& preset_of_checkpoint(const std::string& weights) {
  const auto inferred = coca::infer_config(coca::open_checkpoint(weights));
  if (!inferred) return compiled_presets().front();
  for (const CompiledPreset& preset : compiled_presets())
    if (coca::has_shapes_of(*inferred, preset.config)) return preset;
  const auto name = coca::preset_with_shapes(*inferred);
  if (!name) return compiled_presets().front();
  throw UsageError(weights + ": these weights fit the preset " + std::string(*name) +
                   ", which is not compiled in. To add it, " + hint_to_add(*name));
}

/// A configuration for pictures of another size.
coca::AnyConfig with_image_size_of(coca::AnyConfig config, const coca::AnyConfig& other) {
  const int size = std::visit([](const auto& c) { return c.vision.image_size; }, other);
  std::visit([size](auto& c) { c.vision.image_size = size; }, config);
  return config;
}

/// Weights of another compiled preset are the likeliest mistake, and get a short answer.
void expect_checkpoint_fits(const std::string& weights, const CompiledPreset& preset) {
  const auto inferred = coca::infer_config(coca::open_checkpoint(weights));
  if (!inferred || coca::has_shapes_of(*inferred, preset.config)) return;
  for (const CompiledPreset& other : compiled_presets()) {
    if (!coca::has_shapes_of(*inferred, other.config)) continue;
    const bool size_alone = with_image_size_of(other.config, preset.config) == preset.config;
    throw coca::FileError(weights, "these weights fit the preset " + std::string(other.name) +
                                       ", not --model " + std::string(preset.name) +
                                       (size_alone ? " (try --interpolate-positions)" : ""));
  }
}

/// What a folder says must be what was asked for, but for the size of pictures where positions are
/// interpolated.
void expect_folder_fits(const coca::HuggingFaceFolder& folder, const CompiledPreset& preset,
                        bool any_picture_size) {
  coca::AnyConfig described = coca::to_config(folder.description);
  if (any_picture_size) described = with_image_size_of(described, preset.config);
  if (described == preset.config) return;
  const CompiledPreset& fitting = preset_of_folder(folder);
  throw coca::FileError(folder.config, "is the configuration of --model " +
                                           std::string(fitting.name) + ", not of --model " +
                                           std::string(preset.name));
}

const CompiledPreset& choose_preset(const ModelOptions& options, const Source& source) {
  if (options.preset.empty()) {
    if (source.folder) return preset_of_folder(*source.folder);
    if (source.weights == "random") return compiled_presets().front();
    return preset_of_checkpoint(source.weights);
  }
  const CompiledPreset& preset = preset_of_name(options.preset);
  if (source.folder) expect_folder_fits(*source.folder, preset, options.interpolate_positions);
  if (source.weights != "random" && !options.interpolate_positions)
    expect_checkpoint_fits(source.weights, preset);
  return preset;
}

coca::AnyTokenizer choose_tokenizer(const ModelOptions& options,
                                    const std::optional<coca::HuggingFaceFolder>& folder) {
  if (!options.tokenizer.empty()) return read_tokenizer(options.tokenizer);
  if (!folder) return coca::ClipTokenizer();
  if (folder->sentence_piece) return coca::SentencePieceTokenizer(*folder->sentence_piece);
  if (folder->bpe_vocabulary) return coca::read_clip_tokenizer(*folder->bpe_vocabulary);
  if (folder->merges)
    return coca::read_hugging_face_tokenizer(*folder->merges, folder->vocabulary.value_or(""));
  if (folder->tokenizer_json) return coca::read_json_tokenizer(*folder->tokenizer_json);
  if (folder->vocabulary)
    throw coca::FileError(*folder->vocabulary,
                          "has the words of a tokenizer, but not how they are made; merges.txt or "
                          "tokenizer.json is needed beside it, or --tokenizer FILE");
  return coca::ClipTokenizer();
}

/// Ids beyond the model's vocabulary have no embedding. A smaller vocabulary may be right, as some
/// models have rows to spare, but not where its last word ends texts, as in CLIP's: the model's own
/// is another row.
void expect_tokenizer_fits(const ModelOptions& options, const ModelInfo& info) {
  const auto words = static_cast<std::size_t>(info.tokenizer.vocab_size());
  const bool ends_with_last = info.tokenizer.end_id() + 1 == info.tokenizer.vocab_size();
  if (words == info.vocab_size || (words < info.vocab_size && !ends_with_last)) return;
  const std::string whose = options.tokenizer.empty() ? "the tokenizer" : options.tokenizer;
  throw UsageError(whose + " has " + std::to_string(words) + " tokens, but the model " +
                   info.preset + " a vocabulary of " + std::to_string(info.vocab_size) +
                   "; --tokenizer FILE gives it its own");
}

coca::PreprocessConfig choose_preprocessing(const std::optional<coca::HuggingFaceFolder>& folder,
                                            std::size_t image_size) {
  coca::PreprocessConfig config;
  if (folder && !folder->description.preprocess.is_null()) {
    try {
      config = coca::parse_preprocess_config(folder->description.preprocess);
    } catch (const coca::Error& error) {
      throw coca::FileError(folder->config, error.what());
    }
  }
  config.height = config.width = image_size;
  return config;
}

}  // namespace

coca::AnyTokenizer read_tokenizer(const std::string& path) {
  if (path.ends_with(".model")) return coca::SentencePieceTokenizer(path);
  if (path.ends_with(".json")) return coca::read_json_tokenizer(path);
  if (fs::path(path).filename() == "merges.txt") return coca::read_hugging_face_tokenizer(path);
  return coca::read_clip_tokenizer(path);
}

std::optional<coca::HuggingFaceFolder> bundled_folder(const std::string& preset) {
  if (!is_bundled(preset)) return {};
  return coca::open_hugging_face_folder(bundled_path(preset).string());
}

std::unique_ptr<Model> open_model(const ModelOptions& options) {
  if (!options.preset.empty()) preset_of_name(options.preset);  // a wrong name is told first
  const Source source = find_source(options);
  const CompiledPreset& preset = choose_preset(options, source);
  const auto bundled = bundled_folder(std::string(preset.name));
  const auto& folder = source.folder ? source.folder : bundled;  // with vocabulary and the like
  ModelInfo info{.preset = std::string(preset.name),
                 .tokenizer = choose_tokenizer(options, folder),
                 .open_clip_preprocessing = options.open_clip_preprocessing,
                 .bundled = bundled.has_value(),
                 .captions = std::holds_alternative<coca::CoCaConfig>(preset.config),
                 .min_length = folder ? folder->min_length : std::nullopt};
  std::visit(
      [&](const auto& config) {
        info.preprocessing =
            choose_preprocessing(folder, static_cast<std::size_t>(config.vision.image_size));
        info.context_length = static_cast<std::size_t>(config.text.context_length);
        info.vocab_size = static_cast<std::size_t>(config.text.vocab_size);
        info.embed_dim = static_cast<std::size_t>(config.embed_dim);
      },
      preset.config);
  if (options.captions && !info.captions)
    throw UsageError("the model " + info.preset + " has no captioner; captions need a CoCa");
  expect_tokenizer_fits(options, info);
  info.identity =
      to_string(coca::ModelIdentity{info.preset, options.precision, info.preprocessing,
                                    info.open_clip_preprocessing, source.weights, options.seed});
  return preset.make(std::move(info), options, source.weights);
}

}  // namespace coca_examples
