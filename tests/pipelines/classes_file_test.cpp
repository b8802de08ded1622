#include "coca/pipelines/classes_file.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace classes_file_test {
using coca_test::message_of;

TEST_CASE("the names of classes are the lines of a file") {
  const coca_test::TemporaryFolder folder;
  const std::string path = folder.write("classes.txt", " a cat \n\nno\xFF\nlast");
  CHECK(classes_of_file(path, {ClassifierHead::linear, 4}) ==
        std::vector<std::string>{" a cat ", "", "no\xFF", "last"});
  // Of a file that an editor of another system saved, names ended in a carriage return.
  CHECK(classes_of_file(folder.write("crlf.txt",
                                     "\xEF\xBB\xBF"
                                     "cat\r\ndog\r\n"),
                        {ClassifierHead::linear, 2}) == std::vector<std::string>{"cat", "dog"});
  CHECK(classes_of_file(std::nullopt, {ClassifierHead::linear, 3}) ==
        std::vector<std::string>{"0", "1", "2"});
  CHECK(message_of([&] {
          classes_of_file(path, {ClassifierHead::linear, 3});
        }) == path + ": has 4 names, expected one line for each of the classifier's 3 classes");
  CHECK(message_of([&] {
          classes_of_file(folder.path("none"), {ClassifierHead::linear, 3});
        }) == folder.path("none") + ": cannot be opened: No such file or directory");
}

}  // namespace classes_file_test
