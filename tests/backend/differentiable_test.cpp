#include "coca/backend/differentiable.hpp"

#include "backend/remote.hpp"
#include "backend/without.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"

namespace {

using coca::DifferentiableBackend;
using Whole = coca::Reference<float>;

struct WithoutView : Whole {
  void view() = delete;  // hides the inherited one
};

template <class... Operation>
constexpr bool training_needs_all(coca::ops::OperationList<Operation...>) {
  return (!DifferentiableBackend<coca::testing::Without<Whole, Operation>> && ...);
}

struct UnchangedTrainer : Whole {};

}  // namespace

TEST_CASE("the backends that train satisfy the concept", "[backend]") {
  STATIC_REQUIRE(DifferentiableBackend<coca::Reference<float>>);
  STATIC_REQUIRE(DifferentiableBackend<coca::Reference<double>>);
  STATIC_REQUIRE(DifferentiableBackend<coca::testing::Remote>);
  STATIC_REQUIRE(DifferentiableBackend<UnchangedTrainer>);
  STATIC_REQUIRE_FALSE(DifferentiableBackend<int>);
  STATIC_REQUIRE_FALSE(DifferentiableBackend<WithoutView>);
}

TEST_CASE("a backend that cannot run one of the operations does not train", "[backend]") {
  STATIC_REQUIRE(training_needs_all(coca::InferenceOperations<Whole>{}));
  STATIC_REQUIRE(training_needs_all(coca::TrainingOperations<Whole>{}));
}

// A backend that lacks one operation of training is a backend all the same.
TEST_CASE("inference needs no operation of training", "[backend]") {
  STATIC_REQUIRE(
      coca::Backend<coca::testing::Without<Whole, coca::ops::Fill<float, coca::HostMemory>>>);
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
