// libFuzzer target: any bytes as a file of torch.save, as the pickle inside one, and as any kind
// of checkpoint. Either they are read, every tensor included, or a coca::Error says why not.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "coca/io/open_checkpoint.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::byte> bytes(size);
  if (size > 0) std::memcpy(bytes.data(), data, size);
  static const std::string path = "fuzz";
  try {
    coca::detail::detect_format(bytes);
    const coca::PickleDocument document = coca::read_pickle(path, bytes);
    coca::detail::find_tensors(path, document);
  } catch (const coca::Error&) {
  }
  try {
    const auto stored = std::make_shared<coca::StoredBytes>(std::move(bytes));
    const coca::Checkpoint checkpoint = coca::detail::parse_torch_checkpoint(path, stored);
    for (const std::string& name : checkpoint.names()) checkpoint.read_floats(name);
  } catch (const coca::Error&) {
  }
  return 0;
}
