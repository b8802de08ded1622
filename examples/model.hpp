#pragma once
/// @file
/// A model whose preset and precision are chosen when a program runs. The library's models are
/// types; programs that take `--model NAME` hide the type behind this interface, and are compiled
/// once for all presets. A program that knows its model needs none of this, see minimal.cpp.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/image/image.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/pipelines/attention_map.hpp"
#include "coca/pipelines/caption.hpp"
#include "coca/pipelines/classify.hpp"
#include "coca/pipelines/configuration.hpp"
#include "coca/pipelines/search_index.hpp"

namespace coca_examples {

/// A mistake in how a program was called; its exit status is 2.
class UsageError : public coca::Error {
 public:
  using Error::Error;
};

/// What the command line says about the model.
struct ModelOptions {
  std::string preset{};     ///< empty: what the weights fit
  std::string weights{};    ///< file, folder, or "random"; empty: the model that comes along
  std::string tokenizer{};  ///< vocabulary file; empty: the folder's, or else CLIP's
  std::string precision = "f32";
  int threads = 0;
  std::uint64_t seed = 0;
  bool open_clip_preprocessing = false;
  bool interpolate_positions = false;
  bool captions = false;  ///< not of the command line: the program cannot do without a captioner
};

/// Everything about a model but its weights.
struct ModelInfo {
  std::string preset;
  std::string identity{};  ///< differs between models that give different embeddings
  coca::AnyTokenizer tokenizer;
  coca::PreprocessConfig preprocessing{};
  bool open_clip_preprocessing = false;
  bool bundled = false;   ///< of the models that come along, which learnt names, not sentences
  bool captions = false;  ///< a CoCa; CLIP has none
  std::optional<std::size_t> min_length{};  ///< of captions, where the model's folder says so
  std::size_t context_length = 0;
  std::size_t vocab_size = 0;
  std::size_t embed_dim = 0;
};

class Model {
 public:
  explicit Model(ModelInfo info) : info_(std::move(info)) {}
  virtual ~Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelInfo& info() const noexcept { return info_; }

  /// A picture file as the model reads it. @throws coca::FileError
  coca::Pixels read_pixels(const std::string& path) const;
  /// The picture that such pixels show.
  coca::Image to_image(const coca::Pixels& pixels) const;
  /// Ids of a text: start token, words, end token; cut to the context, without padding.
  std::vector<std::int32_t> encode(const std::string& text) const;

  /// Each picture's captions, best first. @throws UsageError where the model has no captioner
  virtual std::vector<std::vector<coca::Caption>> caption(
      std::span<const coca::Pixels> pictures, const coca::GenerationOptions& options) = 0;
  virtual std::vector<coca::AttentionMap> attention_maps(const coca::Pixels& picture,
                                                         const std::vector<std::int32_t>& ids) = 0;
  virtual coca::Embeddings embed_images(std::span<const coca::Pixels> pictures) = 0;
  virtual coca::Embeddings embed_texts(std::span<const std::string> texts) = 0;
  virtual coca::ZeroShotClassifier classifier(std::vector<std::string> labels,
                                              std::span<const std::string> templates) = 0;
  virtual coca::IndexUpdate update(
      coca::SearchIndex& index, const std::string& folder,
      const std::function<void(std::size_t, std::size_t)>& on_progress) = 0;

 private:
  ModelInfo info_;
};

/// A preset that was compiled in.
struct CompiledPreset {
  std::string_view name;
  coca::AnyConfig config;
  /// @param weights a checkpoint, or "random"
  std::unique_ptr<Model> (*make)(ModelInfo info, const ModelOptions& options,
                                 const std::string& weights);
};

/// All that CMake's COCA_PRESETS and COCA_CONFIG asked for.
const std::vector<CompiledPreset>& compiled_presets();

/// A vocabulary file: SentencePiece .model, tokenizer.json, merges.txt, or CLIP's bpe_simple_vocab.
/// @throws coca::FileError where it is missing or damaged
coca::AnyTokenizer read_tokenizer(const std::string& path);

/// The folder of the model that comes along under a preset's name, if one does: examples/models, or
/// where the environment variable COCA_MODEL_DIR says.
/// @throws coca::FileError where it is damaged
std::optional<coca::HuggingFaceFolder> bundled_folder(const std::string& preset);

/// The model that the command line asks for.
/// @throws UsageError for a preset that there is not; coca::Error for weights that cannot be loaded
std::unique_ptr<Model> open_model(const ModelOptions& options);

}  // namespace coca_examples
