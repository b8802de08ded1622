// Two attentional poolers.
#include "models/variants.hpp"

using namespace coca;
using namespace coca::testing;

TEST_CASE("CoCa with parallel poolers", "[coca][variants]") {
  check_variant<parallel_variant>("coca_parallel");
}

TEST_CASE("CoCa with cascaded poolers", "[coca][variants]") {
  check_variant<cascade_variant>("coca_cascade");
}
