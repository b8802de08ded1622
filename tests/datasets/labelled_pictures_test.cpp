#include "coca/data/labelled_pictures.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "small_datasets.hpp"
#include "tar_bytes.hpp"

using namespace coca;

namespace labelled_pictures_test {
using coca_test::contains;
using coca_test::message_of;
using coca_test::tar_of;
using coca_test::TemporaryFolder;
using Texts = std::vector<std::string>;
using Classes = std::vector<std::vector<std::size_t>>;

namespace {

/// A folder with empty pictures, which are only listed here.
void add_picture(const TemporaryFolder& folder, const std::string& path) {
  std::filesystem::create_directories(std::filesystem::path(folder.path(path)).parent_path());
  folder.write(path, "x");
}

/// A .npy file of labels.
std::string npy_of(const std::string& type, const std::string& shape, const std::string& data) {
  const std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + data;
}

/// CLIP_benchmark's layout with a shard.
void write_shards(const TemporaryFolder& folder,
                  const std::vector<std::pair<std::string, std::string>>& members,
                  const std::string& type = "") {
  std::filesystem::create_directories(folder.path("test"));
  folder.write("test/nshards.txt", "1\n");
  folder.write("test/0.tar", tar_of(members));
  folder.write("classnames.txt", "cat\ndog\ncow\n");
  if (!type.empty()) folder.write("dataset_type.txt", type);
}

}  // namespace

TEST_CASE("A picture of a shard without a label is named, and the others are read") {
  const TemporaryFolder folder;
  write_shards(folder, {{"a.png", "x"}, {"a.cls", "2"}, {"b.png", "x"}, {"b.txt", "a text"}});
  const LabelledPictures pictures = read_labelled_pictures({.data = folder.path()});
  CHECK(pictures.classes == Classes{{2}});
  REQUIRE(pictures.broken.size() == 1);
  CHECK(contains(pictures.broken[0], "has no label"));
  const TemporaryFolder several;
  write_shards(several,
               {{"a.png", "x"},
                {"a.npy", npy_of("|b1", "(3,)", std::string("\1\0\1", 3))},
                {"b.png", "x"},
                {"b.cls", "0"}},
               "multilabel");
  const LabelledPictures both = read_labelled_pictures({.data = several.path()});
  CHECK(both.classes == Classes{{0, 2}});
  REQUIRE(both.broken.size() == 1);
  CHECK(contains(both.broken[0], "has no .npy member with its classes"));
}

TEST_CASE("Metadata of a shard without a caption does not hide its labels") {
  const TemporaryFolder folder;
  write_shards(folder, {{"a.png", "x"}, {"a.cls", "1"}, {"a.json", "{\"width\": 8}"}});
  CHECK(read_labelled_pictures({.data = folder.path()}).classes == Classes{{1}});
  const std::string names = folder.path("classnames.txt");
  CHECK(read_labelled_pictures({.data = folder.path("test/0.tar"), .names = names}).classes ==
        Classes{{1}});
}

TEST_CASE("Labels of IDX files are numbers of classes") {
  const TemporaryFolder folder;
  const std::string begin("\0\0\x08", 3);
  const std::string two("\0\0\0\x02", 4), one("\0\0\0\x01", 4);
  const std::string images =
      folder.write("images-idx3-ubyte", begin + "\x03" + two + one + one + "ab");
  const std::string names = folder.write("names.txt", "cat\ndog\ncow\n");
  CHECK(contains(message_of([&] { read_labelled_pictures({.data = images, .names = names}); }),
                 images + ":0: has no label"));
  folder.write("labels-idx1-ubyte", begin + "\x01" + two + std::string("\x02\0", 2));
  const LabelledPictures pictures = read_labelled_pictures({.data = images, .names = names});
  CHECK(pictures.names == Texts{"cat", "dog", "cow"});
  CHECK(pictures.classes == Classes{{2}, {0}});
  CHECK(
      contains(message_of([&] { read_labelled_pictures({.data = images}); }), "names of classes"));
}

TEST_CASE("Folders are classes by their order") {
  const TemporaryFolder folder;
  for (const char* path : {"data/b_c/1.png", "data/a/2.png", "data/b_c/0.png"})
    add_picture(folder, path);
  const LabelledPictures own = read_labelled_pictures({.data = folder.path("data")});
  CHECK(own.names == Texts{"a", "b c"});
  CHECK(own.classes == Classes{{0}, {1}, {1}});
  CHECK(own.records == std::vector<std::size_t>{0, 1, 2});
  CHECK_FALSE(own.several_classes);
  const std::string names = folder.write("names.txt", "cat\ncat\n");
  const LabelledPictures named =
      read_labelled_pictures({.data = folder.path("data"), .names = names});
  CHECK(named.names == Texts{"cat", "cat"});
  CHECK(named.classes == Classes{{0}, {1}, {1}});
}

TEST_CASE("Folders are numbers of classes (ImageNet-V2)") {
  const TemporaryFolder folder;
  for (const char* path : {"data/10/a.png", "data/2/b.png", "data/0/c.png"})
    add_picture(folder, path);
  std::string eleven;
  for (int i = 0; i <= 10; ++i) eleven += "class " + std::to_string(i) + "\n";
  LabelledSource source{.data = folder.path("data"), .labels = "number"};
  CHECK(contains(message_of([&] { read_labelled_pictures(source); }), "has no names of classes"));
  source.names = folder.write("names.txt", eleven);
  const LabelledPictures pictures = read_labelled_pictures(source);
  CHECK(pictures.names.size() == 11);
  CHECK(pictures.classes == Classes{{0}, {10}, {2}});  // folders 0, 10, 2
  add_picture(folder, "data/cat/d.png");
  CHECK(contains(message_of([&] { read_labelled_pictures(source); }),
                 "its folder \"cat\" is not the number of a class"));
}

TEST_CASE("Folders that a CSV does not list are skipped and counted (ObjectNet)") {
  const TemporaryFolder folder;
  for (const char* path : {"data/alarm_clock/1.png", "data/zebra_crossing/1.png",
                           "data/zebra_crossing/2.png", "data/backpack/1.png"})
    add_picture(folder, path);
  const LabelledPictures pictures = read_labelled_pictures(
      {.data = folder.path("data"), .labels = COCA_TEST_DATA "/evaluation/imagenet/objectnet.csv"});
  CHECK(pictures.names.size() == 113);
  CHECK(pictures.classes == Classes{{0}, {1}});
  CHECK(pictures.skipped == std::map<std::string, std::size_t>{{"zebra_crossing", 2}});
}

TEST_CASE("Pictures of classes that do not compete are skipped") {
  const TemporaryFolder folder;
  for (const char* path : {"data/n01440764/1.png", "data/n01498041/1.png", "data/n01531178/1.png"})
    add_picture(folder, path);
  const std::string imagenet = COCA_TEST_DATA "/evaluation/imagenet/";
  const LabelledPictures pictures =
      read_labelled_pictures({.data = folder.path("data"),
                              .names = imagenet + "imagenet1k.csv",
                              .classes = imagenet + "imagenet_a.txt"});
  CHECK(pictures.names.size() == 200);
  CHECK(pictures.classes == Classes{{0}, {1}});
  CHECK(pictures.skipped.at("n01440764") == 1);
}

TEST_CASE("Shards in CLIP_benchmark's layout have classes by number") {
  const TemporaryFolder folder;
  write_shards(folder, {{"s0.png", "x"}, {"s0.cls", "2"}, {"s1.webp", "x"}, {"s1.cls", "0\n"}});
  const LabelledPictures pictures = read_labelled_pictures({.data = folder.path("")});
  CHECK(pictures.names == Texts{"cat", "dog", "cow"});
  CHECK(pictures.classes == Classes{{2}, {0}});
  const std::string subset = folder.write("subset.txt", "1\n2\n");
  const LabelledPictures some =
      read_labelled_pictures({.data = folder.path(""), .classes = subset});
  CHECK(some.names == Texts{"dog", "cow"});
  CHECK(some.classes == Classes{{1}});
  CHECK(some.skipped.at("0") == 1);
}

TEST_CASE("Shards of several labels have an array for each picture") {
  const TemporaryFolder folder;
  write_shards(
      folder,
      {{"s0.png", "x"},
       {"s0.npy", npy_of("|u1", "(3,)", std::string("\1\0\1", 3))},
       {"s1.png", "x"},
       {"s1.npy", npy_of("<f4", "(3,)", std::string(12, '\0'))},
       {"s2.png", "x"},
       {"s2.npy", npy_of("<i8", "(3,)", std::string(8, '\0') + "\1" + std::string(15, '\0'))}},
      "Multilabel\n");
  const LabelledPictures pictures = read_labelled_pictures({.data = folder.path("")});
  CHECK(pictures.several_classes);
  CHECK(pictures.classes == Classes{{0, 2}, {}, {1}});
}

TEST_CASE("Broken labels of shards are counted, those of no class refused") {
  const TemporaryFolder folder;
  write_shards(folder,
               {{"s0.png", "x"},
                {"s0.npy", npy_of("<f4", "(1, 3)", std::string(12, '\0'))},
                {"s1.png", "x"},
                {"s1.npy", "not numpy"},
                {"s2.png", "x"},
                {"s2.npy", npy_of("|b1", "(1,)", "\1")}},
               "multilabel");
  const LabelledPictures pictures = read_labelled_pictures({.data = folder.path("")});
  REQUIRE(pictures.broken.size() == 2);
  CHECK(contains(pictures.broken[0], "expected an array with a number for each class"));
  CHECK(contains(pictures.broken[1], "is not a .npy file"));
  CHECK(pictures.classes == Classes{{0}});
  const TemporaryFolder other;
  write_shards(other, {{"s0.png", "x"}, {"s0.cls", "3"}});
  CHECK(contains(message_of([&] { read_labelled_pictures({.data = other.path("")}); }),
                 "is of class 3, but " + other.path("")));
  write_shards(other, {{"s0.png", "x"}, {"s0.txt", "a cat"}}, "retrieval");
  CHECK(contains(message_of([&] { read_labelled_pictures({.data = other.path("")}); }),
                 "its dataset_type.txt says retrieval"));
  for (const char* count : {"0", "x", "-1", "99999999999999999999", ""}) {
    other.write("test/nshards.txt", std::string(count) + "\n");
    CHECK(contains(message_of([&] { read_labelled_pictures({.data = other.path("")}); }),
                   "expected the number of shards"));
  }
}

TEST_CASE("Tables label pictures by name, folder or number, several labels in several rows") {
  const TemporaryFolder folder;
  const std::string names = folder.write("names.csv", "folder,name\nn1,cat\nn2,dog\n");
  const std::string data = folder.write("data.csv", "image,label\na.png,dog\nb.png,n1\nc.png,1\n");
  const LabelledPictures pictures = read_labelled_pictures({.data = data, .names = names});
  CHECK(pictures.classes == Classes{{1}, {0}, {1}});
  CHECK_FALSE(pictures.several_classes);
  folder.write("data.csv", "image,label\na.png,dog\na.png,cat\nb.png,cat\n");
  const LabelledPictures several = read_labelled_pictures({.data = data, .names = names});
  CHECK(several.several_classes);
  CHECK(several.classes == Classes{{0, 1}, {0}});
  LabelledSource keyed{.data = data, .names = names};
  folder.write("data.csv", "image,kind,label\na.png,cat,cow\n");
  keyed.table.caption_key = "kind";
  CHECK(read_labelled_pictures(keyed).classes == Classes{{0}});
  CHECK(contains(message_of([&] { read_labelled_pictures({.data = data, .names = names}); }),
                 "its label \"cow\" is not in " + names));
}

TEST_CASE("Data without any picture of a candidate is refused") {
  const TemporaryFolder folder;
  add_picture(folder, "data/x/1.png");
  CHECK(contains(message_of([&] {
                   read_labelled_pictures(
                       {.data = folder.path("data"),
                        .labels = COCA_TEST_DATA "/evaluation/imagenet/objectnet.csv"});
                 }),
                 "no picture is of a class that competes"));
  const std::string names = folder.write("names.txt", "cat\ndog\n");
  CHECK(contains(
      message_of([&] { read_labelled_pictures({.data = folder.path("data"), .labels = names}); }),
      "has no column \"folder\""));
}

}  // namespace labelled_pictures_test
