#pragma once
// A model without weights: a picture's embedding is its mean colour, a text's what it says.

#include <stdexcept>
#include <string>
#include <vector>

#include "coca/pipelines/any_model.hpp"
#include "coca/text/missing_tokenizer.hpp"

namespace coca::testing {

/// Embeds pictures as their mean (red, green, blue), and the texts "red", "green" and "blue" among
/// other words as the sum of these axes.
class ColorModel final : public AnyModel {
 public:
  ColorModel() : AnyModel(make_info()) {}

  std::size_t embedded = 0;  ///< pictures so far
  std::size_t calls = 0;     ///< of embed_images()

  std::vector<std::vector<Caption>> caption(std::span<const Pixels>,
                                            const GenerationOptions&) override {
    throw std::logic_error("not asked for captions");
  }
  std::vector<AttentionMap> attention_maps(const Pixels&,
                                           const std::vector<std::int32_t>&) override {
    throw std::logic_error("not asked for attention");
  }
  Embeddings embed_images(std::span<const Pixels> pictures) override {
    ++calls;
    embedded += pictures.size();
    Embeddings all{{}, pictures.size(), 3};
    for (const Pixels& picture : pictures) {
      const std::size_t area = picture.width * picture.height;
      for (std::size_t c = 0; c < 3; ++c) {
        float sum = 0;
        for (std::size_t i = 0; i < area; ++i) sum += picture.values[c * area + i];
        all.values.push_back(sum / static_cast<float>(area));
      }
    }
    return all;
  }
  Embeddings embed_texts(std::span<const std::string> texts) override {
    Embeddings all{{}, texts.size(), 3};
    for (const std::string& text : texts)
      for (const char* color : {"red", "green", "blue"})
        all.values.push_back(text.find(color) != std::string::npos ? 1 : 0);
    return all;
  }
  ZeroShotClassifier classifier(std::vector<std::string>, std::span<const std::string>) override {
    throw std::logic_error("not asked for a classifier");
  }
  IndexUpdate update(SearchIndex&, const std::string&,
                     const std::function<void(std::size_t, std::size_t)>&) override {
    throw std::logic_error("not asked for an index");
  }

 private:
  static ModelInfo make_info() {
    ModelInfo info{.preset = "colors", .tokenizer = MissingTokenizer("none", 1)};
    info.identity_parts = {{"weights", "colors"}, {"preprocessing", "plain"}};
    info.identity = to_string(info.identity_parts);
    info.preprocessing.height = info.preprocessing.width = 4;
    info.preprocessing.mean = {0, 0, 0};
    info.preprocessing.std = {1, 1, 1};
    info.embed_dim = 3;
    return info;
  }
};

/// A picture of one colour as a PNG file.
inline std::string png_of(Rgb color, std::size_t size = 4) {
  const std::vector<std::uint8_t> bytes = encode_png(Image(size, size, color));
  return {bytes.begin(), bytes.end()};
}

}  // namespace coca::testing
