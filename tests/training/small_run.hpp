#pragma once
/// @file
/// A run that takes seconds: a tiny CoCa, a custom vocabulary, 32 pictures with captions.

#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "coca/backend/cpu/cpu.hpp"
#include "coca/image/write_png.hpp"
#include "coca/text/clip_tokenizer.hpp"
#include "coca/training/tasks/coca.hpp"
#include "coca/training/trainer.hpp"
#include "io/temporary_folder.hpp"

namespace coca::testing {

inline constexpr CoCaConfig tiny_config{
    .embed_dim = 48,
    .vision =
        {.image_size = 32, .patch_size = 8, .width = 48, .layers = 2, .heads = 2, .mlp_width = 192},
    .pooling = {.kind = Pooling::single, .queries = 9, .heads = 2},
    .text = {.context_length = 12,
             .vocab_size = 600,
             .width = 48,
             .layers = 2,
             .heads = 2,
             .mlp_width = 192},
    .multimodal = {.width = 48, .layers = 2, .heads = 2, .mlp_width = 192},
};

using TinyModel = CoCa<tiny_config, Cpu<float>>;
using TinyTrainer = Trainer<CoCaTask<TinyModel>>;

inline TinyModel tiny_model(std::uint64_t seed = 0) {
  TinyModel model(Cpu<float>(CpuOptions{.threads = 1}));
  initialize(model, seed);
  return model;
}

/// What the 16 pictures of the repository show; 16 more are drawn here.
inline const std::vector<std::string>& photo_captions() {
  static const std::vector<std::string> captions{
      "an iguana", "a note",   "a yield sign", "the letter i", "a dragonfly",  "a fort",
      "a rest",    "broccoli", "a slug",       "a party horn", "the letter s", "the letter c",
      "a goat",    "a bull",   "an umlaut",    "a white cow"};  // in 10 tokens at most
  return captions;
}

/// The merges that make one token of each of some words.
inline std::string tiny_vocabulary() {
  std::set<std::string> words{"a",      "the",    "red",    "green", "blue",
                              "yellow", "circle", "square", "cross", "stripes"};
  std::set<std::string> known;
  std::string text = "\"small vocabulary\"\n";
  std::size_t merges = 0;
  for (const std::string& word : words)
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string next = word.substr(i, 1) + (i + 1 == word.size() ? "</w>" : "");
      const std::string line = word.substr(0, i) + " " + next + "\n";
      if (known.insert(line).second) text += line, ++merges;
    }
  for (char c = 'A'; merges < 600 - 514; ++c)  // as many as the model expects
    for (char d = 'A'; d <= 'Z' && merges < 600 - 514; ++d, ++merges)
      text += std::string(1, c) + " " + d + "\n";
  return text;
}

inline AnyTokenizer tiny_tokenizer() {
  return ClipTokenizer(
      std::make_shared<const BpeVocabulary>(parse_bpe_vocabulary(tiny_vocabulary(), "tiny")));
}

/// A shape in one colour over white.
inline Image draw_shape(std::size_t shape, const Rgb& color) {
  constexpr std::size_t side = 32;
  Image image(side, side);
  for (std::size_t y = 0; y < side; ++y)
    for (std::size_t x = 0; x < side; ++x) {
      const int dx = static_cast<int>(x) - 16, dy = static_cast<int>(y) - 16;
      const bool inside = shape == 0   ? dx * dx + dy * dy < 140
                          : shape == 1 ? std::abs(dx) < 11 && std::abs(dy) < 11
                          : shape == 2 ? std::abs(dx) < 4 || std::abs(dy) < 4
                                       : x % 8 < 4;
      for (std::size_t c = 0; c < 3; ++c)
        image.data()[(y * side + x) * 3 + c] = inside ? color[c] : std::uint8_t{255};
    }
  return image;
}

/// A folder with pictures, their list, and a vocabulary.
class SmallData {
 public:
  SmallData() {
    std::vector<std::filesystem::path> photos;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::string(COCA_SOURCE) + "/examples/models/stamps_coca/images"))
      if (entry.path().extension() == ".png") photos.push_back(entry.path());
    std::sort(photos.begin(), photos.end());
    for (std::size_t i = 0; i < photos.size() && i < photo_captions().size(); ++i)
      add(photos[i].string(), photo_captions()[i]);
    const std::vector<std::pair<std::string, Rgb>> colors{{"red", {220, 30, 30}},
                                                          {"green", {20, 160, 40}},
                                                          {"blue", {30, 60, 220}},
                                                          {"yellow", {240, 210, 30}}};
    const std::vector<std::string> shapes{"circle", "square", "cross", "stripes"};
    for (const auto& [name, color] : colors)
      for (std::size_t shape = 0; shape < shapes.size(); ++shape) {
        const std::string path = folder_.path(name + "_" + shapes[shape] + ".png");
        write_png(path, draw_shape(shape, color));
        add(path, "a " + name + " " + shapes[shape]);
      }
    folder_.write("list.jsonl", list_);
    folder_.write("bpe_simple_vocab_tiny.txt", tiny_vocabulary());
  }

  std::string list() const { return folder_.path("list.jsonl"); }
  std::string vocabulary() const { return folder_.path("bpe_simple_vocab_tiny.txt"); }
  std::string output(const std::string& name = "run") const { return folder_.path(name); }
  const coca_test::TemporaryFolder& folder() const { return folder_; }

  TrainingSubject subject() const {
    return {.config = tiny_config, .tokenizer = tiny_tokenizer(), .tokenizer_file = vocabulary()};
  }

  /// Quick options without augmentation.
  TrainingOptions options(const std::string& name = "run") const {
    TrainingOptions options;
    options.data.training = options.data.validation = {list()};
    options.data.augment = false;
    options.data.loader_threads = 1;
    options.data.cache_megabytes = 16;
    options.step.batch_size = 8;
    options.step.steps = 12;
    options.step.weight_decay = 0;
    options.threads = 1;
    options.validation_steps = 5;
    options.picture_count = 3;
    options.output = output(name);
    return options;
  }

 private:
  void add(const std::string& path, const std::string& caption) {
    list_ += nlohmann::json{{"image", path}, {"caption", caption}}.dump() + "\n";
  }

  coca_test::TemporaryFolder folder_;
  std::string list_;
};

}  // namespace coca::testing
