#pragma once
/// @file
/// The model that the command line requests.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coca/core/error.hpp"
#include "coca/io/hugging_face_folder.hpp"
#include "coca/pipelines/any_model.hpp"

namespace coca_examples {

/// A mistake in how a program was called; its exit status is 2.
class UsageError : public coca::Error {
 public:
  using Error::Error;
};

using coca::ModelInfo;
using Model = coca::AnyModel;

/// What the command line says about the model.
struct ModelOptions {
  std::string preset{};   ///< a name, a folder or a configuration file; empty: what the weights are
  std::string weights{};  ///< file, folder, or "random"; empty: the included model
  std::string tokenizer{};  ///< vocabulary file; empty: the folder's, or else CLIP's
  std::string precision = "f32";
  int threads = 0;
  std::uint64_t seed = 0;
  bool open_clip_preprocessing = false;
  bool interpolate_positions = false;
  bool captions = false;  ///< not of the command line: the program cannot do without a captioner
};

/// The folders of the included models, the default first: those in examples/models, or in the
/// folder given by the environment variable COCA_MODEL_DIR. Each is known by its name.
std::vector<std::string> bundled_folders();

/// Whether an included model has that name; a path is none. They learnt names, not sentences.
bool is_bundled(const std::string& preset);

/// The folder of the included model of that name, if there is one.
/// @throws coca::FileError if it is damaged
std::optional<coca::HuggingFaceFolder> bundled_folder(const std::string& preset);

/// The model that the command line requests.
/// @throws UsageError for an unknown model; coca::Error for weights that cannot be loaded
std::unique_ptr<Model> open_model(const ModelOptions& options);

}  // namespace coca_examples
