// What decoding refuses, and that it continues afterwards as if nothing had happened.
#include <cstdint>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"
#include "models/tested_models.hpp"

using namespace coca;
using namespace coca::testing;

namespace {

using Near = Reference<float>;
using Model = CoCa<plain, Near>;

// Two pictures of the variant, started and one word on.
struct Started {
  const Model model = model_of<Model>(variant_weights("coca_plain"));
  Context<Near> context{};
  Array<Near> image_tokens =
      model.encode_image(context, device_rows(context, variant("coca_plain"), "x.image", 2)).tokens;
  Model::Decoding decoding = model.start_decoding(context, image_tokens, 8);

  Started() { extend({510, 510}); }
  std::vector<float> extend(const std::vector<std::int32_t>& ids) {
    return context.to_host(
        model.extend(context, decoding, Tokens{ids, decoding.sequences(), ids.size() / 2}));
  }
};

}  // namespace

TEST_CASE("Decoding refuses invalid tokens, and is unchanged", "[coca][decoding]") {
  Started undisturbed, disturbed;
  const auto refuse = [&](const Tokens& tokens) {
    disturbed.model.extend(disturbed.context, disturbed.decoding, tokens);
  };
  CHECK_THROWS_WITH(refuse(Tokens{{4, 512}, 2, 1}),
                    "token id 512 is outside the vocabulary of 512 words");
  CHECK_THROWS_AS(refuse(Tokens{{-1, 4}, 2, 1}), ArgumentError);
  CHECK_THROWS_AS(refuse(Tokens{{4, 5, 6}, 2, 2}), ShapeError);
  CHECK_THROWS_WITH(refuse(Tokens{{4, 5, 6}, 2, 2}), "3 token ids are not 2 texts of 2");
  CHECK_THROWS_WITH(refuse(Tokens{{}, 2, 0}), "extend: got no tokens");
  CHECK_THROWS_WITH(refuse(Tokens{{4}, 1, 1}), "extend: got tokens for 1 sequence, expected 2");
  CHECK(disturbed.decoding.length() == 1);
  CHECK(first_inequality(disturbed.extend({7, 0}), undisturbed.extend({7, 0})) == "");
}

TEST_CASE("Decoding refuses to continue a sequence that does not exist", "[coca][decoding]") {
  Started undisturbed, disturbed;
  const auto reorder = [&] {
    disturbed.model.reorder(disturbed.context, disturbed.decoding, {1, 2});
  };
  CHECK_THROWS_AS(reorder(), ArgumentError);
  CHECK_THROWS_WITH(reorder(), "there is no sequence 2 among 2");
  CHECK(disturbed.decoding.pictures() == std::vector<std::size_t>{0, 1});
  CHECK(first_inequality(disturbed.extend({7, 0}), undisturbed.extend({7, 0})) == "");
}

TEST_CASE("CLIP's text encoder needs a row to read", "[clip]") {
  const auto clip = model_of<Clip<plain_clip, Near>>(variant_weights("clip_vit"));
  Context<Near> context;
  CHECK_THROWS_AS(clip.encode_text(context, Tokens{{}, 1, 0}), ShapeError);
  CHECK_THROWS_WITH(clip.encode_text(context, Tokens{{}, 1, 0}), "a text needs at least one token");
}
