#include "coca/evaluation/vqa_answers.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace vqa_answers_test {

TEST_CASE("Answers become targets by how many people gave them", "[vqa]") {
  const VqaAnswers answers({"yes", "no", "2"});
  CHECK(answers.size() == 3);
  // Ten annotators: one alone has 0.3, four or more have 1.
  const auto targets =
      answers.targets({"Yes", "yes.", "yes", "yes", "two", "blue", "blue", "blue", "blue", "blue"});
  REQUIRE(targets.size() == 2);
  CHECK(targets.at(0) == Approx(1));
  CHECK(targets.at(2) == Approx(0.3));
  CHECK(answers.targets({"blue", "green"}).empty());
  CHECK(answers.targets({}).empty());
}

TEST_CASE("A list of answers is read from a file", "[vqa]") {
  const coca_test::TemporaryFolder folder;
  CHECK(read_vqa_answers(folder.write("a.txt", "\xEF\xBB\xBFyes\r\nno\non the table")).names() ==
        std::vector<std::string>{"yes", "no", "on the table"});
  const auto refusal = [&](const std::string& text) {
    const std::string path = folder.write("b.txt", text);
    return coca_test::message_of([&] { read_vqa_answers(path); }).substr(path.size());
  };
  CHECK(refusal("") == ": is empty");
  CHECK(refusal("yes\n") == ": has 1 line, expected at least two answers, one per line");
  CHECK(refusal("yes\n\nno\n") == ": answer 2 of the list is empty");
  CHECK(refusal("yes\nno\nyes\n") == ": answer 3 of the list is there twice: \"yes\"");
  CHECK(refusal("yes\nn\xffo\n") == ": is not UTF-8 text");
  CHECK_THROWS_WITH(VqaAnswers({"a\nb", "c"}), "answer 1 of the list has several lines");
}

}  // namespace vqa_answers_test
