#include "coca/backend/backend.hpp"

#include <cstddef>
#include <memory>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"

namespace {

using coca::Backend;
using Whole = coca::Reference<float>;

// The reference backend without one of its operations: a deleted name hides the inherited one.
#define COCA_BACKEND_WITHOUT(operation) \
  struct Without_##operation : Whole {  \
    void operation() = delete;          \
  };                                    \
  static_assert(!Backend<Without_##operation>)

COCA_BACKEND_WITHOUT(allocate);
COCA_BACKEND_WITHOUT(copy_in);
COCA_BACKEND_WITHOUT(copy_out);
COCA_BACKEND_WITHOUT(synchronize);
COCA_BACKEND_WITHOUT(pack);
COCA_BACKEND_WITHOUT(unpack);
COCA_BACKEND_WITHOUT(matmul);
COCA_BACKEND_WITHOUT(layer_norm);
COCA_BACKEND_WITHOUT(attention);
COCA_BACKEND_WITHOUT(embed);
COCA_BACKEND_WITHOUT(unfold);
COCA_BACKEND_WITHOUT(l2_normalize);
COCA_BACKEND_WITHOUT(write_tokens);
COCA_BACKEND_WITHOUT(gather_rows);
COCA_BACKEND_WITHOUT(scatter_rows);
COCA_BACKEND_WITHOUT(log_softmax_inplace);
COCA_BACKEND_WITHOUT(edit_scores_inplace);
COCA_BACKEND_WITHOUT(warp_scores_inplace);
COCA_BACKEND_WITHOUT(best_candidates);

#undef COCA_BACKEND_WITHOUT

struct Unchanged : Whole {};

struct NotCopyable : Whole {
  std::unique_ptr<int> only;
};

struct WithoutValueType : Whole {
 private:
  using value_type = float;
};

struct WithoutMemory : Whole {
  using memory_type = int;
};

struct MatrixWithoutSizes : Whole {
  struct Matrix {};
  Matrix pack(const coca::WeightSource&, const coca::PackOptions&) const { return {}; }
  void unpack(const Matrix&, std::size_t, std::size_t, float*) const {}
  void matmul(const Array&, const Matrix&, const coca::Epilogue<float, coca::HostMemory>&,
              const Array&) const {}
};

struct PackGivesTensor : Whole {
  Array pack(const coca::WeightSource&, const coca::PackOptions&) const { return {}; }
};

struct ChangesItself : Whole {
  void synchronize() {}  // not const: a constant model could not use it
};

}  // namespace

TEST_CASE("the backends satisfy the concept", "[backend]") {
  STATIC_REQUIRE(Backend<coca::Reference<float>>);
  STATIC_REQUIRE(Backend<coca::Reference<double>>);
  STATIC_REQUIRE(Backend<coca::testing::Remote>);
  STATIC_REQUIRE(Backend<Unchanged>);
}

TEST_CASE("a type that lacks a part is not a backend", "[backend]") {
  STATIC_REQUIRE_FALSE(Backend<int>);
  STATIC_REQUIRE_FALSE(Backend<NotCopyable>);
  STATIC_REQUIRE_FALSE(Backend<WithoutValueType>);
  STATIC_REQUIRE_FALSE(Backend<WithoutMemory>);
  STATIC_REQUIRE_FALSE(Backend<MatrixWithoutSizes>);
  STATIC_REQUIRE_FALSE(Backend<PackGivesTensor>);
  STATIC_REQUIRE_FALSE(Backend<ChangesItself>);
}

TEST_CASE("windows cover the padded picture", "[backend]") {
  STATIC_REQUIRE(coca::Unfold{.height = 224, .width = 196, .kernel = 14, .stride = 14}.rows() ==
                 16);
  STATIC_REQUIRE(coca::Unfold{.height = 224, .width = 196, .kernel = 14, .stride = 14}.columns() ==
                 14);
  STATIC_REQUIRE(coca::Unfold{.height = 7, .width = 6, .kernel = 3, .stride = 2}.rows() == 3);
  STATIC_REQUIRE(coca::Unfold{.height = 7, .width = 6, .kernel = 3, .stride = 2}.columns() == 2);
  STATIC_REQUIRE(
      coca::Unfold{.height = 7, .width = 6, .kernel = 3, .stride = 2, .padding = 1}.rows() == 4);
  STATIC_REQUIRE(
      coca::Unfold{.height = 7, .width = 6, .kernel = 3, .stride = 2, .padding = 1}.columns() == 3);
}

TEST_CASE("default options change nothing", "[backend]") {
  const coca::SamplingWarp warp;
  CHECK(warp.temperature == 1.0f);
  CHECK(warp.top_k == 0);
  CHECK(warp.top_p == 1.0f);
  CHECK(warp.min_keep == 1);
  const coca::Epilogue<float, coca::HostMemory> epilogue;
  CHECK_FALSE(static_cast<bool>(epilogue.bias));
  CHECK(epilogue.activation == coca::Activation::none);
  CHECK_FALSE(static_cast<bool>(epilogue.scale));
  CHECK_FALSE(static_cast<bool>(epilogue.residual));
  CHECK_FALSE(coca::GumbelNoise{}.enabled);
  CHECK(coca::GumbelNoise{}.rows_per_picture == 1);
  CHECK_FALSE(coca::PackOptions{}.transposed);
}
