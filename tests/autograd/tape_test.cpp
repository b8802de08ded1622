#include "coca/autograd/tape.hpp"

#include <vector>

#include "backend/call.hpp"
#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/autograd/operations.hpp"
#include "coca/backend/reference/reference.hpp"

using namespace coca;
using coca::testing::call;
using coca::testing::Remote;

namespace {

/// A context with a tape, and arrays to watch.
template <class B>
struct TapeFixture {
  explicit TapeFixture(TapeOptions options = {}) : tape(context, options) {}

  Array<B> array(const Shape& shape, const std::vector<float>& values) {
    return context.to_device(values, shape);
  }
  Array<B> zeros(const Shape& shape) { return array(shape, std::vector<float>(shape.size(), 0)); }
  Array<B> watched(const Shape& shape, const std::vector<float>& values) {
    const auto result = array(shape, values);
    tape.watch(result, zeros(shape));
    return result;
  }
  std::vector<float> gradient(const Array<B>& of) { return context.to_host(tape.gradient(of)); }
  /// An operation for tests: output = 2 * input in the backward pass.
  void twice(const Array<B>& input, const Array<B>& output) {
    tape.record(output, [this, input, output] {
      call<ops::Accumulate>(context.backend(), tape.gradient(output), tape.gradient(input));
      call<ops::Accumulate>(context.backend(), tape.gradient(output), tape.gradient(input));
    });
  }

  Context<B> context;
  Tape<B> tape;
};

using NearTape = TapeFixture<Reference<float>>;

}  // namespace

TEMPLATE_TEST_CASE("a tape follows what depends on watched arrays", "[tape]", Reference<float>,
                   Remote) {
  TapeFixture<TestType> f;
  const auto x = f.watched({2}, {1, 2}), other = f.array({2}, {3, 4});
  const auto y = f.context.empty(Shape{2});
  CHECK(f.tape.follows(x));
  CHECK(!f.tape.follows(other));
  CHECK(!f.tape.follows(y));
  CHECK(!f.tape.follows({}));
  f.twice(x, y);
  CHECK(f.tape.follows(y));
  CHECK(f.tape.size() == 1);
  call<ops::Fill>(f.context.backend(), f.tape.gradient(y), 3.0f);
  f.tape.backward();
  CHECK(f.gradient(x) == std::vector<float>{6, 6});
  CHECK(f.tape.size() == 0);
  CHECK(!f.tape.follows(y));
  CHECK(f.tape.follows(x));
}

TEMPLATE_TEST_CASE("a view of a tensor has the view of its gradient", "[tape]", Reference<float>,
                   Remote) {
  TapeFixture<TestType> f;
  const auto x = f.watched({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(f.tape.follows(x.slice(1, 2)));
  call<ops::Fill>(f.context.backend(), f.tape.gradient(x.slice(1, 1)), 5.0f);
  call<ops::Fill>(f.context.backend(), f.tape.gradient(x.reshaped({6}).slice(0, 1)), 7.0f);
  CHECK(f.gradient(x) == std::vector<float>{7, 0, 5, 5, 0, 0});
  CHECK(f.tape.gradient(x.reshaped({2, 3})).shape() == Shape{2, 3});
}

TEST_CASE("the parts of a buffer may be written one after the other", "[tape]") {
  NearTape f;
  const auto x = f.watched({2}, {1, 2});
  const auto both = f.context.empty(Shape{2, 2});
  f.twice(x, both.slice(0, 1).reshaped({2}));
  f.twice(x, both.slice(1, 1).reshaped({2}));
  const auto gradient = f.tape.gradient(both);
  CHECK(f.context.to_host(gradient) == std::vector<float>{0, 0, 0, 0});
  call<ops::Fill>(f.context.backend(), gradient.slice(0, 1), 1.0f);
  call<ops::Fill>(f.context.backend(), gradient.slice(1, 1), 10.0f);
  f.tape.backward();
  CHECK(f.gradient(x) == std::vector<float>{22, 22});
}

TEST_CASE("operations without a gradient have no backward pass", "[tape]") {
  NearTape f;
  const auto x = f.watched({1}, {1});
  bool called = false;
  const auto y = f.context.empty(Shape{1});
  f.tape.record(y, [&] { called = true; });
  f.tape.backward();
  CHECK(!called);
  CHECK(f.tape.size() == 0);
  CHECK(f.gradient(x) == std::vector<float>{0});
}

TEST_CASE("the first write of a whole gradient assigns it", "[tape]") {
  NearTape f;
  const auto x = f.watched({2}, {1, 2});
  CHECK(f.tape.gradient_to_write(x).second == Write::add);  // what is watched has a gradient
  const auto y = f.context.empty(Shape{2, 2}), z = f.context.empty(Shape{2});
  f.twice(x, y);
  f.twice(x, z);
  CHECK(f.tape.gradient_to_write(y.slice(0, 1)).second == Write::add);
  CHECK(f.gradient(y) == std::vector<float>{0, 0, 0, 0});
  const auto [gradient, write] = f.tape.gradient_to_write(z.reshaped({1, 2}));
  CHECK(write == Write::assign);
  CHECK(gradient.shape() == Shape{1, 2});
  CHECK(f.tape.gradient_to_write(z).second == Write::add);
  f.tape.drop();
}

TEST_CASE("a gradient that is given is taken over or added", "[tape]") {
  NearTape f;
  const auto x = f.watched({2}, {1, 2});
  f.tape.give(x, f.array({2}, {1, 2}));
  f.tape.give(x, f.array({2}, {10, 20}));
  CHECK(f.gradient(x) == std::vector<float>{11, 22});
  const auto y = f.context.empty(Shape{2, 2});
  f.twice(x, y.reshaped({4}).slice(0, 2));
  f.twice(x, y);
  const auto given = f.array({4}, {1, 2, 3, 4});
  f.tape.give(y, given);
  CHECK(f.tape.gradient(y).buffer().id() == given.buffer().id());
  CHECK(f.tape.gradient(y).shape() == Shape{2, 2});
  f.tape.give(y.slice(1, 1), f.array({1, 2}, {10, 10}));
  CHECK(f.gradient(y) == std::vector<float>{1, 2, 13, 14});
  const auto z = f.context.empty(Shape{2});
  f.twice(x, z);
  f.tape.give(z, f.array({4}, {1, 2, 3, 4}).slice(2, 2));
  CHECK(f.gradient(z) == std::vector<float>{3, 4});
  f.tape.drop();
}

TEST_CASE("a tape runs the backward pass as far as requested", "[tape]") {
  NearTape f;
  const auto x = f.watched({1}, {1});
  const auto y = f.context.empty(Shape{1}), z = f.context.empty(Shape{1});
  f.twice(x, y);
  const std::size_t size = f.tape.size();
  f.twice(y, z);
  call<ops::Fill>(f.context.backend(), f.tape.gradient(z), 1.0f);
  f.tape.backward(size);
  CHECK(f.tape.size() == size);
  CHECK(!f.tape.follows(z));
  CHECK(f.gradient(y) == std::vector<float>{2});
  CHECK(f.gradient(x) == std::vector<float>{0});
  f.tape.backward();
  CHECK(f.gradient(x) == std::vector<float>{4});
}

TEST_CASE("what is dropped is forgotten", "[tape]") {
  NearTape f;
  const auto x = f.watched({1}, {1});
  const auto y = f.context.empty(Shape{1}), z = f.context.empty(Shape{1});
  f.twice(x, y);
  f.twice(y, z);
  call<ops::Fill>(f.context.backend(), f.tape.gradient(z), 1.0f);
  f.tape.drop(1);
  CHECK(!f.tape.follows(z));
  CHECK(f.tape.follows(y));
  f.tape.backward();
  CHECK(f.gradient(x) == std::vector<float>{0});
}

TEST_CASE("what several operations wrote is followed until the backward pass of all", "[tape]") {
  NearTape f;
  const auto x = f.watched({1}, {1});
  const auto y = f.context.empty(Shape{1});
  f.twice(x, y);
  f.twice(x, y);
  call<ops::Fill>(f.context.backend(), f.tape.gradient(y), 1.0f);
  f.tape.backward(1);
  CHECK(f.tape.follows(y));
  f.tape.backward();
  CHECK(!f.tape.follows(y));
  CHECK(f.gradient(x) == std::vector<float>{4});
}

TEST_CASE("a tape keeps memory no longer than the backward pass needs it", "[tape]") {
  TapeFixture<Remote> f;
  const auto x = f.watched({1000}, std::vector<float>(1000, 1));
  {
    const auto y = f.context.empty(Shape{1000});
    f.twice(x, y);
  }
  const auto before = testing::RemoteMemory::allocations();
  const auto held = f.context.empty(Shape{1000});  // y is still on the tape
  CHECK(testing::RemoteMemory::allocations() == before + 1);
  f.tape.drop();
  f.context.backend().synchronize();
  const auto again = f.context.empty(Shape{1000});
  CHECK(testing::RemoteMemory::allocations() == before + 1);
}

TEST_CASE("a watched gradient that holds nothing yet is assigned, or zeroed", "[tape]") {
  NearTape f;
  const auto x = f.array({6}, {1, 2, 3, 4, 5, 6});
  const auto gradient = f.array({6}, {9, 9, 9, 9, 9, 9});
  UnwrittenParts unwritten({{0, 2}, {2, 2}, {4, 2}});
  unwritten.forget();
  f.tape.watch(x, gradient, &unwritten);
  CHECK(f.tape.gradient_to_write(x.slice(0, 2)).second == Write::assign);
  CHECK(f.tape.gradient_to_write(x.slice(0, 2)).second == Write::add);
  CHECK(f.tape.gradient_to_write(x.slice(2, 1)).second == Write::add);
  CHECK(f.context.to_host(gradient) == std::vector<float>{9, 9, 0, 0, 9, 9});
  CHECK(f.gradient(x.slice(4, 2)) == std::vector<float>{0, 0});
}

TEST_CASE("a tape refuses what it cannot follow", "[tape]") {
  NearTape f;
  const auto x = f.array({3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK_THROWS_WITH(f.tape.watch(x, f.zeros({2, 3})),
                    "watch: gradient: got [2, 3], expected [3, 2]");
  CHECK_THROWS_AS(f.tape.watch(x, {}), ShapeError);
  CHECK_THROWS_WITH(f.tape.watch(x.slice(1, 1), f.zeros({1, 2})),
                    "watch: a view cannot be watched, give the whole tensor");
  CHECK_THROWS_AS(f.tape.gradient(x), Error);
  CHECK_THROWS_WITH(f.tape.gradient(x), "the tape does not follow a tensor of shape [3, 2]");
  CHECK_THROWS_AS(f.tape.give(x, f.zeros({3, 2})), Error);
  CHECK(!f.tape.gradient_if_followed(x));
}

TEST_CASE("operations are recorded during the lifetime of a Recording", "[tape]") {
  NearTape f;
  const auto x = f.watched({1, 2}, {3, 4});
  CHECK(f.context.tape() == nullptr);
  l2_normalize(f.context, x);
  CHECK(f.tape.size() == 0);
  {
    const Recording<Reference<float>> on(f.context, &f.tape);
    CHECK(f.context.tape() == &f.tape);
    {
      const Recording<Reference<float>> off(f.context, nullptr);
      l2_normalize(f.context, x);
      CHECK(f.tape.size() == 0);
    }
    l2_normalize(f.context, x);
    l2_normalize(f.context, f.array({1, 2}, {3, 4}));  // nothing that is followed
    CHECK(f.tape.size() == 1);
  }
  CHECK(f.context.tape() == nullptr);
  f.tape.drop();
}
