#include "coca/evaluation/meteor.hpp"

#include <cstdlib>
#include <filesystem>

#include "catch.hpp"
#include "coca/evaluation/caption_scores.hpp"
#include "evaluation/judged_captions.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace {

// A folder with a program called java, first in PATH as long as this object lives.
class FakeJava {
 public:
  explicit FakeJava(const std::string& script) {
    folder_.write("java", "#!/bin/sh\n" + script);
    folder_.write("meteor.jar", "");
    std::filesystem::permissions(folder_.path("java"), std::filesystem::perms::owner_all);
    ::setenv("PATH", (folder_.path() + ":" + before_).c_str(), 1);
  }
  ~FakeJava() { ::setenv("PATH", before_.c_str(), 1); }

  std::string jar() const { return folder_.path("meteor.jar"); }
  std::string log() const { return coca_test::read_all(folder_.path("log")); }
  std::string path() const { return folder_.path(); }

 private:
  coca_test::TemporaryFolder folder_;
  std::string before_ = std::getenv("PATH");
};

const std::vector<JudgedCaption> meteor_captions{{"A cat ||| here.", {"A cat.", "The cat"}},
                                                 {"a dog", {"a dog"}}};

}  // namespace

TEST_CASE("METEOR is asked as pycocoevalcap asks it", "[evaluation]") {
  const FakeJava java(
      "while read -r line; do echo \"$line\" >> \"$(dirname \"$0\")/log\"\n"
      "case $line in SCORE*) echo 1.0 2.0;; EVAL*) echo 0.5; echo 0.25; echo 0.375;; esac; done\n");
  const MeteorScore score = meteor(meteor_captions, java.jar());
  CHECK(score.each == std::vector<double>{0.5, 0.25});
  CHECK(score.total == 0.375);
  CHECK(java.log() ==
        "SCORE ||| a cat ||| the cat ||| a cat | | | here\n"
        "SCORE ||| a dog ||| a dog\n"
        "EVAL ||| 1.0 2.0 ||| 1.0 2.0\n");
}

TEST_CASE("METEOR equals the original program's", "[evaluation]") {
  const char* jar = std::getenv("COCA_METEOR_JAR");  // where it is installed
  if (jar == nullptr) return;
  const Json expected = read_json_file(COCA_TEST_DATA "/evaluation/captions_expected.json");
  const JudgedPictures judged = join_captions(
      read_coco_captions(
          AnnotationFile(COCA_TEST_DATA "/evaluation/captions_annotations.json").text()),
      read_caption_results(
          AnnotationFile(COCA_TEST_DATA "/evaluation/captions_results.json").text()));
  const MeteorScore score = meteor(judged.captions, jar);
  CHECK(score.total == Approx(expected["overall"]["METEOR"].get<double>()).margin(1e-6));
  for (std::size_t i = 0; i < judged.ids.size(); ++i)
    CHECK(score.each[i] ==
          Approx(expected["each"][judged.ids[i]]["METEOR"].get<double>()).margin(1e-6));
}

TEST_CASE("METEOR without its file, Java, or an answer is an error", "[evaluation]") {
  CHECK(testing::error_of([] { meteor(meteor_captions, "/no/such.jar"); }) ==
        "/no/such.jar: there is no such file");
  const std::string too_long(5000, 'x');  // an error of the file system
  CHECK(testing::error_of([&] { meteor(meteor_captions, too_long); }) ==
        too_long + ": there is no such file");
  const std::string silent =
      "java did not answer: is it installed, and is the file what it should be?";
  const FakeJava ends("exit 1\n");
  CHECK(testing::error_of([&] { meteor(meteor_captions, ends.jar()); }) == silent);
  const FakeJava babbles("while read -r line; do echo hello; done\n");
  CHECK(testing::error_of([&] { meteor(meteor_captions, babbles.jar()); }) ==
        "METEOR answered \"hello\", expected a score");
  const FakeJava cuts("while read -r line; do echo 0.5x; done\n");  // was read as 0.5
  CHECK(testing::error_of([&] { meteor(meteor_captions, cuts.jar()); }) ==
        "METEOR answered \"0.5x\", expected a score");
  const FakeJava divides("while read -r line; do echo NaN; done\n");
  CHECK(testing::error_of([&] { meteor(meteor_captions, divides.jar()); }) ==
        "METEOR answered \"NaN\", expected a score");
}
