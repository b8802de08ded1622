#include "coca/image/read_image.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "expected.hpp"

namespace {

namespace fs = std::filesystem;

std::string reading_error(const std::string& path) {
  return message_of<coca::FileError>([&] { coca::read_image(path); });
}

/// A picture_folder for the duration of a test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "coca_read_image_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary picture_folder");
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { fs::remove_all(path_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return (path_ / name).string();
  }
  std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

}  // namespace

TEST_CASE("Every test picture is read as Pillow reads it, upright and over white") {
  const ExpectedArrays expected(picture_folder + "expected.safetensors");
  std::size_t pictures = 0;
  for (const auto& entry : fs::directory_iterator(picture_folder)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".safetensors")) continue;
    CAPTURE(name);
    const auto difference =
        compare(coca::read_image(picture_folder + name), expected.image(name + ".read"));
    CHECK(difference.largest <= 1);
    CHECK(difference.equal_fraction >= 0.999);
    ++pictures;
  }
  CHECK(pictures == 31);
}

TEST_CASE("Orientation and transparency can be left unchanged") {
  const coca::Image upright = coca::read_image(picture_folder + "exif5.jpg");
  const coca::Image stored = coca::read_image(picture_folder + "exif5.jpg", {.exif = false});
  CHECK(upright.width() == stored.height());
  CHECK(coca::apply_orientation(stored, 5) == upright);
  const std::string alpha = picture_folder + "lossless_alpha.webp";
  const coca::Image hidden = coca::read_image(alpha, {.alpha = coca::AlphaMode::drop});
  CHECK_FALSE(hidden == coca::read_image(alpha));
}

TEST_CASE("The type is detected from the bytes, not from the name") {
  const TemporaryFolder temporary;
  std::ifstream file(picture_folder + "gray1.png", std::ios::binary);
  const std::string png(std::istreambuf_iterator<char>(file), {});
  const std::string path = temporary.write("wrong_name.jpg", png);
  CHECK(coca::read_image(path) == coca::read_image(picture_folder + "gray1.png"));
}

TEST_CASE("Files that are not pictures are refused in one sentence with their name") {
  const TemporaryFolder temporary;
  const std::string text = temporary.write("text.jpg", "this is no picture at all");
  CHECK(reading_error(text) == text + ": not a picture: expected a JPEG, PNG or WebP file");
  const std::string empty = temporary.write("empty.png", "");
  CHECK(reading_error(empty) == empty + ": the file is empty, expected a picture");
  const std::string missing = temporary.path() + "/missing.png";
  CHECK(reading_error(missing) == missing + ": cannot be opened: No such file or directory");
  CHECK(reading_error(temporary.path()) == temporary.path() + ": a directory, expected a picture");
  CHECK(reading_error("/dev/zero") ==
        "/dev/zero: not a picture: expected a JPEG, PNG or WebP file");
  CHECK(reading_error("/dev/null") == "/dev/null: the file is empty, expected a picture");
  const std::string pointer = temporary.write(
      "pointer.jpg", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3512\n");
  CHECK(reading_error(pointer) ==
        pointer + ": is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
}

TEST_CASE("Pictures are rotated upright wherever the orientation is stored") {
  const std::string folder = COCA_TEST_DATA "/orientation/";
  const coca::Image jpeg = coca::read_image(folder + "upright.jpg");
  for (const std::string name : {"orient_short.jpg", "orient_long.jpg", "orient_xmp.jpg"}) {
    CAPTURE(name);  // re-encoded, so that some pixels differ a little
    const auto difference = compare(coca::read_image(folder + name), jpeg);
    CHECK(difference.largest <= 13);
    CHECK(difference.equal_fraction > 0.5);
    CHECK(coca::read_image(folder + name, {.exif = false}).width() == jpeg.height());
  }
  CHECK(coca::read_image(folder + "orient_raw_profile.png") ==
        coca::read_image(folder + "upright.png"));
}

TEST_CASE("Damaged pictures are counted, each once, and truncated ones are read on request") {
  const std::string folder = COCA_TEST_DATA "/damaged_image/";
  coca::DamagedPictures damaged;
  CHECK(damaged.count() == 0);
  CHECK(damaged.first().empty());
  for (int i = 0; i < 2; ++i) {
    coca::read_image(folder + "no_end.png", {.damaged = &damaged});
    coca::read_image(folder + "progressive.jpg", {.damaged = &damaged});  // is whole
  }
  CHECK(damaged.count() == 1);
  CHECK(damaged.first() == folder + "no_end.png: the file ends too early");
  std::vector<std::uint8_t> cut = file_bytes(folder + "restart.jpg");
  cut.resize(cut.size() / 2);
  CHECK(message_of<coca::FileError>([&] { coca::read_image(cut, "cut", {.damaged = &damaged}); }) ==
        "cut: the JPEG picture cannot be decoded: Premature end of JPEG file");
  CHECK(damaged.count() == 1);
  CHECK(coca::read_image(cut, "cut", {.truncated = true, .damaged = &damaged}).height() == 64);
  CHECK(damaged.count() == 2);
}

TEST_CASE("The pixel limit is the caller's") {
  const std::string path = picture_folder + "gray1.png";
  CHECK(message_of<coca::FileError>([&] { coca::read_image(path, {.max_pixels = 37 * 29 - 1}); }) ==
        path + ": the picture claims 37 x 29 pixels, more than the limit of 1072 pixels");
  CHECK(coca::read_image(path, {.max_pixels = 37 * 29}).width() == 37);
}

TEST_CASE("Pictures in memory are read under the given name") {
  const std::vector<std::uint8_t> bytes = file_bytes(picture_folder + "lossy.webp");
  CHECK(coca::read_image(bytes, "from the camera") ==
        coca::read_image(picture_folder + "lossy.webp"));
  CHECK(message_of<coca::FileError>([&] {
          coca::read_image(std::span(bytes).first(100), "from the camera");
        }).starts_with("from the camera: the WebP picture is truncated"));
}
