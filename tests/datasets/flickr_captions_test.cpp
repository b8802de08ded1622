#include "coca/data/flickr_captions.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace flickr_captions_test {
using coca_test::message_of;
using Texts = std::vector<std::string>;

TEST_CASE("Commas and quotes of CLIP_benchmark's Flickr captions stay") {
  const std::string path = COCA_TEST_DATA "/evaluation/formats/flickr30k_test_karpathy.txt";
  const auto pictures = read_flickr_captions(coca_test::read_all(path), path);
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].file_name == "1007129816.jpg");
  CHECK(pictures[0].captions ==
        Texts{"The man with pierced ears is wearing glasses and an orange hat.",
              "\"A man, in a hat\""});
  CHECK(pictures[1].captions == Texts{"A black and white dog is running, in the grass ."});
  CHECK(pictures[1].caption_ids.size() == 1);
}

TEST_CASE("Lines of a picture need not follow each other") {
  const auto pictures = read_flickr_captions("h\r\na.jpg,1\r\n\r\nb.jpg,2\r\na.jpg,3", "x");
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].captions == Texts{"1", "3"});
}

TEST_CASE("Lines without a picture are refused") {
  const auto refusal = [](const std::string& text) {
    return message_of([&] { read_flickr_captions(text, "f.txt"); });
  };
  CHECK(refusal("h\na.png,x\n") ==
        "f.txt: line 2: expected the name of a .jpg, a comma and a caption");
  CHECK(refusal("h\na.jpg,x\n.jpg,x\n") ==
        "f.txt: line 3: expected the name of a .jpg, a comma and a caption");
  CHECK(refusal("h\na.jpg,\xE9\n") == "f.txt: line 2: the text is not UTF-8");
  CHECK(refusal("a.jpg,only a header\n") == "f.txt: lists no pictures");
  CHECK(refusal("") == "f.txt: lists no pictures");
}

}  // namespace flickr_captions_test
