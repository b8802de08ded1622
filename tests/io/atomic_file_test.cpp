#include "coca/io/atomic_file.hpp"

#include <sys/resource.h>

#include <array>
#include <csignal>
#include <thread>

#include "catch.hpp"
#include "temporary_folder.hpp"

using coca::AtomicFile;
using coca_test::contains;
using coca_test::message_of;
using coca_test::read_all;
using coca_test::TemporaryFolder;

TEST_CASE("a file appears only when it is committed") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out.txt", "old");
  {
    AtomicFile file(path);
    file.write("new ");
    file.write("content", 7);
    CHECK(read_all(path) == "old");
    CHECK(folder.count() == 2);
    file.commit();
  }
  CHECK(read_all(path) == "new content");
  CHECK(folder.count() == 1);
}

TEST_CASE("without commit nothing remains") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out.txt", "old");
  { AtomicFile(path).write("new"); }
  CHECK(read_all(path) == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("a moved file is committed once") {
  const TemporaryFolder folder;
  AtomicFile first(folder.path("a"));
  first.write("abc");
  AtomicFile second(std::move(first));
  second.write("def");
  second.commit();
  CHECK(read_all(folder.path("a")) == "abcdef");
  CHECK(contains(message_of([&] { second.write("x"); }), "is written after it was closed"));
  CHECK(contains(message_of([&] { second.commit(); }), "is written after it was closed"));
}

TEST_CASE("sizes around the buffer arrive complete and in order") {
  const TemporaryFolder folder;
  std::string expected;
  AtomicFile file(folder.path("a"));
  for (const std::size_t size : {1, 65535, 65536, 65537, 3, 200000, 65535, 2}) {
    const std::string part(size, static_cast<char>('a' + expected.size() % 26));
    file.write(part);
    expected += part;
  }
  file.commit();
  CHECK(read_all(folder.path("a")) == expected);
}

TEST_CASE("permissions of a replaced file are kept") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out.txt", "old");
  std::filesystem::permissions(path, std::filesystem::perms{0640});
  coca::write_file_atomically(path, "new");
  CHECK(std::filesystem::status(path).permissions() == std::filesystem::perms{0640});
}

TEST_CASE("links are followed, even to missing files") {
  const TemporaryFolder folder;
  folder.write("real", "old");
  std::filesystem::create_symlink("real", folder.path("link"));
  std::filesystem::create_symlink("link", folder.path("link_to_link"));
  std::filesystem::create_symlink(folder.path("later"), folder.path("dangling"));
  coca::write_file_atomically(folder.path("link_to_link"), "new");
  coca::write_file_atomically(folder.path("dangling"), "made");
  CHECK(std::filesystem::is_symlink(folder.path("link")));
  CHECK(std::filesystem::is_symlink(folder.path("dangling")));
  CHECK(read_all(folder.path("real")) == "new");
  CHECK(read_all(folder.path("later")) == "made");
}

TEST_CASE("a circle of links is refused") {
  const TemporaryFolder folder;
  std::filesystem::create_symlink("b", folder.path("a"));
  std::filesystem::create_symlink("a", folder.path("b"));
  CHECK(contains(message_of([&] { AtomicFile(folder.path("a")); }), "symbolic links"));
}

TEST_CASE("targets that cannot be written are named with the reason") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "x");
  CHECK(message_of([&] { AtomicFile(file + "/below"); }) ==
        file + "/below: cannot be written: Not a directory");
  CHECK(message_of([&] { AtomicFile(folder.path("none/below")); }) ==
        folder.path("none/below") + ": cannot be written: No such file or directory");
  CHECK(message_of([&] { AtomicFile(folder.path()); }) ==
        folder.path() + ": cannot be written: it is a directory");
  CHECK(contains(message_of([&] { AtomicFile(""); }), "an empty path cannot be written"));
}

TEST_CASE("a full device is reported, and stays a device") {
  CHECK(message_of([] { coca::write_file_atomically("/dev/full", "x"); }) ==
        "/dev/full: cannot be written: No space left on device");
  CHECK(std::filesystem::is_character_file("/dev/full"));
  CHECK(message_of([] { coca::write_file_atomically("/dev/null", "x"); }) == "no error");
}

TEST_CASE("a named pipe is written in place") {
  const TemporaryFolder folder;
  const std::string path = folder.path("pipe");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::string received;
  std::thread reader([&] { received = read_all(path); });
  coca::write_file_atomically(path, "through the pipe");
  reader.join();
  CHECK(received == "through the pipe");
  CHECK(folder.count() == 1);
}

TEST_CASE("a file that grows beyond the limit leaves nothing behind") {
  const TemporaryFolder folder;
  const std::string path = folder.write("out", "old");
  const auto previous = std::signal(SIGXFSZ, SIG_IGN);
  rlimit limit{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &limit) == 0);
  const rlimit small{100'000, limit.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message =
      message_of([&] { coca::write_file_atomically(path, std::string(200'000, 'x')); });
  ::setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, previous);
  CHECK(message == path + ": cannot be written: File too large");
  CHECK(read_all(path) == "old");
  CHECK(folder.count() == 1);
}

TEST_CASE("bytes are written as they are") {
  const TemporaryFolder folder;
  const std::array<std::byte, 3> bytes{std::byte{0}, std::byte{255}, std::byte{10}};
  coca::write_file_atomically(folder.path("a"), bytes);
  CHECK(read_all(folder.path("a")) == std::string("\0\xff\n", 3));
}
