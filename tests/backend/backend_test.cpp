#include "coca/backend/backend.hpp"

#include <cstddef>
#include <memory>

#include "backend/remote.hpp"
#include "backend/without.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"

namespace {

using coca::Backend;
using Whole = coca::Reference<float>;

// The reference backend without one of its parts: a deleted name hides the inherited one.
#define COCA_BACKEND_WITHOUT(part) \
  struct Without_##part : Whole {  \
    void part() = delete;          \
  };                               \
  static_assert(!Backend<Without_##part>)

COCA_BACKEND_WITHOUT(allocate);
COCA_BACKEND_WITHOUT(copy_in);
COCA_BACKEND_WITHOUT(copy_out);
COCA_BACKEND_WITHOUT(synchronize);
COCA_BACKEND_WITHOUT(pack);
COCA_BACKEND_WITHOUT(unpack);

#undef COCA_BACKEND_WITHOUT

template <class... Operation>
constexpr bool all_are_needed(coca::ops::OperationList<Operation...>) {
  return (!Backend<coca::testing::Without<Whole, Operation>> && ...);
}

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
  using Whole::run;
  void run(const coca::ops::Matmul<float, coca::HostMemory, Matrix>&) const {}
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

TEST_CASE("a type that cannot run one of the operations is not a backend", "[backend]") {
  STATIC_REQUIRE(all_are_needed(coca::InferenceOperations<Whole>{}));
}

TEST_CASE("what lacks a part is no backend", "[backend]") {
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
