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

using Vision = VisionTransformer<plain.vision, Near>;
using Text = TextDecoder<plain.text, plain.embed_dim, Near>;
using ClipText = ClipTextEncoder<plain.text, plain.embed_dim, Near>;
using Decoder = MultimodalDecoder<plain.multimodal, 512, 32, Near>;

static_assert(ImageEncoder<Vision>);
static_assert(Pooler<PoolerFor<plain, Near>>);
static_assert(Pooler<PoolerFor<coca::testing::cascade_variant, Near>>);
static_assert(Pooler<PoolerFor<coca::testing::class_token_config, Near>>);
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
  using Pool = ClassTokenPooler<PoolerSizes{.width = 3072, .tokens = 1, .embed_dim = 32}, Near>;
  ClipModel<MeanColour, Pool, ClipText> model;
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
