#include "coca/text/gzip_text.hpp"

#include <string>

#include "catch.hpp"
#include "text/error_text.hpp"
#include "text/temporary_directory.hpp"

namespace {

template <std::size_t size>
std::string bytes(const unsigned char (&values)[size]) {
  return {values, values + size};
}

// gzip of "hello gzip\n".
const std::string hello = bytes({0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb,
                                 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0x48, 0xaf, 0xca, 0x2c, 0xe0, 0x02,
                                 0x00, 0x39, 0x7c, 0x63, 0x56, 0x0b, 0x00, 0x00, 0x00});

// gzip of 20000 zero bytes.
const std::string zeros =
    bytes({0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc1, 0x31, 0x01,
           0x00, 0x00, 0x00, 0xc2, 0xa0, 0xf5, 0x4f, 0x6d, 0x0d, 0x0f, 0xa0, 0x00, 0x00, 0x00,
           0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
           0x00, 0x00, 0x78, 0x30, 0x02, 0x53, 0x2f, 0x97, 0x20, 0x4e, 0x00, 0x00});

}  // namespace

TEST_CASE("plain and compressed files give the same text") {
  const TemporaryDirectory directory;
  CHECK(coca::read_text_or_gzip(directory.write("plain.txt", "hello\n"), 100) == "hello\n");
  CHECK(coca::read_text_or_gzip(directory.write("empty.txt", ""), 100).empty());
  const auto path = directory.write("hello.txt.gz", hello);
  CHECK(coca::read_text_or_gzip(path, 100) == "hello gzip\n");
  CHECK(coca::read_text_or_gzip(directory.write("zeros", zeros), 20000) ==
        std::string(20000, '\0'));
}

TEST_CASE("joined gzip members are read one after another") {
  const TemporaryDirectory directory;
  const auto path = directory.write("joined.gz", hello + hello);
  CHECK(coca::read_text_or_gzip(path, 100) == "hello gzip\nhello gzip\n");
}

TEST_CASE("the size is bounded, expanded or not") {
  const TemporaryDirectory directory;
  const auto bomb = directory.write("bomb.gz", zeros);
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(bomb, 19999); }) ==
        bomb + ": the file is larger than the limit of 19999 bytes");
  const auto plain = directory.write("plain.txt", "12345");
  CHECK(coca::read_text_or_gzip(plain, 5) == "12345");
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(plain, 4); }) ==
        plain + ": the file is larger than the limit of 4 bytes");
  // Without an end: only a bound stops reading.
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip("/dev/zero", 100000); }) ==
        "/dev/zero: the file is larger than the limit of 100000 bytes");
}

TEST_CASE("a gzip file truncated anywhere is refused") {
  const TemporaryDirectory directory;
  for (std::size_t length = 2; length < hello.size(); ++length) {
    const auto path = directory.write("cut.gz", hello.substr(0, length));
    CAPTURE(length);
    CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(path, 100); }) ==
          path + ": the compressed data ends early");
  }
}

TEST_CASE("damage is noticed") {
  const TemporaryDirectory directory;
  std::string damaged = hello;
  damaged[23] = 'x';  // in the checksum
  const auto path = directory.write("damaged.gz", damaged);
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(path, 100); }) ==
        path + ": the compressed data is damaged (incorrect data check)");
}

TEST_CASE("anything but a file is an error") {
  const TemporaryDirectory directory;
  const auto missing = directory.path("missing.txt");
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(missing, 100); }) ==
        missing + ": the file cannot be opened (No such file or directory)");
  const auto pointer =
      directory.write("words.txt", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n");
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(pointer, 100); }) ==
        pointer + ": is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
  const auto folder = directory.path("");
  CHECK(error_text<coca::FileError>([&] { coca::read_text_or_gzip(folder, 100); }) ==
        folder + ": this is a directory, expected a file");
}
