#include <sys/time.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "coca/backend/cpu/gemm_choice.hpp"
#include "coca/backend/cpu/held_signals.hpp"
#include "coca/backend/cpu/product.hpp"

namespace {

using coca::GemmKind;
using coca::detail::HeldSignals;

constexpr int threads = 2;

std::atomic<int> handled{0};
thread_local bool of_team = false;  // threads of larger teams may be left over

/// A signal some thousand times per second, with a handler that counts those of the team's threads.
class ManySignals {
 public:
  ManySignals() {
    coca::detail::parallel_for(threads, threads, [](std::size_t, std::size_t) { of_team = true; });
    struct sigaction action {};
    action.sa_handler = [](int) { handled += of_team; };
    action.sa_flags = SA_RESTART;
    ::sigaction(SIGALRM, &action, &before_);
    const itimerval often{{0, 200}, {0, 200}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
  }
  ~ManySignals() {
    const itimerval never{};
    ::setitimer(ITIMER_REAL, &never, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  ManySignals(const ManySignals&) = delete;
  ManySignals& operator=(const ManySignals&) = delete;

 private:
  struct sigaction before_ {};
};

/// Sums of `depth` ones, by a weight: how many are wrong.
std::size_t wrong_in_weight(std::size_t rows, std::size_t columns, std::size_t depth) {
  const auto weight = coca::detail::make_onednn_weight<float>(
      columns, depth, coca::detail::best_instruction_set(), rows, threads);
  const std::vector<float> ones(rows * depth, 1.0f), row(depth, 1.0f);
  for (std::size_t o = 0; o < columns; ++o) weight->set({o, 1, 0, depth, row.data(), depth, 1});
  weight->finish();
  std::vector<float> sums(rows * columns);
  coca::detail::GemmCall call;
  call.input = ones.data();
  call.rows = rows;
  call.output = sums.data();
  call.threads = threads;
  weight->multiply(call);
  return static_cast<std::size_t>(
      std::count_if(sums.begin(), sums.end(), [=](float sum) { return sum != float(depth); }));
}

/// The same by a product of views.
std::size_t wrong_in_product(std::size_t rows, std::size_t columns, std::size_t depth) {
  const std::vector<float> left(rows * depth, 1.0f), right(columns * depth, 1.0f);
  std::vector<float> sums(rows * columns);
  coca::detail::ProductCall call;
  call.left = {left.data(), depth, 1};
  call.right = {right.data(), 1, depth};
  call.columns = columns;
  call.depth = depth;
  call.result.rows = rows;
  call.result.output = sums.data();
  call.result.threads = threads;
  coca::detail::multiply_by(GemmKind::onednn, call, {});
  return static_cast<std::size_t>(
      std::count_if(sums.begin(), sums.end(), [=](float sum) { return sum != float(depth); }));
}

}  // namespace

TEST_CASE("Signals wait until they are no longer held") {
  const ManySignals signals;
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  int while_held = 0;
  {
    const HeldSignals held(threads);
    const int before = handled;
    wait();
    while_held = handled - before;
  }
  const int before = handled;
  wait();
  CHECK(while_held == 0);
  CHECK(handled > before);
}

// Where signals are not held, this ends or hangs: "corrupted size vs. prev_size".
TEST_CASE("Products by oneDNN survive signals") {
  if (!coca::detail::has_onednn) return;
  const ManySignals signals;
  const int before = handled;
  for (std::size_t i = 0; i < 300; ++i) {
    const std::size_t rows = 1 + i * 37 % 300, columns = 8 + i * 101 % 700,
                      depth = 8 + i * 59 % 700;
    CHECK(wrong_in_weight(rows, columns, depth) == 0);
    CHECK(wrong_in_product(rows, columns, depth) == 0);
  }
  CHECK(handled > before);
}
