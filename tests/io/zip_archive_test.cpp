#include "coca/io/zip_archive.hpp"

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "zip_bytes.hpp"

using coca::MappedFile;
using coca::ZipArchive;
using coca_test::contains;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {
std::string text(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
}  // namespace

TEST_CASE("members are listed, located and read") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const std::string path = folder.path("a.zip");
  const std::string zeros(100'000, '\0');
  coca_test::make_zip(path, {{"x/plain", "content"}, {"x/packed", zeros, true}, {"empty", ""}});
  const MappedFile file(path);
  const ZipArchive archive(path, file.bytes());
  REQUIRE(archive.members().size() == 3);
  const auto* plain = archive.find("x/plain");
  const auto* packed = archive.find("x/packed");
  REQUIRE(plain != nullptr);
  REQUIRE(packed != nullptr);
  CHECK(archive.find("none") == nullptr);
  CHECK(plain->stored);
  CHECK_FALSE(packed->stored);
  CHECK(packed->size == 100'000);
  CHECK(packed->compressed_size < 1000);
  CHECK(text(archive.read(*plain, 7)) == "content");
  CHECK(text(archive.read(*packed, 100'000)) == zeros);
  CHECK(archive.read(*archive.find("empty"), 0).empty());
  const auto* begin = reinterpret_cast<const char*>(file.bytes().data());
  CHECK(std::string(begin + archive.data_offset(*plain), 7) == "content");
  CHECK(contains(message_of([&] { archive.read(*packed, 99'999); }),
                 "\"x/packed\" in the archive: has 100000 bytes, at most 99999 are accepted"));
}

TEST_CASE("a member that inflates to more than it declares is refused") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const std::string path = folder.path("a.zip");
  coca_test::make_zip(path, {{"bomb", std::string(10'000'000, '\0'), true}});
  std::string bytes = coca_test::read_all(path);
  const std::string real("\x80\x96\x98\x00", 4);  // 10,000,000
  const std::string declared("\x10\x00\x00\x00", 4);
  std::size_t replaced = 0;
  for (std::size_t at = bytes.find(real); at != std::string::npos; at = bytes.find(real, at + 4)) {
    bytes.replace(at, 4, declared);
    ++replaced;
  }
  REQUIRE(replaced >= 1);
  const MappedFile file(folder.write("b.zip", bytes));
  const std::string message = message_of([&] {
    const ZipArchive archive("b.zip", file.bytes());
    archive.read(archive.members().at(0), 1000);
  });
  INFO(message);
  CHECK(contains(message, "b.zip: "));
}

TEST_CASE("damaged content is noticed by its checksum") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const std::string path = folder.path("a.zip");
  coca_test::make_zip(path, {{"x", "content of a file"}});
  std::string bytes = coca_test::read_all(path);
  bytes[bytes.find("content")] = 'C';
  const MappedFile file(folder.write("b.zip", bytes));
  const ZipArchive archive("b.zip", file.bytes());
  CHECK(contains(message_of([&] { archive.read(archive.members().at(0), 100); }), "CRC"));
}

TEST_CASE("an archive cut anywhere is refused") {
  if (!coca::ZipArchive::available) return;
  const TemporaryFolder folder;
  const std::string path = folder.path("a.zip");
  coca_test::make_zip(path, {{"x/data.pkl", "abc"}, {"x/data/0", std::string(300, 'x'), true}});
  const std::string whole = coca_test::read_all(path);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    const MappedFile file(folder.write("b.zip", whole.substr(0, size)));
    CHECK(contains(message_of([&] { ZipArchive("b.zip", file.bytes()); }), "b.zip: "));
  }
}

TEST_CASE("without libzip archives are refused with the reason") {
  if (coca::ZipArchive::available) return;
  CHECK(message_of([] { ZipArchive("a.zip", {}); }) ==
        "a.zip: zip archives cannot be read, because this build has no libzip");
}
