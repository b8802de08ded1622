#include "coca/io/git_lfs_pointer.hpp"

#include <vector>

#include "catch.hpp"
#include "temporary_folder.hpp"

TEST_CASE("A pointer of Git LFS is known by its first line, whatever follows") {
  CHECK(coca::is_git_lfs_pointer(
      "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"));
  CHECK(coca::is_git_lfs_pointer("version https://hawser.github.com/spec/v1\n"));
  CHECK(coca::is_git_lfs_pointer("version https://git-lfs.github.com/spec/v2\n"));
  CHECK_FALSE(coca::is_git_lfs_pointer(""));
  CHECK_FALSE(coca::is_git_lfs_pointer("version"));
  CHECK_FALSE(coca::is_git_lfs_pointer(" version https://git-lfs.github.com/spec/v1\n"));
  CHECK_FALSE(coca::is_git_lfs_pointer("version 2 of https://git-lfs.github.com/spec/v1\n"));
  CHECK_FALSE(coca::is_git_lfs_pointer("a photo of https://git-lfs.github.com/spec/v1\n"));
}

TEST_CASE("A pointer of Git LFS is refused in one sentence, other bytes are not") {
  const std::string text = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n";
  const std::string sentence =
      "labels.txt: is a pointer of Git LFS, not the file itself; fetch it with git lfs pull";
  using coca_test::message_of;
  CHECK(message_of([&] { coca::refuse_git_lfs_pointer("labels.txt", text); }) == sentence);
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  CHECK(message_of([&] { coca::refuse_git_lfs_pointer("labels.txt", bytes); }) == sentence);
  const auto view = std::as_bytes(std::span(bytes));
  CHECK(message_of([&] { coca::refuse_git_lfs_pointer("labels.txt", view); }) == sentence);
  CHECK_NOTHROW(coca::refuse_git_lfs_pointer("labels.txt", view.subspan(1)));
  CHECK_NOTHROW(coca::refuse_git_lfs_pointer("labels.txt", "a dog\na cat\n"));
}
