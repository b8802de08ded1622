// libFuzzer target: any bytes as a .npy file. Either they are read, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <span>

#include "coca/io/npy.hpp"

namespace {

template <class Read>
void attempt(Read&& read) {
  try {
    read();
  } catch (const coca::Error&) {  // the only way to refuse
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  attempt([&] { coca::detail::parse_npy("fuzz", bytes); });
  attempt([&] {
    const coca::NpyNumbers numbers = coca::parse_npy_numbers("fuzz", bytes);
    if (numbers.values.size() != numbers.shape.size()) __builtin_trap();
  });
  return 0;
}
