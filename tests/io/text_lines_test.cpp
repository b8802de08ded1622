#include "coca/io/text_lines.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "temporary_folder.hpp"

using namespace coca;

TEST_CASE("Lines end in any way, and a byte order mark is none of their text") {
  const coca_test::TemporaryFolder folder;
  const auto lines = [&](const std::string& text) {
    return read_text_lines(folder.write("lines.txt", text));
  };
  using Lines = std::vector<std::string>;
  CHECK(lines("a\nb\n") == Lines{"a", "b"});
  CHECK(lines("a\r\n\r\nb\rc\r\n") == Lines{"a", "", "b\rc"});
  CHECK(lines("\xEF\xBB\xBF a\xFF \nlast") == Lines{" a\xFF ", "last"});
  CHECK(lines("\n") == Lines{""});
  CHECK(coca_test::message_of([&] { read_text_lines(folder.path("none")); }) ==
        folder.path("none") + ": cannot be opened: No such file or directory");
}
