#include "coca/data/picture_pattern.hpp"

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace picture_pattern_test {

TEST_CASE("Names of pictures are made of ids", "[data]") {
  CHECK(PicturePattern("COCO_val2014_{:012}.jpg")("42") == "COCO_val2014_000000000042.jpg");
  CHECK(PicturePattern("COCO_val2014_{:012}.jpg")("1234567890123") ==
        "COCO_val2014_1234567890123.jpg");
  CHECK(PicturePattern("a/{}.png")("x7") == "a/x7.png");
  CHECK(PicturePattern("{:03}")("7") == "007");
}

TEST_CASE("A pattern has one place for an id", "[data]") {
  const auto refusal = [](const std::string& pattern) {
    return coca_test::message_of([&] { PicturePattern{pattern}; });
  };
  CHECK(refusal("picture.jpg") ==
        "the pattern of picture names is \"picture.jpg\", expected one {} or {:012} in it for the "
        "picture's id, such as COCO_val2014_{:012}.jpg");
  for (const char* wrong : {"", "{", "}", "}{", "{}{}", "{:12}", "{:0}", "{:00}", "{:0x}",
                            "{:012d}", "{:099}", "{:0999999999999999999999}", "{a}", "{{}}"})
    CHECK(refusal(wrong).starts_with("the pattern of picture names is "));
}

}  // namespace picture_pattern_test
