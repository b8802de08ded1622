#pragma once
/// @file
/// A backend without one of its operations.

namespace coca::testing {

/// All that `Whole` can do, but not one operation.
template <class Whole, class Operation>
struct Without : Whole {
  using Whole::run;
  void run(const Operation&) const = delete;
};

}  // namespace coca::testing
