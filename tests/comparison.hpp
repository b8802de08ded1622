#pragma once
/// @file
/// How tests compare numbers. A NaN is never close to anything; where two arrays differ, the answer
/// is a sentence, so that `CHECK(first_difference(...) == "")` prints it.

#include <cmath>
#include <cstddef>
#include <functional>
#include <limits>
#include <ranges>
#include <sstream>
#include <string>

namespace coca::testing {

/// Whether |actual - expected| <= tolerance. Equal infinities are close; NaN (as a tolerance too)
/// is not.
inline bool close(double actual, double expected, double tolerance) {
  if (std::isinf(actual) || std::isinf(expected)) return actual == expected && tolerance >= 0;
  return std::abs(actual - expected) <= tolerance;
}

/// Whether two numbers are the same, where NaN is only the same as NaN. For results that must be
/// exact, and for elements that must be untouched.
inline bool identical(double actual, double expected) {
  return std::isnan(expected) ? std::isnan(actual) : actual == expected;
}

/// The rounding error of one operation on T: half the distance from 1 to the next number.
template <class T>
inline constexpr double unit_roundoff = 0.5 *
                                        static_cast<double>(std::numeric_limits<T>::epsilon());
/// That of float.
inline constexpr double u = unit_roundoff<float>;

namespace detail {

template <class Actual, class Expected, class Agree>
std::string first_disagreement(const Actual& actual, const Expected& expected, Agree agree,
                               const std::function<std::string(std::size_t)>& note) {
  std::ostringstream text;
  text.precision(9);
  if (std::size(actual) != std::size(expected)) {
    text << "got " << std::size(actual) << " elements, expected " << std::size(expected);
    return text.str();
  }
  for (std::size_t i = 0; i < std::size(actual); ++i) {
    const auto a = static_cast<double>(actual[i]), e = static_cast<double>(expected[i]);
    if (agree(i, a, e)) continue;
    text << "element " << i << " of " << std::size(actual) << ": got " << a << ", expected " << e
         << note(i);
    return text.str();
  }
  return "";
}

}  // namespace detail

/// "" where every element is close to its counterpart; otherwise which is not, and by how much.
/// @param tolerance one number for all elements, or a range with one for each
template <class Actual, class Expected, class Tolerance>
std::string first_difference(const Actual& actual, const Expected& expected,
                             const Tolerance& tolerance) {
  const auto allowed = [&](std::size_t i) {
    if constexpr (std::ranges::range<Tolerance>)
      return i < std::size(tolerance) ? static_cast<double>(tolerance[i])
                                      : std::numeric_limits<double>::quiet_NaN();
    else
      return static_cast<double>(tolerance);
  };
  return detail::first_disagreement(
      actual, expected, [&](std::size_t i, double a, double e) { return close(a, e, allowed(i)); },
      [&](std::size_t i) { return " within " + std::to_string(allowed(i)); });
}

/// "" where every element is identical() to its counterpart; otherwise which is not.
template <class Actual, class Expected>
std::string first_inequality(const Actual& actual, const Expected& expected) {
  return detail::first_disagreement(
      actual, expected, [](std::size_t, double a, double e) { return identical(a, e); },
      [](std::size_t) { return std::string(); });
}

}  // namespace coca::testing
