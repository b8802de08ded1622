#include "coca/pipelines/file_digest.hpp"

#include <set>
#include <string>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

namespace file_digest_test {

TEST_CASE("files of different content have different digests, whatever their names") {
  const coca_test::TemporaryFolder folder;
  const std::string large(200'000, 'a');
  std::string changed = large;
  changed[131'072] = 'b';
  const std::string swapped = std::string(65'536, 'a') + std::string(65'536, 'b');
  const std::string turned = std::string(65'536, 'b') + std::string(65'536, 'a');
  std::set<std::int64_t> digests;
  std::size_t files = 0;
  for (const std::string& content :
       {std::string(), std::string("a"), std::string("a\0", 2), std::string("b"), large, changed,
        large + "a", swapped, turned}) {
    const auto digest = coca::file_digest(folder.write("x" + std::to_string(files++), content));
    REQUIRE(digest);
    CHECK(*digest != 0);
    digests.insert(*digest);
    CHECK(coca::file_digest(folder.write("copy", content)) == digest);
  }
  CHECK(digests.size() == files);
  CHECK_FALSE(coca::file_digest(folder.path("none")));
  CHECK_FALSE(coca::file_digest(folder.path()));
}

}  // namespace file_digest_test
