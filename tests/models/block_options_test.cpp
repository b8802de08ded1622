#include "coca/models/block_options.hpp"

#include <cmath>

#include "catch.hpp"
#include "comparison.hpp"

using namespace coca;
using coca::testing::close;

TEST_CASE("block_options takes sizes from the configuration", "[block_options]") {
  const TextConfig config{.width = 64,
                          .layers = 8,
                          .heads = 4,
                          .mlp_width = 128,
                          .activation = Activation::quick_gelu,
                          .layer_scale = true};
  const BlockOptions options = detail::block_options(config, MatrixUse::few_rows);
  CHECK(options.width == 64);
  CHECK(options.heads == 4);
  CHECK(options.mlp_width == 128);
  CHECK(options.activation == Activation::quick_gelu);
  CHECK(options.layer_scale);
  CHECK(options.use == MatrixUse::few_rows);
}

TEST_CASE("block_options starts weights as OpenCLIP does", "[block_options]") {
  const BlockOptions options =
      detail::block_options(VisionConfig{.width = 64, .layers = 8}, MatrixUse::many_rows);
  CHECK(close(options.in_deviation, 0.125, 1e-7));
  CHECK(close(options.out_deviation, 0.125 / 4, 1e-7));
  CHECK(close(options.mlp_deviation, 1 / std::sqrt(128.0), 1e-7));
  CHECK(options.use == MatrixUse::many_rows);
  CHECK_FALSE(options.layer_scale);
}
