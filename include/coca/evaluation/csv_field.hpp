#pragma once
/// @file
/// Writing fields of CSV files.

#include <string>

namespace coca {

/// A field of a CSV file, in quotes where it needs them (RFC 4180).
inline std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

}  // namespace coca
