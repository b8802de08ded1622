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

using B = Reference<float>;

using Vision = VisionTransformer<plain.vision, B>;
using Text = TextDecoder<plain.text, plain.embed_dim, B>;
using ClipText = ClipTextEncoder<plain.text, plain.embed_dim, B>;
using Decoder = MultimodalDecoder<plain.multimodal, 512, 32, B>;

static_assert(ImageEncoder<Vision>);
static_assert(Pooler<PoolerFor<plain, B>>);
static_assert(Pooler<PoolerFor<coca::testing::cascade_variant, B>>);
static_assert(Pooler<PoolerFor<coca::testing::class_token_config, B>>);
static_assert(TextEncoder<Text> && CausalTextEncoder<Text>);
static_assert(TextEncoder<ClipText> && !CausalTextEncoder<ClipText>);
static_assert(CaptionDecoder<Decoder>);

// None plays another's part.
static_assert(!ImageEncoder<Text> && !Pooler<Vision> && !TextEncoder<Vision>);
static_assert(!CaptionDecoder<Text> && !CausalTextEncoder<Decoder> && !ImageEncoder<int>);

// The mean colour of a picture as its only token: the least that an image encoder needs.
struct MeanColour {
  using backend_type = B;
  static constexpr std::size_t image_size = 32, tokens = 1, width = 3 * 32 * 32;

  explicit MeanColour(const std::string& path) : scale(path + ".scale", {1}, {}) {}

  Array<B> operator()(Context<B>&, const Array<B>& pixels) const {
    return pixels.reshaped({pixels.shape()[0], 1, width});
  }
  template <class Self, class Visitor>
  static void for_each_parameter(Self& self, Visitor&& visit) {
    visit(self.scale);
  }
  ArrayParameter<B> scale;
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
  int operator()(Context<B>&, const Array<B>&) const { return 0; }
};
static_assert(!ImageEncoder<OtherResult>);

struct NotConstant : MeanColour {
  using MeanColour::MeanColour;
  Array<B> operator()(Context<B>&, const Array<B>& pixels) { return pixels; }
};
static_assert(!ImageEncoder<NotConstant>);

struct WithoutWalk {
  using backend_type = B;
  static constexpr std::size_t image_size = 32, tokens = 1, width = 1;
  explicit WithoutWalk(const std::string&) {}
  Array<B> operator()(Context<B>&, const Array<B>& pixels) const { return pixels; }
};
static_assert(!ImageEncoder<WithoutWalk> && !Component<WithoutWalk>);

}  // namespace

TEST_CASE("An encoder of one's own can be plugged in", "[concepts]") {
  using Pool = ClassTokenPooler<PoolerSizes{.width = 3072, .tokens = 1, .embed_dim = 32}, B>;
  ClipModel<MeanColour, Pool, ClipText> model;
  initialize(model, 5);
  Context<B> context;
  const std::vector<float> pixels(2 * 3072, 0.25f);
  const auto image = model.encode_image(context, context.to_device(pixels, Shape{2, 3, 32, 32}));
  CHECK(image.embedding.shape() == Shape{2, 32});
  bool visited = false;
  for_each_parameter(model, [&](const auto& parameter) {
    visited = visited || parameter.path() == "visual.scale";
  });
  CHECK(visited);
}
