#include "coca/data/unpacked_file.hpp"

#include <filesystem>
#include <string>

#include "catch.hpp"
#include "small_datasets.hpp"

using coca::UnpackedFile;
using coca_test::contains;
using coca_test::datasets_folder;
using coca_test::message_of;
using coca_test::read_all;
using coca_test::TemporaryFolder;

namespace {

std::string text_of(const UnpackedFile& file) {
  return {reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

/// Where temporary files are kept while an object lives.
class TemporaryDirectorySetting {
 public:
  explicit TemporaryDirectorySetting(const std::string& path) {
    if (const char* value = std::getenv("TMPDIR")) before_ = value;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryDirectorySetting() {
    before_.empty() ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", before_.c_str(), 1);
  }

 private:
  std::string before_;
};

}  // namespace

TEST_CASE("Files are unpacked by their content, and mapped where they are not packed") {
  const std::string plain = read_all(datasets_folder + "captions.csv");
  CHECK(text_of(UnpackedFile(datasets_folder + "captions.csv")) == plain);
  const TemporaryFolder folder;
  for (const char* ending : {"gz", "bz2", "xz", "zst", "lz4"}) {
    CAPTURE(ending);
    const std::string packed = datasets_folder + "kinds/captions.csv." + ending;
    CHECK(text_of(UnpackedFile(packed)) == plain);
    CHECK(UnpackedFile(packed).path() == packed);
    CHECK(text_of(UnpackedFile(folder.write("any.name", read_all(packed)))) == plain);
    CHECK(coca::unpacked_beginning(packed, 10) == plain.substr(0, 10));
    CHECK(coca::unpacked_beginning(packed, 10'000) == plain);
  }
  CHECK(coca::unpacked_beginning(datasets_folder + "captions.csv", 7) == plain.substr(0, 7));
  CHECK(coca::unpacked_beginning(datasets_folder + "captions.csv", 10'000) == plain);
}

TEST_CASE("A text that begins as compressed files do is a text") {
  const TemporaryFolder folder;
  for (const char* text : {"BZh", "BZhou,image,caption\n", "BZh91 is a name\n", "BZh9"})
    CHECK(text_of(UnpackedFile(folder.write("x.csv", text))) == text);
}

TEST_CASE("Unpacked bytes are in an unnamed temporary file that disappears with its object") {
  const TemporaryFolder folder;
  const TemporaryDirectorySetting setting(folder.path());
  {
    const UnpackedFile file(datasets_folder + "kinds/shard-000.tar.zst");
    CHECK(folder.count() == 0);
    CHECK(text_of(file) == read_all(datasets_folder + "shard-000.tar"));
  }
  CHECK(folder.count() == 0);
  const TemporaryDirectorySetting missing(folder.path("no"));
  const std::string packed = datasets_folder + "kinds/captions.csv.gz";
  CHECK(message_of([&] { UnpackedFile file(packed); }) ==
        packed + ": cannot be unpacked into " + folder.path("no") + ": No such file or directory");
}

TEST_CASE("Damaged and cut compressed files are refused wherever they are cut") {
  const TemporaryFolder folder;
  for (const char* ending : {"gz", "bz2", "xz", "zst", "lz4"}) {
    const std::string packed = read_all(datasets_folder + "kinds/captions.csv." + ending);
    for (const std::size_t size : {packed.size() / 3, packed.size() / 2, packed.size() - 20}) {
      CAPTURE(ending, size);
      const std::string path = folder.write("x", packed.substr(0, size));
      CHECK(contains(message_of([&] { UnpackedFile file(path); }), path + ": "));
      CHECK(message_of([&] { UnpackedFile file(path); }) != "no error");
    }
  }
  CHECK(folder.count() == 1);
}

TEST_CASE("Files that unpack to a hundred times their size are refused") {
  // 100 MiB of zeros in 13 kB: zstd packs a block of equal bytes to four bytes.
  std::string bomb("\x28\xB5\x2F\xFD\x00\x58", 6);
  constexpr std::size_t block = 128 * 1024;
  for (std::size_t i = 0; i < 800; ++i) {
    const std::size_t header = block << 3 | 1 << 1 | (i == 799 ? 1 : 0);  // run-length, last
    for (int shift = 0; shift < 24; shift += 8) bomb += static_cast<char>(header >> shift & 0xFF);
    bomb += '\0';
  }
  const TemporaryFolder folder;
  const std::string path = folder.write("bomb.zst", bomb);
  const TemporaryDirectorySetting setting(folder.path());
  CHECK(contains(message_of([&] { UnpackedFile file(path); }), path + ": unpacks to more than 67"));
  CHECK(folder.count() == 1);
  CHECK(coca::unpacked_beginning(path, 5) == std::string(5, '\0'));
}
