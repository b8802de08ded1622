#include "coca/io/growing_lines.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using coca::GrowingLines;

namespace growing_lines_test {
using namespace coca_test;

TEST_CASE("a file of lines grows, and loses a line that was cut off") {
  const TemporaryFolder folder;
  const std::string path = folder.path("lines.txt");
  {
    GrowingLines lines(path);
    CHECK(lines.lines().empty());
    lines.add("one");
    lines.add("");
    CHECK(read_all(path) == "one\n\n");
    CHECK(lines.lines().empty());  // those that were there
    CHECK(message_of([&] { GrowingLines other(path); }) ==
          path + ": another program is writing to this file");
  }
  folder.write("lines.txt", "one\n\nthre");
  {
    GrowingLines lines(path);
    CHECK(lines.lines() == std::vector<std::string>{"one", ""});
    CHECK(read_all(path) == "one\n\n");
    lines.add("four");
  }
  CHECK(GrowingLines(path).lines() == std::vector<std::string>{"one", "", "four"});
  folder.write("lines.txt", "no line break");
  CHECK(GrowingLines(path).lines().empty());
  CHECK(read_all(path).empty());
  CHECK(message_of([] { GrowingLines lines("/no/such/file"); }) ==
        "/no/such/file: cannot be read and written: No such file or directory");
}

}  // namespace growing_lines_test
