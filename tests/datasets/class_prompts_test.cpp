#include "coca/data/class_prompts.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "io/temporary_folder.hpp"

using namespace coca;

namespace class_prompts_test {
using coca_test::contains;
using coca_test::message_of;
using Texts = std::vector<std::string>;

namespace {

const std::string formats = COCA_TEST_DATA "/evaluation/formats/";
const Texts toy{"cat", "dog", "t-shirt"};

std::string refusal(const std::string& text) {
  return message_of([&] { parse_class_prompts(text, "prompts", "toy", toy); });
}

}  // namespace

TEST_CASE("Templates are read from CLIP_benchmark's JSON, ImageNet's if the data set has none") {
  const std::string path = formats + "en_zeroshot_classification_templates.json";
  const ClassPrompts prompts = read_class_prompts(path, "vtab/toy", toy);
  CHECK(prompts.templates == Texts{"a photo of a {c}.", "a drawing of the {c}."});
  CHECK(fill_prompts(prompts, toy)[2] ==
        Texts{"a photo of a t-shirt.", "a drawing of the t-shirt."});
  CHECK(read_class_prompts(path, "food", toy).templates == Texts{"itap of a {c}."});
}

TEST_CASE("Prompts of each class are used as they are") {
  const ClassPrompts prompts = read_class_prompts(formats + "cupl_prompts.json", "toy", toy);
  CHECK(prompts.templates.empty());
  CHECK(fill_prompts(prompts, toy)[0] == Texts{"A cat has whiskers.", "A cat purrs."});
  CHECK(fill_prompts(prompts, toy)[1] == Texts{"A dog barks."});
  CHECK(contains(message_of([&] { fill_prompts(prompts, Texts{"cow"}); }),
                 "has no prompts for the class \"cow\""));
  // CuPL's own files are an object of classes.
  const ClassPrompts own = parse_class_prompts(R"({"cat": ["x {}"], "dog": ["y"], "cow": ["z"]})",
                                               "cupl", "toy", Texts{"cat", "dog"});
  CHECK(fill_prompts(own, Texts{"dog", "cat"}) == std::vector<Texts>{{"y"}, {"x {}"}});
}

TEST_CASE("Templates are read from lines and lists") {
  CHECK(parse_class_prompts("a {}.\n\nthe {c}\n", "x", "", {}).templates ==
        Texts{"a {}.", "the {c}"});
  CHECK(parse_class_prompts(R"(["a {}"])", "x", "", {}).templates == Texts{"a {}"});
  // A placeholder at the beginning is not JSON.
  CHECK(parse_class_prompts("{}\nthe {c}\n", "x", "", {}).templates == Texts{"{}", "the {c}"});
  CHECK(parse_class_prompts(" {c} indoors", "x", "", {}).templates == Texts{"{c} indoors"});
}

TEST_CASE("A template without a place for the name is quoted") {
  CHECK(refusal("a {}\na photo\n") ==
        "prompts: the template \"a photo\" has neither {} nor {c} for the name of the class");
  CHECK(
      contains(refusal(R"({"toy": ["a photo of {name}"]})"), "\"a photo of {name}\" has neither"));
  CHECK(refusal("\n") == "prompts: holds no templates");
  CHECK(contains(refusal(R"({"food": ["{}"]})"), "has no data set \"toy\" or \"imagenet1k\""));
  CHECK(refusal(R"({"toy": {"cat": "x"}})") ==
        "prompts: the value of a class is not a list of texts");
  CHECK(refusal(R"({"toy": {"cat": []}})") ==
        "prompts: the value of a class is not a list of texts");
}

}  // namespace class_prompts_test
