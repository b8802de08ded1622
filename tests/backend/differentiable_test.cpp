#include "coca/backend/differentiable.hpp"

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"

namespace {

using coca::DifferentiableBackend;
using Whole = coca::Reference<float>;

// The reference backend without one of its operations: a deleted name hides the inherited one.
#define COCA_BACKEND_WITHOUT(operation) \
  struct Without_##operation : Whole {  \
    void operation() = delete;          \
  };                                    \
  static_assert(!DifferentiableBackend<Without_##operation>)

COCA_BACKEND_WITHOUT(matmul);  // of those that every backend has
COCA_BACKEND_WITHOUT(view);
COCA_BACKEND_WITHOUT(matmul_input_gradient);
COCA_BACKEND_WITHOUT(matmul_weight_gradient);
COCA_BACKEND_WITHOUT(sum_rows);
COCA_BACKEND_WITHOUT(activate);
COCA_BACKEND_WITHOUT(activation_gradient);
COCA_BACKEND_WITHOUT(scale_columns);
COCA_BACKEND_WITHOUT(scale_columns_gradient);
COCA_BACKEND_WITHOUT(layer_norm_gradient);
COCA_BACKEND_WITHOUT(attention_gradient);
COCA_BACKEND_WITHOUT(embed_gradient);
COCA_BACKEND_WITHOUT(unfold_gradient);
COCA_BACKEND_WITHOUT(l2_normalize_gradient);
COCA_BACKEND_WITHOUT(write_tokens_gradient);
COCA_BACKEND_WITHOUT(gather_rows_gradient);
COCA_BACKEND_WITHOUT(fill);
COCA_BACKEND_WITHOUT(add);
COCA_BACKEND_WITHOUT(scale_inplace);
COCA_BACKEND_WITHOUT(cross_entropy_inplace);
COCA_BACKEND_WITHOUT(soft_cross_entropy_inplace);
COCA_BACKEND_WITHOUT(sigmoid_loss_inplace);
COCA_BACKEND_WITHOUT(scale_by_exp);
COCA_BACKEND_WITHOUT(scale_by_exp_gradient);
COCA_BACKEND_WITHOUT(sum_of_squares);
COCA_BACKEND_WITHOUT(clip_factor);
COCA_BACKEND_WITHOUT(adamw_inplace);
COCA_BACKEND_WITHOUT(sgd_inplace);
COCA_BACKEND_WITHOUT(adafactor_inplace);
COCA_BACKEND_WITHOUT(clamp_inplace);
COCA_BACKEND_WITHOUT(blend_inplace);

#undef COCA_BACKEND_WITHOUT

struct Unchanged : Whole {};

}  // namespace

TEST_CASE("the backends that train satisfy the concept", "[backend]") {
  STATIC_REQUIRE(DifferentiableBackend<coca::Reference<float>>);
  STATIC_REQUIRE(DifferentiableBackend<coca::Reference<double>>);
  STATIC_REQUIRE(DifferentiableBackend<coca::testing::Remote>);
  STATIC_REQUIRE(DifferentiableBackend<Unchanged>);
  STATIC_REQUIRE_FALSE(DifferentiableBackend<int>);
}

TEST_CASE("default options of training are those of the papers", "[backend]") {
  CHECK(coca::CrossEntropy{}.ignored_label == -1);
  CHECK(coca::CrossEntropy{}.label_smoothing == 0.0f);
  CHECK(coca::CrossEntropy{}.weight == 1.0f);
  CHECK(coca::SigmoidLoss{}.first_positive == 0);
  CHECK(coca::AdafactorStep{}.beta1 == 0.0f);
  CHECK(coca::AdafactorStep{}.decay_exponent == 0.8f);
  CHECK(coca::AdafactorStep{}.clipping_threshold == 1.0f);
  CHECK(coca::AdamWStep{}.step == 1);
  CHECK(coca::SgdStep{}.step == 1);
}
