#include "coca/data/caption_folder.hpp"

#include <filesystem>

#include "catch.hpp"
#include "small_datasets.hpp"

using coca::CaptionFolder;
using coca_test::contains;
using coca_test::datasets_folder;
using coca_test::message_of;
using coca_test::TemporaryFolder;
using Texts = std::vector<std::string>;

namespace {

/// Writes files, and the folders that they are in.
void fill(const TemporaryFolder& folder,
          const std::vector<std::pair<std::string, std::string>>& files) {
  for (const auto& [name, content] : files) {
    std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
    folder.write(name, content);
  }
}

}  // namespace

TEST_CASE("Pictures have the captions next to them, in folders and subfolders") {
  const CaptionFolder classes(datasets_folder + "kinds/sidecar_classes");
  REQUIRE(classes.size() == 6);
  CHECK(classes.record(0).name == datasets_folder + "kinds/sidecar_classes/10_house/barn.jpg");
  CHECK(classes.record(0).captions == Texts{"a barn"});
  CHECK(classes.record(0).fields.at("label") == "10 house");
  CHECK(coca::read_image(classes.read(0), "barn").width() > 0);
  CHECK(classes.notes().empty());
  const CaptionFolder flat(datasets_folder + "kinds/sidecar_classes/10_house");
  CHECK(flat.size() == 6);
  CHECK(flat.record(5).captions == Texts{"a villa"});
  CHECK(flat.record(5).fields.empty());
}

TEST_CASE("The .txt comes before the .caption and the .json") {
  const TemporaryFolder folder;
  fill(folder, {{"a.jpg", "x"},
                {"a.txt", "\xEF\xBB\xBF text \n"},
                {"a.caption", "other"},
                {"a.json", R"({"caption": "json", "source": "web"})"},
                {"b.PNG", "x"},
                {"b.caption", "caption"},
                {"c/d.e.webp", "x"},
                {"c/d.e.json", R"({"captions": ["one", "two"], "source": 5, "x": NaN})"},
                {"c/f.jpeg", "x"},
                {"c/f.txt", " \n"},
                {"bare.jpg", "x"},
                {"c/bare.jpg", "x"},
                {"lonely.txt", "x"},
                {".hidden.jpg", "x"}});
  std::filesystem::create_directory_symlink(folder.path(), folder.path("c/loop"));
  const CaptionFolder captions(folder.path());
  REQUIRE(captions.size() == 4);
  CHECK(captions.record(0).captions == Texts{"text"});
  CHECK(captions.record(1).captions == Texts{"caption"});
  CHECK(captions.record(2).captions == Texts{"one", "two"});
  CHECK(captions.record(3).captions.empty());
  CHECK(captions.notes() == Texts{folder.path("bare.jpg") +
                                  " and 1 more have no caption next to them and are left out"});
  CHECK(message_of([&] { captions.record(4); }) == "record 4 was requested from a data set of 4");

  const CaptionFolder fields(folder.path(), {.field_keys = {"source"}});
  CHECK(fields.record(0).captions == Texts{"text"});
  CHECK(fields.record(0).fields.at("source") == "web");
  CHECK(fields.record(2).fields.at("source") == "5");
  CHECK(message_of([&] { fields.record(1); }) ==
        folder.path("b.PNG") + ": no .json next to it has the key \"source\"");
}

TEST_CASE("An error in the text next to a picture affects only that picture") {
  const TemporaryFolder folder;
  fill(folder, {{"a.jpg", "x"},
                {"a.txt", "\xFF"},
                {"b.jpg", "x"},
                {"b.json", "{\"caption\": 5}"},
                {"c.jpg", "x"},
                {"c.json", "{\"capt"},
                {"d.jpg", "x"},
                {"d.json", "{\"say\": \"it\"}"},
                {"e.jpg", "x"},
                {"e.txt", "version https://git-lfs.github.com/spec/v1\n"}});
  const CaptionFolder captions(folder.path());
  const auto problem = [&](std::size_t i) { return message_of([&] { captions.record(i); }); };
  CHECK(problem(0) == folder.path("a.txt") + ": the text is not UTF-8");
  CHECK(problem(1) ==
        folder.path("b.json") + ": line 1: the caption is neither a text nor a list of texts");
  CHECK(contains(problem(2), folder.path("c.json") + ": line 1, column "));
  CHECK(contains(problem(3), "no caption: expected the key \"title\""));
  CHECK(contains(problem(4), "is a pointer of Git LFS"));
  CHECK(CaptionFolder(folder.path(), {.caption_key = "say"}).record(3).captions == Texts{"it"});
}

TEST_CASE("A folder without captions next to its pictures is refused") {
  const TemporaryFolder folder;
  fill(folder, {{"a.jpg", "x"}});
  CHECK(message_of([&] { CaptionFolder captions(folder.path()); }) ==
        folder.path() +
            ": holds no picture with a caption next to it: expected x.txt, x.caption or x.json "
            "next to x.jpg");
  CHECK(message_of([&] { CaptionFolder captions(folder.path("no")); }) ==
        folder.path("no") + ": cannot be listed: No such file or directory");
}

TEST_CASE("A folder is scanned once") {
  const TemporaryFolder folder;
  fill(folder, {{"a.jpg", ""},
                {"metadata.csv", ""},
                {"x/b.jpg", ""},
                {"x/b.json", ""},
                {"x/metadata.csv", ""},
                {"x/metadata.jsonl", ""}});
  const coca::FolderContents contents = coca::look_through(folder.path());
  CHECK(contents.pictures.size() == 2);
  CHECK(contents.described() == 1);
  CHECK(contents.has_folders);
  CHECK(contents.lists == Texts{"metadata.csv", "x/metadata.jsonl"});
}
