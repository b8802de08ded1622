#include "coca/training/communicator.hpp"

#include <vector>

#include "backend/remote.hpp"
#include "catch.hpp"
#include "coca/backend/reference/reference.hpp"

using namespace coca;
using coca::testing::Remote;

static_assert(Communicator<SingleProcess, Reference<float>>);
static_assert(Communicator<SingleProcess, Remote>);
static_assert(!Communicator<int, Remote>);

TEMPLATE_TEST_CASE("a single process has everything", "[communicator]", Reference<float>, Remote) {
  const SingleProcess process;
  Context<TestType> context;
  CHECK(process.rank() == 0);
  CHECK(process.size() == 1);
  CHECK(process.sum({1, 2.5}) == std::vector<double>{1, 2.5});
  const auto features = context.to_device(std::vector<float>{1, 2, 3, 4}, Shape{2, 2});
  const auto all = process.all_gather(context, features);
  CHECK(all.shape() == features.shape());
  CHECK(all.buffer().id() == features.buffer().id());
  auto reduction = process.start_all_reduce(context, features);
  reduction.progress();
  reduction.wait();
  process.broadcast(context, features);
  process.barrier();
  CHECK(context.to_host(features) == std::vector<float>{1, 2, 3, 4});
}
