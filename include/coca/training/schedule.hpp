#pragma once
/// @file
/// The learning rate of each step, as in open_clip_train.scheduler: a linear
/// warm-up, then one of several curves.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <string_view>

#include "coca/core/counted.hpp"
#include "coca/core/error.hpp"

namespace coca {

/// What follows the warm-up.
enum class ScheduleKind : std::uint8_t {
  cosine,             ///< half a cosine down to the minimum (cosine_lr)
  linear,             ///< a straight line down to the minimum
  constant,           ///< constant (const_lr)
  constant_cooldown,  ///< constant, then a power of a straight line down (const_lr_cooldown)
};

/// Options of the learning rate.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::cosine;
  double learning_rate = 1e-3;       ///< peak
  double minimum = 0;                ///< where cosine, linear and cooldown end
  std::uint64_t steps = 10000;       ///< of the whole run, warm-up included
  std::uint64_t warmup_steps = 0;    ///< step i of them has (i + 1) / warmup_steps of the peak
  std::uint64_t cooldown_steps = 0;  ///< the last steps of constant_cooldown
  double cooldown_power = 1;         ///< 1: a straight line
};

namespace detail {

inline constexpr std::array<std::string_view, 4> schedule_names{"cosine", "linear", "constant",
                                                                "constant_cooldown"};

/// How much of the way from `first` to `last` a step has covered: 0 to 1.
inline double schedule_progress(std::uint64_t step, std::uint64_t first, std::uint64_t last) {
  if (step >= last) return 1;
  return step <= first ? 0 : static_cast<double>(step - first) / static_cast<double>(last - first);
}

}  // namespace detail

/// "cosine", "linear", "constant" or "constant_cooldown", as in configuration files.
inline std::string_view to_string(ScheduleKind kind) {
  return detail::schedule_names[static_cast<std::size_t>(kind)];
}

/// The schedule with that name. @throws ArgumentError for another name.
inline ScheduleKind schedule_kind(std::string_view name) {
  const auto& names = detail::schedule_names;
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    throw ArgumentError("there is no schedule \"" + std::string(name) +
                        "\": it is cosine, linear, constant or constant_cooldown");
  return static_cast<ScheduleKind>(found - names.begin());
}

/// @throws ArgumentError for inconsistent numbers.
inline void expect_schedule(const ScheduleOptions& options) {
  const auto positive = [](double x) { return std::isfinite(x) && x >= 0; };
  if (!positive(options.learning_rate) || !positive(options.minimum) ||
      options.minimum > options.learning_rate)
    throw ArgumentError(
        "a schedule goes from a learning rate of 0 or more down to a minimum, not "
        "from " +
        std::to_string(options.learning_rate) + " to " + std::to_string(options.minimum));
  if (!positive(options.cooldown_power))
    throw ArgumentError("cooldown_power must be 0 or more, not " +
                        std::to_string(options.cooldown_power));
  if (options.warmup_steps > options.steps || options.cooldown_steps > options.steps)
    throw ArgumentError("a run of " + counted(options.steps, "step") + " cannot have " +
                        std::to_string(options.warmup_steps) + " of warm-up and " +
                        std::to_string(options.cooldown_steps) + " of cooldown");
}

/// The learning rate of a step, counted from 0; after the last step that of the end.
inline double learning_rate(const ScheduleOptions& options, std::uint64_t step) {
  const double highest = options.learning_rate, range = highest - options.minimum;
  if (step < options.warmup_steps)
    return highest * static_cast<double>(step + 1) / static_cast<double>(options.warmup_steps);
  const double done = detail::schedule_progress(step, options.warmup_steps, options.steps);
  switch (options.kind) {
    case ScheduleKind::cosine:
      return options.minimum + 0.5 * (1 + std::cos(std::numbers::pi * done)) * range;
    case ScheduleKind::linear:
      return options.minimum + (1 - done) * range;
    case ScheduleKind::constant:
      return highest;
    case ScheduleKind::constant_cooldown: {
      if (options.cooldown_steps == 0) return highest;
      const double cooled =
          detail::schedule_progress(step, options.steps - options.cooldown_steps, options.steps);
      return options.minimum + std::pow(1 - cooled, options.cooldown_power) * range;
    }
  }
  return highest;
}

}  // namespace coca
