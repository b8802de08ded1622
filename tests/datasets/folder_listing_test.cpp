#include "coca/data/folder_listing.hpp"

#include <filesystem>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca::detail;

TEST_CASE("A folder's names are sorted, without those that begin with a dot") {
  const coca_test::TemporaryFolder folder;
  for (const char* name : {"b", "a", ".c"}) folder.write(name, "");
  std::filesystem::create_directory(folder.path("d"));
  using Names = std::vector<std::string>;
  CHECK(list_folder(folder.path(), [](const auto&) { return true; }) == Names{"a", "b", "d"});
  CHECK(list_folder(folder.path(), [](const auto& e) { return e.is_directory(); }) == Names{"d"});
  CHECK(coca_test::message_of([&] {
          list_folder(folder.path("no"), [](const auto&) { return true; });
        }) == folder.path("no") + ": cannot be listed: No such file or directory");
  CHECK(is_real_folder(folder.path("d")));
  std::filesystem::create_directory_symlink(folder.path("d"), folder.path("e"));
  CHECK_FALSE(is_real_folder(folder.path("e")));
  CHECK_FALSE(is_real_folder(folder.path("a")));
}

TEST_CASE("Pictures are recognised by extension") {
  for (const char* name : {"a.jpg", "a.JPEG", "a.png", "x/a.b.WebP"})
    CHECK(has_image_extension(name));
  for (const char* name : {"a.txt", "jpg", ".png", "a.jpg.txt"})
    CHECK_FALSE(has_image_extension(name));
}
