// Captions generated word by word are what the model computes for whole captions.
#include "models/checked_decoding.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("Decoding with a cache: OpenCLIP's poolings", "[coca][decoding]") {
  check_decoding(model_of<CoCa<plain, Reference<float>>>(variant_weights("coca_plain")));
  check_decoding(
      model_of<CoCa<parallel_variant, Reference<float>>>(variant_weights("coca_parallel")));
  check_decoding(
      model_of<CoCa<cascade_variant, Reference<float>>>(variant_weights("coca_cascade")));
}

TEST_CASE("Decoding with a cache on other backends", "[coca][decoding]") {
  check_decoding(model_of<CoCa<plain, Remote>>(variant_weights("coca_plain")));
  check_decoding(model_of<CoCa<plain, Cpu<float>>>(variant_weights("coca_plain")));
}

TEST_CASE("Decoding reports what does not fit", "[coca][decoding]") {
  const auto model = model_of<CoCa<plain, Reference<float>>>(variant_weights("coca_plain"));
  Context<Reference<float>> context;
  const auto pixels = device_rows(context, variant("coca_plain"), "x.image", 2);
  const auto image_tokens = model.encode_image(context, pixels).tokens;
  auto decoding = model.start_decoding(context, image_tokens, 5);
  CHECK(decoding.sequences() == 2);
  CHECK(decoding.length() == 0);
  CHECK_THROWS_WITH(model.extend(context, decoding, Tokens{{1}, 1, 1}),
                    "extend: got tokens for 1 sequence, expected 2");
  CHECK_THROWS_WITH(
      model.extend(context, decoding, Tokens{std::vector<std::int32_t>(32, 1), 2, 16}),
      "extend: 16 tokens are more than the context of 15");
  CHECK_THROWS_WITH(model.extend(context, decoding, Tokens{{1, 2, 3, 4, 5, 6}, 2, 3}),
                    "the key-value cache of 5 rows is too small for 2 sequences of 3 tokens");
}
