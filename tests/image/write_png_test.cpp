#include "coca/image/write_png.hpp"

#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "catch.hpp"
#include "coca/features.hpp"
#include "coca/image/read_image.hpp"
#include "expected.hpp"

namespace write_png_test {

#if COCA_HAS_PNG

namespace {

namespace fs = std::filesystem;

/// A folder for the duration of a test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "coca_write_png_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { fs::remove_all(path_); }

  std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
  }

 private:
  fs::path path_;
};

/// Files of this process stay below a size; the signal that would end the process is ignored.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

std::string writing_error(const std::string& path) {
  return message_of<coca::FileError>([&] { coca::write_png(path, test_image(99, 88)); });
}

}  // namespace

TEST_CASE("What is written is read back, and replaces the old content") {
  const TemporaryFolder folder;
  coca::write_png(folder / "a.png", test_image(5, 6));
  coca::write_png(folder / "a.png", test_image(50, 60));
  CHECK(coca::read_image(folder / "a.png") == test_image(50, 60));
  CHECK(folder.files() == 1);
}

TEST_CASE("Files that cannot be written are errors and leave nothing behind") {
  const TemporaryFolder folder;
  coca::write_png(folder / "a.png", test_image(5, 6));
  CHECK(writing_error(folder / "a.png/b.png") ==
        (folder / "a.png/b.png") + ": cannot be written: Not a directory");
  CHECK(writing_error(folder / "no/b.png") ==
        (folder / "no/b.png") + ": cannot be written: No such file or directory");
  CHECK(writing_error("/dev/full") == "/dev/full: cannot be written: No space left on device");
  std::string too_large;
  {
    const FileSizeLimit limit(100);
    too_large = writing_error(folder / "a.png");
  }
  CHECK(too_large == (folder / "a.png") + ": cannot be written: File too large");
  CHECK(coca::read_image(folder / "a.png") == test_image(5, 6));
  CHECK(folder.files() == 1);
}

TEST_CASE("An empty picture cannot be written") {
  CHECK(message_of<coca::ArgumentError>([] { coca::write_png("never.png", coca::Image()); }) ==
        "a PNG picture has 1 to 2147483647 pixels per side, got 0 x 0");
}

#endif

}  // namespace write_png_test
