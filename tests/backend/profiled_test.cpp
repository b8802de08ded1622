#include "coca/backend/profiled/profiled.hpp"

#include <span>
#include <string>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/cpu.hpp"
#include "coca/backend/reference/reference.hpp"

using namespace coca;

namespace {

using Measured = Profiled<Reference<float>>;

static_assert(DifferentiableBackend<Measured>);
static_assert(DifferentiableBackend<Profiled<Cpu<>>>);
static_assert(Backend<Profiled<Cpu<bfloat16>>> && !DifferentiableBackend<Profiled<Cpu<bfloat16>>>,
              "what Inner cannot do is not offered");

void fill(const Measured& backend, const Tensor<float>& tensor) {
  backend.run(ops::Fill<float, HostMemory>{.output = ops::Out(tensor), .value = 1});
}

OperationProfile profile_of(const Measured& backend, const std::string& name) {
  for (const OperationProfile& operation : backend.profile())
    if (operation.name == name) return operation;
  return {};
}

}  // namespace

TEST_CASE("a profile counts the calls of each operation, on all copies of its backend") {
  const Measured backend;
  CHECK(backend.profile().empty());
  const auto tensor = backend.allocate<float>({100000});
  const Measured copy = backend;
  for (int i = 0; i < 3; ++i) fill(copy, tensor);
  const std::vector<float> zeros(1);
  const auto one = backend.allocate<float>({1});
  backend.copy_in(std::span<const float>(zeros), one);
  const auto profile = backend.profile();
  REQUIRE(profile.size() == 2);
  CHECK(profile[0].seconds >= profile[1].seconds);
  CHECK(profile_of(backend, "fill").calls == 3);
  CHECK(profile_of(backend, "fill").seconds > 0);
  CHECK(profile_of(backend, "copy_in").calls == 1);

  copy.clear_profile();
  CHECK(backend.profile().empty());
  const Measured other;
  fill(other, tensor);
  CHECK(backend.profile().empty());
}

TEST_CASE("a profile is safe to write from several threads") {
  const Measured backend;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&backend] {
      const auto tensor = backend.allocate<float>({1});
      for (int call = 0; call < 1000; ++call) fill(backend, tensor);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(backend.profile().front().calls == 4000);
}
