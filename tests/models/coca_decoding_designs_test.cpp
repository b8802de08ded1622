// The same for designs other than OpenCLIP's usual one.
#include "models/checked_decoding.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("Decoding with a cache: no pooler", "[coca][decoding]") {
  check_decoding(random_model<CoCa<class_token_config, Reference<float>>>());
}

TEST_CASE("Decoding with a cache: layer scale and QuickGELU", "[coca][decoding]") {
  check_decoding(
      model_of<CoCa<layer_scale_variant, Reference<float>>>(variant_weights("coca_layer_scale")));
  check_decoding(random_model<CoCa<paper_layer_scale_config, Reference<float>>>());
}

TEST_CASE("Decoding with a cache: the paper's decoder", "[coca][decoding]") {
  check_decoding(random_model<CoCa<paper_config, Reference<float>>>());
}

TEST_CASE("Decoding with a cache: the other mask", "[coca][decoding]") {
  check_decoding(
      model_of<CoCa<correct_cls_mask_config, Reference<float>>>(variant_weights("coca_plain")));
}
