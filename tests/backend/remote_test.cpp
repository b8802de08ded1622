#include "backend/remote.hpp"

#include <array>
#include <cmath>
#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "backend/call.hpp"
#include "catch.hpp"
#include "coca/backend/differentiable.hpp"
#include "comparison.hpp"

namespace ops = coca::ops;
using coca::Shape;
using coca::testing::absent;
using coca::testing::call;
using coca::testing::first_inequality;
using coca::testing::Remote;
using coca::testing::RemoteMemory;
using coca::testing::RemotePointer;

namespace {

Remote::Floats upload(const Remote& backend, const std::vector<float>& values, const Shape& shape) {
  auto tensor = backend.allocate<float>(shape);
  backend.copy_in(std::span<const float>(values), tensor);
  return tensor;
}

std::vector<float> download(const Remote& backend, const Remote::Floats& tensor) {
  std::vector<float> values(tensor.size());
  backend.copy_out(tensor, std::span<float>(values));
  return values;
}

coca::WeightSource identity(std::size_t width) {
  return {Shape{width, width}, [width](std::size_t first, std::size_t count, float* out) {
            for (std::size_t r = first; r < first + count; ++r)
              for (std::size_t c = 0; c < width; ++c) *out++ = r == c ? 1.0f : 0.0f;
          }};
}

// A tensor of a block that was never allocated: what uses it fails on the device.
Remote::Floats dangling_tensor() {
  using Block = coca::Buffer<RemoteMemory>;
  return Remote::Floats(Block::borrow(RemotePointer<std::byte>(), 8), {2});
}

template <class P>
concept Dereferenceable = requires(P pointer) {
  *pointer;
};

}  // namespace

TEST_CASE("remote storage is out of the host's reach", "[remote]") {
  STATIC_REQUIRE(coca::DifferentiableBackend<Remote>);
  STATIC_REQUIRE(std::same_as<decltype(Remote::Floats().data()), RemotePointer<float>>);
  STATIC_REQUIRE_FALSE(Dereferenceable<RemotePointer<float>>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<RemotePointer<float>, float*>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<float*, RemotePointer<float>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<RemotePointer<float>, float*>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<bool, RemotePointer<float>>);
}

TEST_CASE("fresh remote memory is NaN, and -1 as a number of a row", "[remote]") {
  const Remote backend;
  for (const float value : download(backend, backend.allocate<float>({3})))
    CHECK(std::isnan(value));
  std::array<std::int32_t, 1> id{5};
  backend.copy_out(backend.allocate<std::int32_t>({1}), std::span<std::int32_t>(id));
  CHECK(id[0] == -1);
}

TEST_CASE("operations wait for the next synchronisation", "[remote]") {
  const Remote backend;
  const auto input = upload(backend, {3, 4}, {1, 2});
  const auto output = backend.allocate<float>({1, 2});
  call<ops::L2Normalize>(backend, input, output);
  CHECK(backend.pending() == 2);
  backend.synchronize();
  CHECK(backend.pending() == 0);
  call<ops::L2Normalize>(backend, output, input);
  CHECK(backend.pending() == 1);
  CHECK(first_inequality(download(backend, output), std::vector<float>{0.6f, 0.8f}) == "");
  CHECK(backend.pending() == 0);
}

TEST_CASE("operations run in the order they were given", "[remote]") {
  const Remote backend;
  const auto scores = upload(backend, {8}, {1, 1});
  const auto index = backend.allocate<std::int32_t>({1});
  const std::array<std::int32_t, 1> zero{0};
  backend.copy_in(std::span<const std::int32_t>(zero), index);
  const auto two = upload(backend, {2}, {1}), three = upload(backend, {3}, {1});
  call<ops::EditScores>(backend, scores, index, two, coca::ScoreEdit::penalize);
  call<ops::EditScores>(backend, scores, index, three, coca::ScoreEdit::subtract);
  backend.copy_in(std::span<const float>(std::vector<float>{100}), three);
  CHECK(download(backend, scores) == std::vector<float>{1});
}

TEST_CASE("copy_in takes the host's data at once", "[remote]") {
  const Remote backend;
  std::vector<float> values{1, 2};
  const auto tensor = upload(backend, values, {2});
  values = {7, 7};
  CHECK(download(backend, tensor) == std::vector<float>{1, 2});
}

TEST_CASE("queued operations keep their tensors and weights alive", "[remote]") {
  const Remote backend;
  const auto output = backend.allocate<float>({1, 2});
  backend.synchronize();
  const std::size_t live = RemoteMemory::live();
  {
    const auto input = upload(backend, {5, 6}, {1, 2});
    call<ops::Matmul>(backend, input, backend.pack(identity(2), {.rows = 2}), absent, output);
  }
  CHECK(RemoteMemory::live() == live + 1);
  backend.synchronize();
  CHECK(RemoteMemory::live() == live);
  CHECK(download(backend, output) == std::vector<float>{5, 6});
}

TEST_CASE("a pooled buffer waits for the queue before it is reused", "[remote]") {
  const Remote backend;
  coca::Pool<RemoteMemory> pool;
  const auto take = [&] { return Remote::Floats(pool.allocate(8), {1, 2}); };
  const auto output = backend.allocate<float>({1, 2});
  const std::uint64_t before = RemoteMemory::allocations();
  {
    const auto input = take();
    backend.copy_in(std::span<const float>(std::vector<float>{3, 4}), input);
    call<ops::L2Normalize>(backend, input, output);
  }
  { const auto other = take(); }
  CHECK(RemoteMemory::allocations() == before + 2);
  backend.synchronize();
  { const auto first = take(), second = take(); }
  CHECK(RemoteMemory::allocations() == before + 2);
}

TEST_CASE("copies share one queue, other remotes have their own", "[remote]") {
  const Remote backend, other;
  const Remote copy = backend;
  const auto tensor = upload(copy, {1}, {1});
  CHECK(backend.pending() == 1);
  CHECK(other.pending() == 0);
  CHECK(std::isnan(download(other, tensor)[0]));  // the other queue knows nothing of the copy
  CHECK(download(backend, tensor) == std::vector<float>{1});
  CHECK(copy.pending() == 0);
}

TEST_CASE("errors surface at the next synchronisation and drop what follows", "[remote]") {
  const Remote backend;
  const auto output = upload(backend, {1, 2}, {1, 2});
  backend.synchronize();
  call<ops::L2Normalize>(backend, dangling_tensor(), output);
  backend.copy_in(std::span<const float>(std::vector<float>{8, 9}), output);
  std::string message = "none";
  try {
    backend.synchronize();
  } catch (const coca::ArgumentError& error) {
    message = error.what();
  }
  CHECK(message == "remote block 0 is used after its release");
  CHECK(download(backend, output) == std::vector<float>{1, 2});
}

TEST_CASE("copies of the wrong size are refused at once", "[remote]") {
  const Remote backend;
  const auto tensor = backend.allocate<float>({2});
  std::vector<float> three(3);
  std::string message = "none";
  try {
    backend.copy_in(std::span<const float>(three), tensor);
  } catch (const coca::ShapeError& error) {
    message = error.what();
  }
  CHECK(message == "copy: 3 elements on the host, 2 in the tensor");
  CHECK_THROWS_AS(backend.copy_out(tensor, std::span<float>(three)), coca::ShapeError);
}

TEST_CASE("unpack synchronises and reads the weight", "[remote]") {
  const Remote backend;
  const auto matrix = backend.pack(identity(3), {.rows = 3});
  const auto tensor = upload(backend, {1}, {1});
  std::vector<float> row(3);
  backend.unpack(matrix, 1, 1, row.data());
  CHECK(row == std::vector<float>{0, 1, 0});
  CHECK(backend.pending() == 0);
  CHECK(matrix.out_features() == 3);
  CHECK(matrix.in_features() == 3);
}

TEST_CASE("threads share a remote", "[remote]") {
  const Remote backend;
  std::vector<std::vector<float>> results(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t)
    threads.emplace_back([&backend, &result = results[t], t] {
      for (int i = 0; i < 50; ++i) {
        const auto input = upload(backend, {static_cast<float>(t), static_cast<float>(i)}, {1, 2});
        const auto output = backend.allocate<float>({1, 2});
        call<ops::Matmul>(backend, input, backend.pack(identity(2), {.rows = 2}), absent, output);
        result = download(backend, output);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (std::size_t t = 0; t < results.size(); ++t)
    CHECK(results[t] == std::vector<float>{static_cast<float>(t), 49});
}

TEST_CASE("remote views read their array when an operation runs", "[remote]") {
  const Remote backend;
  const auto values = upload(backend, {1, 2, 3, 4, 5, 6}, {3, 2});  // [in, out]
  const auto input = upload(backend, {1, 1, 1}, {1, 3});
  const auto output = backend.allocate<float>({1, 2}), gradient = backend.allocate<float>({1, 3});
  backend.synchronize();
  const Remote::Matrix matrix = backend.view(values, true);
  CHECK(matrix.out_features() == 2);
  CHECK(matrix.in_features() == 3);
  CHECK(matrix.transposed());
  CHECK(matrix.values().shape() == Shape{3, 2});
  CHECK_FALSE(static_cast<bool>(backend.pack(identity(2), {.rows = 2}).values()));

  call<ops::Matmul>(backend, input, matrix, absent, output);
  call<ops::MatmulInputGradient>(backend, output, matrix,
                                 ops::Update(gradient, coca::Write::assign));
  CHECK(backend.pending() == 2);
  CHECK(download(backend, output) == std::vector<float>{9, 12});
  CHECK(download(backend, gradient) == std::vector<float>{33, 75, 117});
  call<ops::Scale>(backend, values, 2);
  call<ops::Matmul>(backend, input, matrix, absent, output);
  CHECK(download(backend, output) == std::vector<float>{18, 24});
  std::vector<float> rows(3);
  backend.unpack(matrix, 1, 1, rows.data());
  CHECK(rows == std::vector<float>{4, 8, 12});
}

TEST_CASE("gradients of remote packed weights fail at the next synchronisation", "[remote]") {
  const Remote backend;
  const auto packed = backend.pack(identity(2), {.rows = 2});
  const auto gradient = upload(backend, {1, 1}, {1, 2}), output = backend.allocate<float>({1, 2});
  call<ops::MatmulInputGradient>(backend, gradient, packed,
                                 ops::Update(output, coca::Write::assign));
  CHECK_THROWS_WITH(
      backend.synchronize(),
      "matmul_input_gradient: weights that are packed for inference have no gradients");
  CHECK(backend.pending() == 0);
}
