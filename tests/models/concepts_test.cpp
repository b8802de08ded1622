#include "coca/models/concepts.hpp"

#include <string>

#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"
#include "coca/models/multimodal_decoder.hpp"
#include "coca/models/vision_transformer.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using coca::testing::plain;

namespace {

using Near = Reference<float>;

using Vision = VisionTransformer<Near>;
using Text = TextDecoder<Near>;
using ClipText = ClipTextEncoder<Near>;
using Decoder = MultimodalDecoder<Near>;

static_assert(ImageEncoder<Vision>);
static_assert(Pooler<AnyPooler<Near>> && Pooler<SinglePooler<Near>>);
static_assert(Pooler<ParallelPooler<Near>> && Pooler<CascadePooler<Near>>);
static_assert(Pooler<ClassTokenPooler<Near>>);
static_assert(TextEncoder<Text> && CausalTextEncoder<Text>);
static_assert(TextEncoder<ClipText> && !CausalTextEncoder<ClipText>);
static_assert(CaptionDecoder<Decoder>);

// None plays another's part.
static_assert(!ImageEncoder<Text> && !Pooler<Vision> && !TextEncoder<Vision>);
static_assert(!CaptionDecoder<Text> && !CausalTextEncoder<Decoder> && !ImageEncoder<int>);

// The mean colour of a picture as its only token: the least that an image encoder needs.
struct MeanColour {
  using backend_type = Near;
  static constexpr std::size_t image_size = 32, tokens = 1, width = 3 * 32 * 32;

  explicit MeanColour(const std::string& path) : scale(path + ".scale", {1}, {}) {}

  Array<Near> operator()(Context<Near>&, const Array<Near>& pixels) const {
    return pixels.reshaped({pixels.shape()[0], 1, width});
  }
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit(self.scale);
  }
  ArrayParameter<Near> scale;
};
static_assert(ImageEncoder<MeanColour>);

struct WithoutWidth : MeanColour {
  using MeanColour::MeanColour;

 private:
  static constexpr std::size_t width = 1;
};
static_assert(!ImageEncoder<WithoutWidth>);

struct WithoutPath : MeanColour {
  WithoutPath() : MeanColour("") {}
};
static_assert(!ImageEncoder<WithoutPath>);

struct OtherResult : MeanColour {
  using MeanColour::MeanColour;
  int operator()(Context<Near>&, const Array<Near>&) const { return 0; }
};
static_assert(!ImageEncoder<OtherResult>);

struct NotConstant : MeanColour {
  using MeanColour::MeanColour;
  Array<Near> operator()(Context<Near>&, const Array<Near>& pixels) { return pixels; }
};
static_assert(!ImageEncoder<NotConstant>);

struct WithoutWalk {
  using backend_type = Near;
  static constexpr std::size_t image_size = 32, tokens = 1, width = 1;
  explicit WithoutWalk(const std::string&) {}
  Array<Near> operator()(Context<Near>&, const Array<Near>& pixels) const { return pixels; }
};
static_assert(!ImageEncoder<WithoutWalk> && !Component<WithoutWalk>);

}  // namespace

TEST_CASE("A custom encoder can be plugged in", "[concepts]") {
  ClipModel model(MeanColour("visual"),
                  ClassTokenPooler<Near>({.width = 3072, .tokens = 1, .embed_dim = 32}),
                  ClipText({plain.text, 32}));
  initialize(model, 5);
  Context<Near> context;
  const std::vector<float> pixels(2 * 3072, 0.25f);
  const auto image = model.encode_image(context, context.to_device(pixels, Shape{2, 3, 32, 32}));
  CHECK(image.embedding.shape() == Shape{2, 32});
  bool visited = false;
  for_each_parameter(model, [&](const auto& parameter) {
    visited = visited || parameter.path() == "visual.scale";
  });
  CHECK(visited);
}

TEST_CASE("Sizes that the compiler does not know are compared when a model is made", "[concepts]") {
  const auto message = [](CoCaConfig config, const auto& change) {
    change(config);
    try {
      const StandardCoCa<Near> model(config);
    } catch (const ArgumentError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(message(plain, [](CoCaConfig&) {}) == "");
  CHECK(message(plain, [](CoCaConfig& config) { config.vision.patch_size = 7; }) ==
        "VisionConfig: image_size must be a multiple of patch_size");
  CHECK(message(plain, [](CoCaConfig& config) { config.vision.heads = 5; }) ==
        "VisionConfig: width must be a multiple of heads");
  CHECK(message(plain, [](CoCaConfig& config) { config.vision.layers = 0; }) ==
        "VisionConfig: layers and mlp_width must be positive");
  CHECK(message(plain, [](CoCaConfig& config) { config.pooling.heads = 7; }) ==
        "SinglePooler: embed_dim must be a multiple of the pooler's heads");
  CHECK(message(plain, [](CoCaConfig& config) { config.pooling.queries = 1; }) ==
        "SinglePooler: needs a query for the embedding and at least one for captions");
  CHECK(message(coca::testing::cascade_variant, [](CoCaConfig& config) {
          config.pooling.heads = 7;
        }) == "DualPooler: embed_dim must be a multiple of the pooler's heads");
  CHECK(message(plain, [](CoCaConfig& config) { config.text.heads = 3; }) ==
        "TextConfig: width must be a multiple of heads");
  CHECK(message(plain, [](CoCaConfig& config) { config.text.vocab_size = 0; }) ==
        "TextConfig: vocab_size must be positive, and context_length at least 2, for the start and "
        "the "
        "end token");
  CHECK(message(plain, [](CoCaConfig& config) { config.text.context_length = 1; }) ==
        "TextConfig: vocab_size must be positive, and context_length at least 2, for the start and "
        "the "
        "end token");
  CHECK(message(plain, [](CoCaConfig& config) { config.text.layers = 0; }) ==
        "TextConfig: layers and mlp_width must be positive");
  CHECK(message(plain, [](CoCaConfig& config) { config.multimodal.heads = 0; }) ==
        "MultimodalConfig: width must be a multiple of heads");
  CHECK(message(plain, [](CoCaConfig& config) { config.embed_dim = 64; }) ==
        "MultimodalConfig: width must equal the width of the image tokens (embed_dim with an "
        "attentional pooler, the vision width without)");
  CHECK(message(plain, [](CoCaConfig& config) { config.text.width = 16; }) ==
        "CoCaModel: text decoder and multimodal decoder must have the same width: 16 is not 32");
  CHECK_THROWS_WITH(ClipModel(Vision(plain.vision), ClassTokenPooler<Near>(PoolerSizes{.width = 9}),
                              ClipText({plain.text, 32})),
                    "ClipModel: the pooler's input_width must equal the image encoder's width: 9 "
                    "is not 48");
}
