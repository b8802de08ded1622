// What blocks can be built with.
#include "models/variants.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("CoCa with QuickGELU", "[coca][variants]") {
  check_variant<quick_gelu_variant>("coca_quick_gelu");
}

TEST_CASE("CoCa with layer scale", "[coca][variants]") {
  check_variant<layer_scale_variant>("coca_layer_scale");
}
