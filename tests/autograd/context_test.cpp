#include "coca/autograd/context.hpp"

#include <cstdint>
#include <span>
#include <vector>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"

using namespace coca;
using coca::testing::Remote;
using coca::testing::RemoteMemory;

TEST_CASE("A context carries values to its backend and back", "[context]") {
  Context<Remote> context;
  const std::vector<float> values{1, -2, 3, 4, 5, 6};
  const auto tensor = context.to_device(values, Shape{2, 3});
  CHECK(tensor.shape() == Shape{2, 3});
  CHECK(context.to_host(tensor) == values);
  const std::vector<std::int32_t> ids{7, 8};
  CHECK(context.to_host(context.to_device(ids, Shape{2})) == ids);
  const auto from_span = context.to_device(std::span<const float>(values).subspan(1, 2), Shape{2});
  CHECK(context.to_host(from_span) == std::vector<float>{-2, 3});
}

TEST_CASE("A context refuses values that do not fill the shape", "[context]") {
  Context<Reference<float>> context;
  CHECK_THROWS_AS(context.to_device(std::vector<float>{1, 2, 3}, Shape{2, 2}), ShapeError);
  CHECK_THROWS_WITH(context.to_device(std::vector<float>{1, 2, 3}, Shape{2, 2}),
                    "3 values cannot fill [2, 2]");
}

TEST_CASE("A context reuses memory that is no longer held", "[context]") {
  Context<Remote> context;
  { const auto first = context.empty(Shape{100}); }
  const std::uint64_t before = RemoteMemory::allocations();
  const auto second = context.empty(Shape{100});
  CHECK(RemoteMemory::allocations() == before);
  const auto third = context.empty(Shape{100});  // second is still held
  CHECK(RemoteMemory::allocations() == before + 1);
}

TEST_CASE("Tensors outlive the context that they are from", "[context]") {
  Array<Reference<float>> kept;
  {
    Context<Reference<float>> context;
    kept = context.to_device(std::vector<float>{1, 2}, Shape{2});
  }
  CHECK(Context<Reference<float>>().to_host(kept) == std::vector<float>{1, 2});
}

TEST_CASE("Two contexts share no memory", "[context]") {
  Context<Reference<float>> one, other;
  const auto a = one.to_device(std::vector<float>{1}, Shape{1});
  const auto b = other.to_device(std::vector<float>{2}, Shape{1});
  CHECK(a.data() != b.data());
  CHECK(one.to_host(a) == std::vector<float>{1});
}
