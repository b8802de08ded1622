#pragma once
// A model without weights: a picture's embedding is its mean colour, a text's what it says.

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "coca/pipelines/any_model.hpp"

namespace coca::testing {

/// Each byte of a text is a token.
struct ByteTokenizer {
  std::vector<std::int32_t> encode(std::string_view text) const {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(std::span<const std::int32_t> ids) const {
    std::string text;
    for (const std::int32_t id : ids) text += static_cast<char>(id);
    return text;
  }
  std::int32_t start_id() const { return 256; }
  std::int32_t end_id() const { return 257; }
  std::int32_t pad_id() const { return 0; }
  std::int32_t vocab_size() const { return 258; }
};

/// Embeds pictures as their mean (red, green, blue), and the texts "red", "green" and "blue" among
/// other words as the sum of these axes.
class ColorModel final : public AnyModel {
 public:
  ColorModel() : AnyModel(make_info()) {}

  std::size_t embedded = 0;  ///< pictures so far
  std::size_t calls = 0;     ///< of embed_images()
  std::size_t texts = 0;     ///< embedded so far

  std::vector<std::vector<Caption>> caption(std::span<const Pixels>,
                                            const GenerationOptions&) override {
    throw std::logic_error("not asked for captions");
  }
  std::vector<Caption> caption_clip(std::span<const Pixels>, const GenerationOptions&) override {
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
  Embeddings image_features(std::span<const Pixels>, ImageFeature) override {
    throw std::logic_error("not asked for features");
  }
  Embeddings embed_texts(std::span<const std::string> some) override {
    texts += some.size();
    Embeddings all{{}, some.size(), 3};
    for (const std::string& text : some)
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
    ModelInfo info{.preset = "colors", .tokenizer = ByteTokenizer{}};
    info.identity_parts = {{"weights", "colors"}, {"preprocessing", "plain"}};
    info.identity = to_string(info.identity_parts);
    info.preprocessing.height = info.preprocessing.width = 4;
    info.preprocessing.mean = {0, 0, 0};
    info.preprocessing.std = {1, 1, 1};
    info.embed_dim = 3;
    info.context_length = 40;
    return info;
  }
};

/// A picture of one colour as a PNG file.
inline std::string png_of(Rgb color, std::size_t size = 4) {
  const std::vector<std::uint8_t> bytes = encode_png(Image(size, size, color));
  return {bytes.begin(), bytes.end()};
}

}  // namespace coca::testing
