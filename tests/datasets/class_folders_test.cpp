#include "coca/data/class_folders.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "small_datasets.hpp"

using coca::ClassFolders;
using coca_test::message_of;
using coca_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

/// Folders "cat" and "polar_bear" with three pictures, and files that are not pictures.
void fill(const TemporaryFolder& folder) {
  for (const char* name : {"polar_bear/more", "cat", ".git"})
    fs::create_directories(folder.path(name));
  const auto bytes = coca::encode_png(coca::Image(3, 2));
  const std::string png(bytes.begin(), bytes.end());
  for (const char* name : {"cat/b.PNG", "cat/a.png", "polar_bear/more/1.jpeg", ".git/x.png"}) {
    folder.write(name, png);
  }
  folder.write("cat/notes.txt", "");
  folder.write("cat/.hidden.png", "");
  folder.write("readme.txt", "");
}

}  // namespace

TEST_CASE("Folders are classes in alphabetical order") {
  const TemporaryFolder folder;
  fill(folder);
  const ClassFolders dataset(folder.path());
  CHECK(dataset.classes() == std::vector<std::string>{"cat", "polar_bear"});
  REQUIRE(dataset.size() == 3);
  CHECK(dataset.record(0).name == folder.path("cat/a.png"));
  CHECK(dataset.record(1).name == folder.path("cat/b.PNG"));
  CHECK(dataset.record(2).name == folder.path("polar_bear/more/1.jpeg"));
  CHECK(dataset.record(1).label == 0);
  CHECK(dataset.record(2).label == 1);
  CHECK(dataset.record(1).fields.at("label") == "cat");
  CHECK(dataset.record(2).fields.at("label") == "polar bear");
  CHECK(dataset.record(2).captions == std::vector<std::string>{"a photo of a polar bear."});
  CHECK(coca::read_image(dataset.read(2), "x").width() == 3);
  CHECK(message_of([&] { dataset.record(3); }) == "record 3 was requested from a data set of 3");
}

TEST_CASE("Each template is a caption") {
  const TemporaryFolder folder;
  fill(folder);
  const ClassFolders dataset(folder.path(), {.templates = {"{}", "many {}s"}});
  CHECK(dataset.record(0).captions == std::vector<std::string>{"cat", "many cats"});
  CHECK(ClassFolders(folder.path(), {.templates = {}}).record(0).captions.empty());
  CHECK(message_of([&] { ClassFolders(folder.path(), {.templates = {"a cat"}}); }) ==
        "the prompt template \"a cat\" has no {} for the label");
}

TEST_CASE("Folders that are missing or empty are reported") {
  const TemporaryFolder folder;
  CHECK(message_of([&] { ClassFolders dataset(folder.path("no")); }) ==
        folder.path("no") + ": cannot be listed: No such file or directory");
  CHECK(message_of([&] { ClassFolders dataset(folder.path()); }) ==
        folder.path() + ": holds no folders of classes");
  fs::create_directory(folder.path("empty"));
  CHECK(message_of([&] { ClassFolders dataset(folder.path()); }) ==
        folder.path("empty") +
            ": the class has no pictures, expected .jpg, .jpeg, .png or .webp files");
}

TEST_CASE("A cycle of links does not loop forever") {
  const TemporaryFolder folder;
  fill(folder);
  fs::create_directory_symlink(folder.path(), folder.path("cat/loop"));
  CHECK(ClassFolders(folder.path()).size() == 3);
  fs::create_symlink("itself", folder.path("itself"));
  CHECK(ClassFolders(folder.path()).size() == 3);
}
