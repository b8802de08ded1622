#pragma once
/// @file
/// A backend that measures another one: how often each operation ran, and for how long.
///
/// @code
/// using B = coca::Profiled<coca::Cpu<>>;
/// const B backend;
/// coca::StandardCoCa<B> model(config, backend);
/// ...
/// for (const auto& operation : backend.profile())
///   std::cout << operation.name << ' ' << operation.calls << ' ' << operation.seconds << '\n';
/// @endcode

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coca/backend/differentiable.hpp"

namespace coca {

/// What all calls of one operation took.
struct OperationProfile {
  std::string name;  ///< of the operation's struct, or copy_in, copy_out, pack, unpack
  std::uint64_t calls = 0;
  double seconds = 0;  ///< all calls together, of all threads
};

/// Runs everything on `Inner`, with the same results, and waits for each operation, so that its
/// time is its own. Copies share one profile; safe to call from several threads at once if Inner
/// is.
template <Backend Inner>
class Profiled {
 public:
  using value_type = typename Inner::value_type;
  using weight_type = typename Inner::weight_type;
  using memory_type = typename Inner::memory_type;
  using Matrix = typename Inner::Matrix;

  Profiled() = default;
  explicit Profiled(Inner inner) : inner_(std::move(inner)) {}

  /// Since this backend was made or cleared, what took longest first.
  std::vector<OperationProfile> profile() const {
    std::vector<OperationProfile> all;
    {
      const std::lock_guard lock(profile_->mutex);
      for (const auto& [name, operation] : profile_->operations) all.push_back(operation);
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
    return all;
  }

  void clear_profile() const {
    const std::lock_guard lock(profile_->mutex);
    profile_->operations.clear();
  }

  template <class U>
  auto allocate(const Shape& shape) const {
    return inner_.template allocate<U>(shape);
  }
  template <class U>
  void copy_in(std::span<const U> host, const Tensor<U, memory_type>& output) const {
    measure("copy_in", [&] { inner_.copy_in(host, output); });
  }
  template <class U>
  void copy_out(const Tensor<U, memory_type>& input, std::span<U> host) const {
    measure("copy_out", [&] { inner_.copy_out(input, host); });
  }
  void synchronize() const { inner_.synchronize(); }

  Matrix pack(const WeightSource& source, const PackOptions& options) const {
    Matrix matrix;
    measure("pack", [&] { matrix = inner_.pack(source, options); });
    return matrix;
  }
  void unpack(const Matrix& matrix, std::size_t first, std::size_t count, float* rows) const {
    measure("unpack", [&] { inner_.unpack(matrix, first, count, rows); });
  }

  Matrix view(const Tensor<value_type, memory_type>& values,
              bool transposed = false) const requires DifferentiableBackend<Inner> {
    return inner_.view(values, transposed);
  }

  template <class Operation>
  requires ops::Runs<Inner, Operation>
  void run(const Operation& operation) const {
    measure(Operation::name, [&] { inner_.run(operation); });
  }

 private:
  struct Profile {
    std::mutex mutex;
    std::map<std::string_view, OperationProfile> operations;  // names are literals
  };

  template <class Call>
  void measure(const char* name, const Call& call) const {
    const auto start = std::chrono::steady_clock::now();
    call();
    inner_.synchronize();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const std::lock_guard lock(profile_->mutex);
    OperationProfile& operation = profile_->operations[name];
    if (operation.calls++ == 0) operation.name = name;
    operation.seconds += seconds.count();
  }

  Inner inner_{};
  std::shared_ptr<Profile> profile_ = std::make_shared<Profile>();
};

}  // namespace coca
