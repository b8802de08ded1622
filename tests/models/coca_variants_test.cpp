// One attentional pooler, over an encoder wider than the embedding and over one as wide.
#include "models/variants.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("CoCa with one pooler", "[coca][variants]") { check_variant<plain>("coca_plain"); }

TEST_CASE("CoCa whose encoder is as wide as its embedding", "[coca][variants]") {
  check_variant<same_width_variant>("coca_same_width");
}
