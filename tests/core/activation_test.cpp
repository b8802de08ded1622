#include "coca/core/activation.hpp"

#include <type_traits>

#include "catch.hpp"

using coca::Activation;

TEST_CASE("the activations are three, and none is the default value", "[activation]") {
  STATIC_REQUIRE(std::is_enum_v<Activation>);
  STATIC_REQUIRE(sizeof(Activation) == 1);
  CHECK(Activation{} == Activation::none);
  CHECK(Activation::none != Activation::gelu);
  CHECK(Activation::gelu != Activation::quick_gelu);
  CHECK(Activation::none != Activation::quick_gelu);
}

namespace {
template <Activation activation>
constexpr bool is_gelu = activation == Activation::gelu;
}  // namespace

TEST_CASE("an activation can be a template argument, as configurations require", "[activation]") {
  STATIC_REQUIRE(is_gelu<Activation::gelu>);
  STATIC_REQUIRE_FALSE(is_gelu<Activation::quick_gelu>);
}
