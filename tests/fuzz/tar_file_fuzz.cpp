// libFuzzer target: any bytes as a tar archive. Either its members are listed and read, or a
// coca::Error says why not; no member is larger than the archive.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "coca/data/tar_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string name = "fuzz";
  const std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  try {
    for (const coca::TarMember& member : coca::detail::tar_members(bytes, name)) {
      if (member.size > size) __builtin_trap();
      const auto content = coca::detail::tar_content(bytes, member.offset, name);
      if (content.size() != member.size) __builtin_trap();
    }
  } catch (const coca::Error&) {  // the only way to refuse
  }
  return 0;
}
