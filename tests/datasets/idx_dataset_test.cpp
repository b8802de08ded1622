#include "coca/data/idx_dataset.hpp"

#include "catch.hpp"
#include "coca/image/read_image.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::contains;
using coca_test::message_of;

namespace {

std::string number(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xFF);
  return bytes;
}

std::string idx(std::uint8_t type, const std::vector<std::uint32_t>& extents,
                const std::string& values) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(extents.size())};
  for (const std::uint32_t extent : extents) bytes += number(extent);
  return bytes + values;
}

/// Two pictures of 2 x 3 pixels: 0, 1, ... 11.
std::string two_images() {
  std::string values;
  for (char i = 0; i < 12; ++i) values += i;
  return idx(8, {2, 2, 3}, values);
}

}  // namespace

TEST_CASE("IDX files are gray pictures with labels") {
  const coca_test::TemporaryFolder folder;
  const std::string images = folder.write("t10k-images-idx3-ubyte", two_images());
  folder.write("t10k-labels-idx1-ubyte", idx(8, {2}, std::string{'\x05', '\x09'}));
  REQUIRE(is_idx_images(images));
  const IdxDataset data(images);
  REQUIRE(data.size() == 2);
  CHECK(data.record(0).label == 5);
  CHECK(data.record(1).label == 9);
  CHECK(data.record(1).name == images + ":1");
  CHECK_THROWS_AS(data.record(2), ArgumentError);
  CHECK_THROWS_AS(data.read(2), ArgumentError);
  try {
    const Image image = read_image(data.read(1), "x");
    CHECK(image.width() == 3);
    CHECK(image.height() == 2);
    CHECK(image.at(0, 0) == Rgb{6, 6, 6});
    CHECK(image.at(2, 1) == Rgb{11, 11, 11});
  } catch (const UnavailableError&) {  // no libpng
  }
}

TEST_CASE("IDX files without labels have none, and labels must be as many") {
  const coca_test::TemporaryFolder folder;
  CHECK_FALSE(IdxDataset(folder.write("pictures", two_images())).record(0).label);
  const std::string images = folder.write("a-images-idx3-ubyte", two_images());
  CHECK_FALSE(IdxDataset(images).record(0).label);
  const std::string labels = folder.write("a-labels-idx1-ubyte", idx(8, {1}, "\x01"));
  CHECK(message_of([&] { IdxDataset{images}; }) == labels + ": holds 1 label for 2 pictures");
}

TEST_CASE("anything but a complete IDX file is refused in one sentence") {
  const coca_test::TemporaryFolder folder;
  const auto refusal = [&](const std::string& bytes) {
    const std::string path = folder.write("x", bytes);
    const std::string message = message_of([&] { IdxDataset{path}; });
    CHECK(message.starts_with(path + ": "));
    return message;
  };
  const std::string good = two_images();
  CHECK(contains(refusal(""), "is no IDX file of bytes with 3 extents"));
  CHECK(contains(refusal("PNG and more than sixteen bytes"), "is no IDX file"));
  CHECK(contains(refusal(idx(13, {2, 2, 3}, good)), "is no IDX file"));  // of floats
  CHECK(contains(refusal(idx(8, {12}, std::string(12, 'x'))), "with 3 extents"));
  CHECK(contains(refusal(good.substr(0, good.size() - 1)), "holds 11 values, its extents say 12"));
  CHECK(contains(refusal(good + "x"), "holds 13 values, its extents say 12"));
  CHECK(contains(refusal(idx(8, {0, 2, 3}, "")), "extent 0 is 0"));
  CHECK(contains(refusal(idx(8, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "")),
                 "extent 0 is 4294967295, more than the file holds"));
  CHECK(contains(refusal(idx(8, {0x10000, 0x10000, 3}, "")), "extent 1 is 65536"));
  CHECK(contains(message_of([] { IdxDataset{"/nowhere/images-idx3-ubyte"}; }), "/nowhere/"));
  CHECK_FALSE(is_idx_images(folder.write("y.csv", "image,text\n")));
  CHECK_FALSE(is_idx_images("/nowhere/at/all"));
  CHECK_FALSE(is_idx_images(folder.path("")));
}
