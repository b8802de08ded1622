#include "coca/training/schedule.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "comparison.hpp"

using namespace coca;
using coca::testing::first_difference;

// Expected numbers are those of open_clip_train.scheduler (open_clip 3.3.0).

namespace {

std::vector<double> rates(const ScheduleOptions& options, std::uint64_t steps) {
  std::vector<double> all;
  for (std::uint64_t step = 0; step < steps; ++step) all.push_back(learning_rate(options, step));
  return all;
}

}  // namespace

TEST_CASE("cosine is OpenCLIP's cosine_lr", "[schedule]") {
  const ScheduleOptions options{
      .kind = ScheduleKind::cosine, .learning_rate = 0.5, .steps = 10, .warmup_steps = 3};
  CHECK(first_difference(
            rates(options, 10),
            std::vector<double>{0.16666666666666666, 0.3333333333333333, 0.5, 0.5,
                                0.47524221697560476, 0.4058724504646834, 0.3056302334890786,
                                0.19436976651092142, 0.09412754953531663, 0.02475778302439524},
            1e-12) == "");
}

TEST_CASE("cosine and linear end at the minimum and stay there", "[schedule]") {
  for (const ScheduleKind kind : {ScheduleKind::cosine, ScheduleKind::linear}) {
    const ScheduleOptions options{
        .kind = kind, .learning_rate = 1, .minimum = 0.25, .steps = 12, .warmup_steps = 4};
    CHECK(std::abs(learning_rate(options, 8) - 0.625) <= 1e-12);
    CHECK(learning_rate(options, 4) == 1);
    CHECK(learning_rate(options, 12) == 0.25);
    CHECK(learning_rate(options, std::numeric_limits<std::uint64_t>::max()) == 0.25);
  }
}

TEST_CASE("linear falls evenly", "[schedule]") {
  const ScheduleOptions options{.kind = ScheduleKind::linear, .learning_rate = 1, .steps = 4};
  CHECK(first_difference(rates(options, 5), std::vector<double>{1, 0.75, 0.5, 0.25, 0}, 1e-12) ==
        "");
}

TEST_CASE("constant is OpenCLIP's const_lr", "[schedule]") {
  const ScheduleOptions options{
      .kind = ScheduleKind::constant, .learning_rate = 0.5, .steps = 6, .warmup_steps = 2};
  CHECK(rates(options, 7) == std::vector<double>{0.25, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5});
}

TEST_CASE("constant_cooldown is OpenCLIP's const_lr_cooldown", "[schedule]") {
  const ScheduleOptions options{.kind = ScheduleKind::constant_cooldown,
                                .learning_rate = 0.5,
                                .minimum = 0.125,
                                .steps = 10,
                                .warmup_steps = 3,
                                .cooldown_steps = 4,
                                .cooldown_power = 1.5};
  CHECK(first_difference(
            rates(options, 10),
            std::vector<double>{0.16666666666666666, 0.3333333333333333, 0.5, 0.5, 0.5, 0.5, 0.5,
                                0.3685696448143734, 0.2575825214724777, 0.171875},
            1e-12) == "");
  ScheduleOptions none = options;
  none.cooldown_steps = 0;
  CHECK(learning_rate(none, 20) == 0.5);
}

TEST_CASE("a run that is all warm-up has a rate after it", "[schedule]") {
  const ScheduleOptions options{.learning_rate = 1, .minimum = 0.5, .steps = 2, .warmup_steps = 2};
  CHECK(rates(options, 3) == std::vector<double>{0.5, 1, 0.5});
}

TEST_CASE("schedules have names", "[schedule]") {
  for (const ScheduleKind kind : {ScheduleKind::cosine, ScheduleKind::linear,
                                  ScheduleKind::constant, ScheduleKind::constant_cooldown})
    CHECK(schedule_kind(to_string(kind)) == kind);
  CHECK(to_string(ScheduleKind::constant_cooldown) == "constant_cooldown");
  CHECK_THROWS_WITH(
      schedule_kind("step"),
      "there is no schedule \"step\": it is cosine, linear, constant or constant_cooldown");
}

TEST_CASE("inconsistent schedules are refused", "[schedule]") {
  expect_schedule({});
  CHECK_THROWS_WITH(expect_schedule({.learning_rate = 1e-3, .minimum = 1}),
                    "a schedule goes from a learning rate of 0 or more down to a minimum, not from "
                    "0.001000 to 1.000000");
  CHECK_THROWS_AS(expect_schedule({.learning_rate = std::nan("")}), ArgumentError);
  CHECK_THROWS_AS(expect_schedule({.learning_rate = -1, .minimum = -2}), ArgumentError);
  CHECK_THROWS_WITH(expect_schedule({.steps = 5, .warmup_steps = 6, .cooldown_steps = 1}),
                    "a run of 5 steps cannot have 6 of warm-up and 1 of cooldown");
  CHECK_THROWS_WITH(expect_schedule({.cooldown_power = -1}),
                    "cooldown_power must be 0 or more, not -1.000000");
}
