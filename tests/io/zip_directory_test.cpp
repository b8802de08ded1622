#include "coca/io/zip_directory.hpp"

#include "catch.hpp"
#include "coca/io/zip_archive.hpp"
#include "temporary_folder.hpp"
#include "zip_bytes.hpp"

using coca::detail::read_zip_directory;
using coca::detail::zip_data_offset;
using coca_test::contains;
using coca_test::message_of;

namespace {

std::span<const std::byte> as_bytes(const std::string& text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// A little-endian number of `size` bytes.
std::string number(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i, value >>= 8) bytes += static_cast<char>(value & 0xff);
  return bytes;
}

/// One stored member "n" of four bytes, its offset and sizes in zip64 fields, as large files have.
std::string zip64_archive() {
  const std::string local =
      "PK\x03\x04" + std::string(22, '\0') + number(1, 2) + number(3, 2) + "n" + "pad" + "data";
  const std::string extra =
      number(1, 2) + number(24, 2) + number(4, 8) + number(4, 8) + number(0, 8);
  const std::string ones = number(0xffffffff, 4);
  const std::string central = "PK\x01\x02" + std::string(16, '\0') + ones + ones + number(1, 2) +
                              number(extra.size(), 2) + std::string(10, '\0') + ones + "n" + extra;
  const std::uint64_t directory = local.size();
  const std::uint64_t end64 = directory + central.size();
  const std::string record = "PK\x06\x06" + number(44, 8) + std::string(12, '\0') + number(1, 8) +
                             number(1, 8) + number(central.size(), 8) + number(directory, 8);
  const std::string locator = "PK\x06\x07" + number(0, 4) + number(end64, 8) + number(1, 4);
  const std::string end = "PK\x05\x06" + number(0, 4) + number(0xffff, 2) + number(0xffff, 2) +
                          ones + ones + number(0, 2);
  return local + central + record + locator + end;
}

}  // namespace

TEST_CASE("offsets agree with where libzip put the content") {
  if (!coca::ZipArchive::available) return;
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.path("a.zip");
  coca_test::make_zip(path, {{"first", "abcdef"}, {"second", "ghi"}});
  const std::string bytes = coca_test::read_all(path);
  const auto entries = read_zip_directory(path, as_bytes(bytes));
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].compressed_size == 6);
  const auto at = [&](std::size_t i, const std::string& name) {
    return zip_data_offset(path, as_bytes(bytes), entries[i].local_header, name);
  };
  CHECK(bytes.substr(at(0, "first"), 6) == "abcdef");
  CHECK(bytes.substr(at(1, "second"), 3) == "ghi");
  CHECK(contains(message_of([&] { at(1, "other"); }), "damaged or truncated zip archive"));
  CHECK(contains(message_of([&] { at(1, "secon"); }), "damaged or truncated zip archive"));
}

TEST_CASE("zip64 fields are followed") {
  const std::string bytes = zip64_archive();
  const auto entries = read_zip_directory("memory", as_bytes(bytes));
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].compressed_size == 4);
  CHECK(entries[0].local_header == 0);
  CHECK(bytes.substr(zip_data_offset("memory", as_bytes(bytes), 0, "n"), 4) == "data");
}

TEST_CASE("damage anywhere is refused or harmless") {
  const std::string whole = zip64_archive();
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK(message_of([&] { read_zip_directory("memory", as_bytes(whole.substr(0, size))); }) ==
          "memory: is a damaged or truncated zip archive");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string bytes = whole;
    bytes[at] = '\xff';
    const std::string message = message_of([&] {
      for (const auto& entry : read_zip_directory("memory", as_bytes(bytes)))
        zip_data_offset("memory", as_bytes(bytes), entry.local_header, "n");
    });
    CHECK((message == "no error" || message == "memory: is a damaged or truncated zip archive"));
  }
  const std::uint64_t far = ~std::uint64_t{0} - 5;
  CHECK(contains(message_of([&] { zip_data_offset("memory", as_bytes(whole), far, "n"); }),
                 "damaged"));
}
