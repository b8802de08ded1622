#include "coca/data/tar_file.hpp"

#include <string>

#include "catch.hpp"
#include "coca/image/read_image.hpp"
#include "small_datasets.hpp"
#include "tar_bytes.hpp"

using coca::TarFile;
using coca::TarMember;
using coca_test::contains;
using coca_test::datasets_folder;
using coca_test::message_of;
using coca_test::TemporaryFolder;

namespace {

std::string text_of(const TarFile& file, const TarMember& member) {
  const auto bytes = file.read(member.offset);
  return {bytes.begin(), bytes.end()};
}

/// What a changed copy of a shard is refused with.
std::string refusal(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = folder.write("x.tar", bytes);
  const std::string message = message_of([&] {
    const TarFile file(path);
    for (const TarMember& member : file.members()) file.read(member.offset);
  });
  return message.starts_with(path + ": ") ? message.substr(path.size() + 2) : message;
}

}  // namespace

TEST_CASE("Members of archives by Python and by GNU tar are found and read in any order") {
  const TarFile pax(datasets_folder + "shard-000.tar");
  const std::vector<TarMember> members = pax.members();
  REQUIRE(members.size() == 7);
  CHECK(members[0].name == "000000.jpg");
  CHECK(members[1].name == "000000.txt");
  CHECK(members[1].size == 14);
  CHECK(text_of(pax, members[6]) == "7");
  CHECK(text_of(pax, members[1]) == "a red picture\n");
  CHECK(coca::read_image(pax.read(members[3].offset), "png").width() == 12);

  const TarFile gnu(datasets_folder + "shard-002.tar");
  REQUIRE(gnu.members().size() == 4);  // without the folder
  CHECK(gnu.members()[1].name == "./gray.txt");
  CHECK(text_of(gnu, gnu.members()[1]) == "a gray picture");
}

TEST_CASE("Long names are whole, and their members are found") {
  const TarFile file(datasets_folder + "shard-001.tar");
  const std::vector<TarMember> members = file.members();
  CHECK(members[1].name.size() == 9 + 3 * 71 + 4);
  CHECK(members[1].name.ends_with(".txt"));
  CHECK(text_of(file, members[1]) == "schw\u00e4rzlich");
}

TEST_CASE("Truncated archives are refused wherever they end") {
  const std::string whole = coca_test::read_all(datasets_folder + "shard-000.tar");
  const auto cut = [&](std::size_t size) { return refusal(whole.substr(0, size)); };
  CHECK(refusal(whole) == "no error");
  CHECK(contains(cut(700), "the member \"000000.jpg\" claims "));
  CHECK(contains(cut(700), " left: it is truncated or damaged"));
  CHECK(contains(cut(100), "the tar archive is damaged: "));
  CHECK(contains(cut(512 + 1024 + 200), "the tar archive is damaged: "));
}

TEST_CASE("A member that claims more than exists is refused before memory is allocated") {
  std::string bytes = coca_test::read_all(datasets_folder + "shard-000.tar");
  bytes.replace(124, 11, "77777777777");  // octal size: 8 GiB
  CHECK(contains(refusal(bytes), "damaged"));
  coca_test::set_tar_checksum(bytes);
  CHECK(contains(refusal(bytes),
                 "the member \"000000.jpg\" claims 8589934591 bytes, the archive has"));
}

TEST_CASE("Anything but a tar file is refused") {
  CHECK(contains(refusal("\x1F\x8B\x08 and so on"), "the compressed data is damaged: "));
  CHECK(contains(refusal(std::string(2000, 'x')), "the tar archive is damaged: "));
  CHECK(refusal("") == "is empty");
  const std::string missing = TemporaryFolder().path("no.tar");
  CHECK(message_of([&] { TarFile file(missing); }) ==
        missing + ": cannot be opened: No such file or directory");
}

TEST_CASE("An offset at which no member begins is refused") {
  const TarFile file(datasets_folder + "shard-000.tar");
  CHECK(message_of([&] { file.read(100); }) != "no error");
  CHECK(contains(message_of([&] { file.read(std::uint64_t{1} << 40); }), "shard-000.tar: "));
  CHECK(TarFile(datasets_folder + "shard-000.tar").path() == datasets_folder + "shard-000.tar");
}

TEST_CASE("Compressed archives are read as plain ones, in any order") {
  const std::string ending = GENERATE("gz", "bz2", "xz", "zst", "lz4");
  CAPTURE(ending);
  const TarFile plain(datasets_folder + "shard-000.tar");
  const TarFile packed(datasets_folder + "kinds/shard-000.tar." + ending);
  CHECK(packed.path() == datasets_folder + "kinds/shard-000.tar." + ending);
  const std::vector<TarMember> members = packed.members();
  REQUIRE(members.size() == 7);
  for (std::size_t i = members.size(); i-- > 0;)
    CHECK(packed.read(members[i].offset) == plain.read(plain.members()[i].offset));
}

TEST_CASE("A tar archive is known by the sum of its header") {
  for (const char* name : {"shard-000.tar", "shard-001.tar", "shard-002.tar"})
    CHECK(coca::begins_as_tar(coca_test::read_all(datasets_folder + name)));
  std::string old = coca_test::tar_of({{"a.txt", "x"}}).substr(0, 512);
  old.replace(257, 8, std::string(8, '\0'));  // of the seventh edition of Unix: no "ustar"
  coca_test::set_tar_checksum(old);
  CHECK(coca::begins_as_tar(old));
  CHECK_FALSE(coca::begins_as_tar(old.substr(0, 511)));
  old[0] = 'b';
  CHECK_FALSE(coca::begins_as_tar(old));
  CHECK_FALSE(coca::begins_as_tar(std::string(512, '\0')));
  CHECK_FALSE(coca::begins_as_tar(std::string(512, ' ')));
  CHECK_FALSE(coca::begins_as_tar(""));
}
