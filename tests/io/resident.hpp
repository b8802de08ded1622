#pragma once
// How much of a mapping is in memory.

#include <cstdint>
#include <sstream>
#include <string>

#include "temporary_folder.hpp"

namespace coca_test {

/// Kilobytes of the mapping that begins at `address` in this process's resident set, from the
/// kernel's accounting.
inline std::size_t resident_kilobytes(const void* address) {
  std::istringstream maps(read_all("/proc/self/smaps"));
  std::ostringstream begin;
  begin << std::hex << reinterpret_cast<std::uintptr_t>(address) << '-';
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    if (line.starts_with(begin.str())) inside = true;
    if (inside && line.starts_with("Rss:")) return std::stoul(line.substr(4));
  }
  return 0;
}

}  // namespace coca_test
