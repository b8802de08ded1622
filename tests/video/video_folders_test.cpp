#include "coca/video/video_folders.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca_test;

TEST_CASE("Folders of classes hold files and folders of frames", "[video]") {
  const TemporaryFolder folder;
  for (const char* name : {"wave", "jump", "jump/clip_b", "jump/notes"})
    std::filesystem::create_directory(folder.path(name));
  for (const char* name : {"wave/2.webm", "wave/1.mp4", "wave/readme.txt", "jump/clip_b/1.png",
                           "jump/a.gif", "jump/notes/x.txt", "jump/.hidden.mp4", "list.txt"})
    folder.write(name, "");
  const auto folders = coca::list_video_folders(folder.path());
  CHECK(folders.classes == std::vector<std::string>{"jump", "wave"});
  REQUIRE(folders.videos.size() == 4);
  const std::vector<std::string> files{"jump/a.gif", "jump/clip_b", "wave/1.mp4", "wave/2.webm"};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(folders.videos[i].file == files[i]);
    CHECK(folders.videos[i].label == i / 2);
  }
  std::filesystem::create_directory(folder.path("run"));
  CHECK(message_of([&] { coca::list_video_folders(folder.path()); }) ==
        folder.path("run") +
            ": the class has no videos, expected files such as .mp4, or folders of frames");
  CHECK(message_of([&] { coca::list_video_folders(folder.path("run")); }) ==
        folder.path("run") + ": holds no folders of classes");
}

TEST_CASE("The first file that is there is found", "[video]") {
  const TemporaryFolder folder;
  folder.write("b.mp4", "");
  CHECK(coca::find_video(folder.path(), {"a.mp4", "b.mp4"}) == folder.path("b.mp4"));
  CHECK(coca::find_video(folder.path(), {"a.mp4"}) == "");
}
