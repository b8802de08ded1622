#include "coca/io/mapped_file.hpp"

#include <sys/stat.h>

#include "catch.hpp"
#include "resident.hpp"
#include "temporary_folder.hpp"

using coca::MappedFile;
using coca_test::message_of;
using coca_test::resident_kilobytes;
using coca_test::TemporaryFolder;

TEST_CASE("a mapped file shows its content") {
  const TemporaryFolder folder;
  MappedFile file(folder.write("a", "content"));
  MappedFile moved(std::move(file));
  REQUIRE(moved.bytes().size() == 7);
  CHECK(static_cast<char>(moved.bytes()[6]) == 't');
  CHECK(file.bytes().empty());
  MappedFile other(folder.write("b", "more"));
  other = std::move(moved);
  CHECK(other.bytes().size() == 7);
  CHECK(other.path() == folder.path("a"));
}

TEST_CASE("released pages leave memory and come back with the same content") {
  const TemporaryFolder folder;
  const std::size_t size = 1 << 20;
  const MappedFile file(folder.write("a", std::string(size, 'x')));
  std::size_t sum = 0;
  for (const std::byte byte : file.bytes()) sum += static_cast<unsigned char>(byte);
  CHECK(resident_kilobytes(file.bytes().data()) == 1024);
  file.release(0, size / 2);
  CHECK(resident_kilobytes(file.bytes().data()) == 512);
  file.release(size / 2, size);  // beyond the end counts as to the end
  CHECK(resident_kilobytes(file.bytes().data()) == 0);
  file.release(size + 1, 5);
  for (const std::byte byte : file.bytes()) sum -= static_cast<unsigned char>(byte);
  CHECK(sum == 0);
}

TEST_CASE("small releases in a row leave no more than a page") {
  const TemporaryFolder folder;
  const std::size_t size = 1 << 20;
  const MappedFile file(folder.write("a", std::string(size, 'x')));
  std::size_t sum = 0;
  for (const std::byte byte : file.bytes()) sum += static_cast<unsigned char>(byte);
  REQUIRE(sum == size * 'x');
  for (std::size_t offset = 0; offset + 1000 < size; offset += 1000) file.release(offset, 1000);
  CHECK(resident_kilobytes(file.bytes().data()) <= 8);
}

TEST_CASE("anything but a file with content is refused") {
  const TemporaryFolder folder;
  CHECK(message_of([&] { MappedFile(folder.path("none")); }) ==
        folder.path("none") + ": cannot be opened: No such file or directory");
  CHECK(message_of([&] { MappedFile(folder.path()); }) ==
        folder.path() + ": is a directory, expected a file");
  CHECK(message_of([&] { MappedFile(folder.write("empty", "")); }) ==
        folder.path("empty") + ": is empty");
  const std::string pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n";
  CHECK(message_of([&] { MappedFile(folder.write("pointer", pointer)); }) ==
        folder.path("pointer") +
            ": is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(message_of([&] { MappedFile(folder.path("pipe")); }) ==
        folder.path("pipe") + ": is not a regular file");
  CHECK(message_of([] { MappedFile("/dev/null"); }) == "/dev/null: is not a regular file");
}
