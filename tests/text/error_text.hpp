#pragma once
// What an expected error says.

#include <string>

// The message of the `Expected` that `action` throws; says so if it throws nothing.
template <typename Expected, typename Action>
std::string error_text(Action&& action) {
  try {
    action();
  } catch (const Expected& error) {
    return error.what();
  }
  return "(nothing was thrown)";
}
