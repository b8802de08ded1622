// The poolings over an encoder as wide as the embedding, where the pooler's projection is fused.
#include "models/variants.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("CoCa whose encoder is as wide as its embedding", "[coca][variants]") {
  check_variant<same_width_variant>("coca_same_width");
}

TEST_CASE("CoCa with parallel poolers", "[coca][variants]") {
  check_variant<parallel_variant>("coca_parallel");
}

TEST_CASE("CoCa with cascaded poolers", "[coca][variants]") {
  check_variant<cascade_variant>("coca_cascade");
}
