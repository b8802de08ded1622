#include "coca/pipelines/picture_folder.hpp"

#include <filesystem>
#include <map>
#include <string>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;
using coca_test::message_of;
using coca_test::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

using Counts = std::map<std::string, std::size_t>;

const std::string png = "\x89PNG\r\n\x1a\n", jpeg = "\xff\xd8\xff\xe0";

std::string heif(const std::string& brand) { return std::string("\0\0\0\x18", 4) + "ftyp" + brand; }

std::vector<std::string> names_in(const PictureFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : folder.pictures) names.push_back(entry.first);
  return names;
}

}  // namespace

TEST_CASE("pictures are recognised by content if not by name") {
  const TemporaryFolder folder;
  folder.write("a.jfif", jpeg);
  folder.write("b", png);
  folder.write("c.tmp", "RIFF1234WEBPVP8 ");
  folder.write("d.JPG", "whatever, reading says what is wrong");
  folder.write("e.txt", "text");
  folder.write("f.gif", "GIF89a");
  folder.write("g", "GIF87a");
  folder.write("h.heic", heif("heic"));
  folder.write("i.avif", heif("avif"));
  folder.write("j.tif", std::string("II*\0", 4));
  folder.write("k.bmp", "BM");
  folder.write("l.jxl", "\xFF\x0A");
  folder.write("empty", "");
  const PictureFolder found = read_picture_folder(folder.path());
  CHECK(names_in(found) == std::vector<std::string>{"a.jfif", "b", "c.tmp", "d.JPG"});
  CHECK(found.pictures.at("b").size == 8);
  CHECK(found.left_out == Counts{{"files that are no pictures", 2},
                                 {"GIF pictures", 2},
                                 {"HEIF pictures", 1},
                                 {"AVIF pictures", 1},
                                 {"TIFF or raw pictures", 1},
                                 {"BMP pictures", 1},
                                 {"JPEG XL pictures", 1}});
}

TEST_CASE("hidden files, previews of other programs and linked folders are left out and counted") {
  const TemporaryFolder folder;
  for (const char* name : {"@eaDir/x.jpg", "deep/@eaDir", ".thumbnails", "#recycle", "real"})
    fs::create_directories(folder.path(name));
  folder.write("@eaDir/x.jpg/SYNOPHOTO_THUMB_M.jpg", jpeg);
  folder.write("deep/@eaDir/a.jpg", jpeg);
  folder.write(".thumbnails/a.jpg", jpeg);
  folder.write(".hidden.jpg", jpeg);
  folder.write(".coca_index", "our own");
  folder.write("#recycle/a.jpg", jpeg);
  folder.write("real/a.jpg", jpeg);
  fs::create_directory_symlink("real", folder.path("linked"));
  fs::create_directory_symlink(".", folder.path("real/circle"));
  fs::create_symlink("nowhere.jpg", folder.path("b.jpg"));
  fs::create_symlink("real/a.jpg", folder.path("c.jpg"));
  const PictureFolder found = read_picture_folder(folder.path());
  CHECK(names_in(found) == std::vector<std::string>{"c.jpg", "real/a.jpg"});
  CHECK(found.left_out == Counts{{"folders of previews or deleted files", 3},
                                 {"hidden files or folders", 2},
                                 {"linked folders", 2},
                                 {"links that lead nowhere", 1}});
}

TEST_CASE("names are relative to the folder, however its path is written") {
  const TemporaryFolder folder;
  fs::create_directories(folder.path("album/deep"));
  folder.write("album/deep/a.png", png);
  fs::create_directory_symlink("album", folder.path("link"));
  for (const char* way :
       {"album", "album/", "album/.", "album/deep/..", "link", "link/", "./album"})
    CHECK(names_in(read_picture_folder(folder.path(way))) ==
          std::vector<std::string>{"deep/a.png"});
}

TEST_CASE("files that are known to be pictures are not opened") {
  const TemporaryFolder folder;
  folder.write("a", "text");
  const auto known = [](const std::string& name, const FileState& state) {
    return name == "a" && state.size == 4;
  };
  CHECK(names_in(read_picture_folder(folder.path(), known)) == std::vector<std::string>{"a"});
  folder.write("a", "texts");
  CHECK(read_picture_folder(folder.path(), known).pictures.empty());
}

TEST_CASE("a path that is not a folder holds no pictures") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "x");
  for (const std::string& path : {file, folder.path("none")})
    CHECK(message_of([&] { read_picture_folder(path); }) == path + ": is not a folder");
}
