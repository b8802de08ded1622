#include "model.hpp"

#include "catch.hpp"
#include "coca/text/clip_tokenizer.hpp"

using namespace coca_examples;

namespace {

// A model with only a tokenizer and a context length.
class Reader final : public Model {
 public:
  explicit Reader(std::size_t context_length)
      : Model({.preset = "reader",
               .identity = "reader",
               .tokenizer = coca::ClipTokenizer(),
               .context_length = context_length}) {}

  std::vector<std::vector<coca::Caption>> caption(std::span<const coca::Pixels>,
                                                  const coca::GenerationOptions&) override {
    return {};
  }
  std::vector<coca::Caption> caption_clip(std::span<const coca::Pixels>,
                                          const coca::GenerationOptions&) override {
    return {};
  }
  std::vector<coca::AttentionMap> attention_maps(const coca::Pixels&,
                                                 const std::vector<std::int32_t>&) override {
    return {};
  }
  coca::Embeddings embed_images(std::span<const coca::Pixels>) override { return {}; }
  coca::Embeddings image_features(std::span<const coca::Pixels>, coca::ImageFeature) override {
    return {};
  }
  coca::Embeddings embed_texts(std::span<const std::string>) override { return {}; }
  coca::ZeroShotClassifier classifier(std::vector<std::string>,
                                      std::span<const std::string>) override {
    throw coca::Error("there is no classifier");
  }
  coca::IndexUpdate update(coca::SearchIndex&, const std::string&,
                           const std::function<void(std::size_t, std::size_t)>&) override {
    return {};
  }
};

using Ids = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("a text's ids fit the context, however short that is") {
  const std::string text = "a photo of a cat";
  CHECK(Reader(77).encode(text) == Ids{49406, 320, 1125, 539, 320, 2368, 49407});
  CHECK(Reader(7).encode(text) == Ids{49406, 320, 1125, 539, 320, 2368, 49407});
  CHECK(Reader(6).encode(text) == Ids{49406, 320, 1125, 539, 320, 49407});
  CHECK(Reader(3).encode(text) == Ids{49406, 320, 49407});
  CHECK(Reader(2).encode(text) == Ids{49406, 49407});
  CHECK(Reader(1).encode(text) == Ids{49407});  // as the model reads it
  CHECK(Reader(1).encode("") == Ids{49407});
  CHECK(Reader(77).encode("") == Ids{49406, 49407});
}

TEST_CASE("a word that is also the padding stays") {
  CHECK(Reader(77).encode("!") == Ids{49406, 256, 49407});
  CHECK(Reader(77).encode("a !!!!").size() == 2 + coca::ClipTokenizer().encode("a !!!!").size());
}
