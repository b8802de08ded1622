#include "coca/data/open_data.hpp"

#include <filesystem>

#include "catch.hpp"
#include "small_datasets.hpp"
#include "tar_bytes.hpp"

using coca::AnyDataset;
using coca::FolderReading;
using coca::open_data;
using coca_test::contains;
using coca_test::datasets_folder;
using coca_test::message_of;
using coca_test::TemporaryFolder;
using Texts = std::vector<std::string>;

namespace open_data_test {

namespace {

void fill(const TemporaryFolder& folder, const Texts& files, const std::string& content = "x") {
  for (const std::string& name : files) {
    std::filesystem::create_directories(std::filesystem::path(folder.path(name)).parent_path());
    folder.write(name, content);
  }
}

AnyDataset open_as(const std::string& path, FolderReading reading) {
  return open_data(path, {.folders = reading});
}

}  // namespace

TEST_CASE("The content of a file says what it is, whatever its name") {
  const TemporaryFolder folder;
  const std::string shard = coca_test::read_all(datasets_folder + "shard-000.tar");
  CHECK(open_data(folder.write("shard.csv", shard)).size() == 3);
  CHECK(open_data(folder.write("shard", shard)).record(0).captions == Texts{"a red picture"});
  for (const char* ending : {"gz", "bz2", "xz", "zst", "lz4"}) {
    CAPTURE(ending);
    const std::string packed =
        coca_test::read_all(datasets_folder + "kinds/shard-000.tar." + ending);
    CHECK(open_data(folder.write("x.jsonl", packed)).size() == 3);
    CHECK(open_data(datasets_folder + "kinds/captions.csv." + ending).size() == 6);
  }
  CHECK(open_data(folder.write("x.tar", "image,text\na,b\n")).record(0).name == "a");
  CHECK(open_data(folder.write("y.tar", "{\"image\": \"a\", \"text\": \"b\"}")).size() == 1);
  CHECK(open_data(datasets_folder + "kinds/coco_captions.json").size() == 6);
  CHECK(open_data(datasets_folder + "kinds/karpathy.json", {.captions = {.splits = {"val"}}})
            .size() == 1);
}

TEST_CASE("Patterns are shards or caption files, depending on the files") {
  CHECK(open_data(datasets_folder + "shard-{000..002}.tar").size() == 7);
  CHECK(open_data(datasets_folder + "shard-000.tar::" + datasets_folder + "kinds/shard-000.tar.gz")
            .size() == 6);
  CHECK(open_data(datasets_folder + "captions.{csv,tsv}").size() == 12);
  const TemporaryFolder folder;
  const std::string braces = folder.write("a{b,c}.csv", "image,text\na,b\n");
  CHECK(open_data(braces).size() == 1);
  CHECK(message_of([&] { open_data(folder.path("none-{0..4}.tar")); }) ==
        folder.path("none-{0..4}.tar") + ": none of its 5 shards exists");
  CHECK(message_of([&] { open_data(folder.path("no.jsonl")); }) ==
        folder.path("no.jsonl") + ": cannot be opened: No such file or directory");
}

TEST_CASE("Files that are neither are reported") {
  const TemporaryFolder folder;
  const std::string picture = datasets_folder + "pictures/green.jpg";
  CHECK(message_of([&] { open_data(picture); }) ==
        picture +
            ": is neither a tar archive nor a text in UTF-8 (CSV, TSV or JSON), which data can "
            "be read from");
  CHECK(
      contains(message_of([&] { open_data(folder.write("x.tar", std::string(2000, '\0') + "x")); }),
               "x.tar: "));
  for (const char* name : {"x.csv", "x.tar", "x.jsonl"}) {
    const std::string path =
        folder.write(name, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n");
    CHECK(message_of([&] { open_data(path); }) ==
          path + ": is a pointer of Git LFS, not the file itself; fetch it with git lfs pull");
  }
  CHECK(message_of([&] { open_data(folder.write("empty.csv", "")); }) ==
        folder.path("empty.csv") + ": is empty");
}

TEST_CASE("A folder of classes with captions next to their pictures has two readings") {
  const std::string path = datasets_folder + "kinds/sidecar_classes";
  const AnyDataset captions = open_data(path);
  CHECK(captions.record(3).captions == Texts{"a shed"});
  CHECK(captions.notes() ==
        Texts{path +
              ": 6 of its 6 pictures have a text next to them: read as captions, its folders "
              "not as classes (--folders classes reads those)"});
  CHECK(open_as(path, FolderReading::classes).record(3).captions ==
        Texts{"a photo of a 10 house."});
  CHECK(open_as(path, FolderReading::classes).notes().empty());
  CHECK(open_as(path, FolderReading::captions).notes().empty());
  CHECK(open_data(path + "/10_house").record(3).captions == Texts{"a shed"});
  CHECK(open_data(path + "/10_house").notes().empty());
}

TEST_CASE("Few captions do not make a folder of captions if there are classes") {
  const TemporaryFolder folder;
  fill(folder, {"cat/1.jpg", "cat/1.txt", "cat/2.jpg", "dog/3.jpg", "dog/notes.txt"});
  const AnyDataset classes = open_data(folder.path());
  CHECK(classes.size() == 3);
  CHECK(classes.record(2).captions == Texts{"a photo of a dog."});
  CHECK(classes.notes() ==
        Texts{folder.path() + ": 1 of its 3 pictures has a text next to it: read as folders of "
                              "classes, without these (--folders captions reads those)"});
  CHECK(open_as(folder.path(), FolderReading::captions).size() == 1);
  fill(folder, {"cat/2.txt"});
  CHECK(open_data(folder.path()).size() == 2);

  const TemporaryFolder flat;
  fill(flat, {"1.jpg", "1.txt", "2.jpg", "3.jpg"});
  CHECK(open_data(flat.path()).size() == 1);
  CHECK(open_data(flat.path()).notes() ==
        Texts{flat.path("2.jpg") + " and 1 more have no caption next to them and are left out"});
}

TEST_CASE("Class folders without captions are read as classes, without a note") {
  const TemporaryFolder folder;
  fill(folder, {"cat/1.jpg", "dog/2.jpg", "dog/notes.txt"});
  CHECK(open_data(folder.path(), {.templates = {"{}"}}).record(1).captions == Texts{"dog"});
  CHECK(open_data(folder.path()).notes().empty());
  const TemporaryFolder flat;
  fill(flat, {"1.jpg"});
  CHECK(message_of([&] { open_data(flat.path()); }) ==
        flat.path() +
            ": holds pictures, but no captions next to them (x.txt, x.caption or x.json next to "
            "x.jpg) "
            "and no folders of classes");
  CHECK(message_of([&] {
          open_data(TemporaryFolder().path());
        }).ends_with("holds no folders of classes"));
}

TEST_CASE("JSON next to pictures that is about something else is not a caption") {
  const TemporaryFolder folder;
  fill(folder, {"cat/1.jpg", "cat/2.jpg"});
  fill(folder, {"cat/1.json", "cat/2.json"}, R"({"shapes": [{"label": "paw"}]})");
  const AnyDataset classes = open_data(folder.path());
  CHECK(classes.record(0).captions == Texts{"a photo of a cat."});
  CHECK(classes.notes() ==
        Texts{folder.path() +
              ": the .json files next to its pictures have no captions and are not read"});
  CHECK(open_data(folder.path(), {.captions = {.caption_key = "shapes"}}).size() == 2);
  fill(folder, {"cat/2.json"}, R"({"caption": "a cat"})");
  CHECK(contains(message_of([&] { open_data(folder.path()).record(0); }), "no caption"));
  CHECK(open_data(folder.path()).record(1).captions == Texts{"a cat"});
}

TEST_CASE("Hugging Face's list in a folder is read") {
  const TemporaryFolder folder;
  fill(folder, {"cat/1.jpg", "dog/2.jpg"});
  folder.write("metadata.jsonl", "{\"file_name\": \"cat/1.jpg\", \"text\": \"a cat\"}\n");
  const AnyDataset listed = open_data(folder.path());
  REQUIRE(listed.size() == 1);
  CHECK(listed.record(0).captions == Texts{"a cat"});
  CHECK(listed.read(0).size() == 1);
  CHECK(listed.notes() ==
        Texts{folder.path() + ": read by \"metadata.jsonl\", neither by texts next to its pictures "
                              "nor as folders of classes"});
  CHECK(open_as(folder.path(), FolderReading::classes).size() == 2);
  // A list of something else is named, and the folders are classes as before.
  folder.write("metadata.jsonl", "{\"color\": \"red\"}\n");
  CHECK(open_data(folder.path()).size() == 2);
  CHECK(contains(open_data(folder.path()).notes().at(0), "no picture: expected the key"));
  CHECK(
      contains(message_of([&] { open_as(folder.path(), FolderReading::captions); }), "no picture"));
}

TEST_CASE("Where a label is what counts, folders are classes unless files give it") {
  const std::string captioned = datasets_folder + "kinds/sidecar_classes";
  const AnyDataset classes = open_data(captioned, {.captions = {.captions_required = false}});
  CHECK(classes.record(3).label == 0);
  CHECK(classes.notes().empty());

  const TemporaryFolder folder;
  fill(folder, {"cat/1.jpg", "cat/2.jpg"});
  fill(folder, {"cat/1.json", "cat/2.json"}, R"({"kind": "paw"})");
  const AnyDataset files =
      open_data(folder.path(), {.captions = {.captions_required = false, .field_keys = {"kind"}}});
  CHECK(files.record(1).fields.at("kind") == "paw");
  const AnyDataset foreign =
      open_data(folder.path(), {.captions = {.captions_required = false, .field_keys = {"name"}}});
  CHECK(foreign.notes() ==
        Texts{folder.path() +
              ": the .json files next to its pictures have no \"name\" and are not read"});
  folder.write("metadata.csv", "file_name,kind\ncat/1.jpg,ear\n");
  CHECK(open_data(folder.path(), {.captions = {.captions_required = false, .field_keys = {"kind"}}})
            .record(0)
            .fields.at("kind") == "ear");
}

}  // namespace open_data_test
